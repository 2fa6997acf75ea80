"""Reading a SOURCE argument: ``kind:name,option=value,…``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from actors.crawler.locate import unread
from actors.crawler.sources import dates


class SourceError(ValueError):
    """A source that cannot be used; the message is for the user and names the way out."""


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """A source as it was asked for; ``text`` is how the user wrote it."""

    kind: str
    name: str
    text: str
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_firehose(self) -> bool:
        """Tell whether it is every post on Reddit."""
        return self.kind == "reddit" and self.name == FIREHOSE

    @property
    def can_be_followed(self) -> bool:
        """Tell whether it is a listing that shows what is new."""
        named = {option for option in self.options if option != "limit"}
        new = not named or (named == {"sort"} and self.options["sort"] == "new")
        return self.kind == "reddit" and not self.is_firehose and new

    def is_endless(self, *, follow: bool = False) -> bool:
        """Tell whether it has no end, when what can be followed is."""
        return self.is_firehose or (follow and self.can_be_followed)


FIREHOSE = "firehose"
SORTS = ("new", "hot", "rising", "top", "controversial")
TIMES = ("hour", "day", "week", "month", "year", "all")
_EXAMPLES = {
    "reddit": "reddit:r/EarthPorn,sort=top,time=year",
    "reddit:firehose": "reddit:firehose",
    "urls": "urls:FILE",
    "folder": "folder:DIR",
    "dump": "dump:FILE.zst,subreddit=EarthPorn",
    "arctic": "arctic:EarthPorn,after=2024-01-01",
}
_LIMIT = r"[1-9]\d{0,8}"
_PLACE_IN_TIME = r"(?:t3_)?[0-9a-z]{1,9}|\d{4}-\d\d-\d\d"
_DATE = r"\d{4}(?:-\d\d){0,2}|\d{9,10}"
_NAMES = r"[\w.-]+(?:\+[\w.-]+)*"
_OPTIONS: dict[str, dict[str, str]] = {
    "reddit": {"sort": "|".join(SORTS), "time": "|".join(TIMES), "limit": _LIMIT},
    "reddit:firehose": {"after": _PLACE_IN_TIME, "limit": _LIMIT},
    "urls": {"column": ".*"},
    "folder": {},
    "dump": {"subreddit": _NAMES, "author": _NAMES, "after": _DATE, "before": _DATE, "limit": _LIMIT},
    "arctic": {"after": _DATE, "before": _DATE, "limit": _LIMIT},
}
# What an option takes, where its pattern would tell a user nothing.
_TAKES = {
    _LIMIT: "a number from 1",
    _DATE: dates.EXPECTED,
    _NAMES: "a name, or several as A+B",
    _PLACE_IN_TIME: "the id of a post, or a day like 2026-01-31",
}
_OPTION = re.compile(r",([A-Za-z_]+)=([^,=]*)$")
_PLACE = re.compile(r"(?:r/[A-Za-z0-9_]+(?:\+[A-Za-z0-9_]+)*|u/[\w-]+(?:/m/\w+)?)", re.ASCII)


def parse_source(text: str) -> SourceSpec:
    """Read a source argument; SourceError names the nearest known kind or option."""
    kind, colon, rest = text.strip().partition(":")
    kind = kind.lower()
    if kind not in _EXAMPLES:
        raise SourceError(f"unknown source {unread(text)!r}: {_nearest_kind(kind)}")
    name, options = _split_options(kind, rest)
    if not colon or not name:
        raise SourceError(f"source {text!r} names nothing: write it as {_EXAMPLES[kind]}")
    is_firehose = kind == "reddit" and name.lower() == FIREHOSE
    for option, value in options.items():
        _check_option(f"{kind}:{FIREHOSE}" if is_firehose else kind, option, value)
    if is_firehose:
        name = FIREHOSE
    elif kind == "reddit":
        name = _place(name)
        if "time" in options and options.get("sort", "top") not in ("top", "controversial"):
            raise SourceError(f"source {text!r}: time goes with sort=top or sort=controversial only")
    if kind == "arctic":
        name = _archived(name)
    _check_range(options)
    return SourceSpec(kind, name, text, options)


def _nearest_kind(kind: str) -> str:
    near = get_close_matches(kind, _EXAMPLES, 1)
    examples = [_EXAMPLES[near[0]]] if near else _EXAMPLES.values()
    return (
        f"did you mean {examples[0]}?" if isinstance(examples, list) else f"use {', '.join(examples)} or demo"
    )


def _split_options(kind: str, rest: str) -> tuple[str, dict[str, str]]:
    """Take options off the end; behind a subreddit everything is one, file names may hold commas."""
    if kind in ("reddit", "arctic"):
        name, *parts = rest.split(",")
        return name.strip(), _options([_pair(part) for part in parts if part.strip()])
    pairs: list[tuple[str, str]] = []
    while (match := _OPTION.search(rest)) is not None:
        pairs.insert(0, (match[1].lower(), match[2]))
        rest = rest[: match.start()]
    return rest, _options(pairs)


def _options(pairs: list[tuple[str, str]]) -> dict[str, str]:
    options = dict(pairs)
    if len(options) < len(pairs):
        named = [option for option, _ in pairs]
        twice = next(option for option in named if named.count(option) > 1)
        raise SourceError(
            f"{twice}= is given twice: give it once (subreddit= and author= take several, as A+B)"
        )
    return options


def _pair(text: str) -> tuple[str, str]:
    option, _, value = text.partition("=")
    return option.strip().lower(), value.strip().lower()


def _check_option(kind: str, option: str, value: str) -> None:
    known = _OPTIONS[kind]
    if option not in known:
        near = get_close_matches(option, known, 1)
        way_out = f"did you mean {near[0]}=?" if near else f"it takes {', '.join(known) or 'no options'}"
        raise SourceError(f"{kind}: has no option {option!r}: {way_out}")
    if not re.fullmatch(known[option], value, re.ASCII) or not _is_date(known[option], value):
        choices = _TAKES.get(known[option]) or known[option].replace("|", ", ")
        near = [] if known[option] in _TAKES else get_close_matches(value, known[option].split("|"), 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise SourceError(f"{option}={value} is not known: it takes {choices}{hint}")


def _is_date(pattern: str, value: str) -> bool:
    """Tell a date from a thirteenth month; what is not meant to be one passes."""
    try:
        return pattern != _DATE or dates.moment(value) >= 0
    except ValueError:
        return False


def _check_range(options: Mapping[str, str]) -> None:
    after, before = options.get("after"), options.get("before")
    if after and before and dates.moment(after) >= dates.moment(before):
        raise SourceError(
            f"after={after},before={before}: nothing lies between; before is to be the later one"
        )


def _archived(name: str) -> str:
    """Give ``r/NAME`` or ``u/NAME``; the archive answers for one of them at a time."""
    place = re.sub(r"^/?(?:(r)|u|user)/", lambda found: "r/" if found[1] else "u/", name.strip(), flags=re.I)
    place = place.rstrip("/") if "/" in place else f"r/{place}"
    if re.fullmatch(r"[ru]/[\w.-]+", place, re.ASCII):
        return place
    if "+" in place:
        raise SourceError(f"arctic:{name}: one subreddit a source; name several: arctic:A arctic:B")
    raise SourceError(f"arctic:{name} is no subreddit or user: write arctic:NAME or arctic:u/NAME")


def _place(name: str) -> str:
    place = name.strip().strip("/")
    place = re.sub(r"^user/", "u/", place, flags=re.IGNORECASE)
    if re.match(r"[RU]/", place):
        place = place[0].lower() + place[1:]
    if _PLACE.fullmatch(place):
        return place
    if re.fullmatch(r"[A-Za-z0-9_+]{2,}", place):
        raise SourceError(
            f"reddit:{name}: did you mean reddit:r/{place} (a subreddit) or reddit:u/{place} (a user)?"
        )
    raise SourceError(
        f"reddit:{name} is no subreddit or user: write reddit:r/NAME, reddit:r/A+B or reddit:u/NAME"
    )
