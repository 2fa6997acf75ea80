"""Reading a SOURCE argument: ``kind:name,option=value,…``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from actors.crawler.locate import unread


class SourceError(ValueError):
    """A source that cannot be used; the message is for the user and names the way out."""


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """A source as it was asked for; ``text`` is how the user wrote it."""

    kind: str
    name: str
    text: str
    options: Mapping[str, str] = field(default_factory=dict)


SORTS = ("new", "hot", "rising", "top", "controversial")
TIMES = ("hour", "day", "week", "month", "year", "all")
_LATER = {
    "dump": "reading Pushshift dumps",
    "arctic": "the Arctic Shift API",
    "reddit:firehose": "the firehose",
}
_EXAMPLES = {
    "reddit": "reddit:r/EarthPorn,sort=top,time=year",
    "urls": "urls:FILE",
    "folder": "folder:DIR",
}
_OPTIONS: dict[str, dict[str, str]] = {
    "reddit": {"sort": "|".join(SORTS), "time": "|".join(TIMES), "limit": r"[1-9]\d{0,8}"},
    "urls": {"column": ".*"},
    "folder": {},
}
_OPTION = re.compile(r",([A-Za-z_]+)=([^,=]*)$")
_PLACE = re.compile(r"(?:r/[A-Za-z0-9_]+(?:\+[A-Za-z0-9_]+)*|u/[\w-]+(?:/m/\w+)?)", re.ASCII)


def parse_source(text: str) -> SourceSpec:
    """Read a source argument; SourceError names the nearest known kind or option."""
    kind, colon, rest = text.strip().partition(":")
    kind = kind.lower()
    _refuse_later(kind, rest)
    if kind not in _EXAMPLES:
        raise SourceError(f"unknown source {unread(text)!r}: {_nearest_kind(kind)}")
    name, options = _split_options(kind, rest)
    if not colon or not name:
        raise SourceError(f"source {text!r} names nothing: write it as {_EXAMPLES[kind]}")
    for option, value in options.items():
        _check_option(kind, option, value)
    if kind == "reddit":
        name = _place(name)
        if "time" in options and options.get("sort", "top") not in ("top", "controversial"):
            raise SourceError(f"source {text!r}: time goes with sort=top or sort=controversial only")
    return SourceSpec(kind, name, text, options)


def _refuse_later(kind: str, rest: str) -> None:
    for later, what in _LATER.items():
        if later in (kind, f"{kind}:{rest.split(',', maxsplit=1)[0].lower()}"):
            known = ", ".join(_EXAMPLES.values())
            raise SourceError(f"this version of goldpan does not have {what} ({later}) yet; it has {known}")


def _nearest_kind(kind: str) -> str:
    near = get_close_matches(kind, _EXAMPLES, 1)
    examples = [_EXAMPLES[near[0]]] if near else _EXAMPLES.values()
    return (
        f"did you mean {examples[0]}?" if isinstance(examples, list) else f"use {', '.join(examples)} or demo"
    )


def _split_options(kind: str, rest: str) -> tuple[str, dict[str, str]]:
    """Take options off the end; for Reddit everything behind a comma is one, file names may hold commas."""
    if kind == "reddit":
        name, *parts = rest.split(",")
        return name.strip(), dict(_pair(part) for part in parts if part.strip())
    options: dict[str, str] = {}
    while (match := _OPTION.search(rest)) is not None:
        options[match[1].lower()] = match[2]
        rest = rest[: match.start()]
    return rest, options


def _pair(text: str) -> tuple[str, str]:
    option, _, value = text.partition("=")
    return option.strip().lower(), value.strip().lower()


def _check_option(kind: str, option: str, value: str) -> None:
    known = _OPTIONS[kind]
    if option not in known:
        near = get_close_matches(option, known, 1)
        way_out = f"did you mean {near[0]}=?" if near else f"it takes {', '.join(known) or 'no options'}"
        raise SourceError(f"{kind}: has no option {option!r}: {way_out}")
    if not re.fullmatch(known[option], value):
        choices = "a number from 1" if option == "limit" else known[option].replace("|", ", ")
        near = get_close_matches(value, known[option].split("|"), 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise SourceError(f"{option}={value} is not known: it takes {choices}{hint}")


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
