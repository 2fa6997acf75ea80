"""The columns of a list: which one has the URLs, what is known of a submission, and what else a row carries."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import Any

import orjson

from actors.crawler.sources.plain import distinct, writable
from actors.crawler.sources.spec import SourceError
from models.keys import url_item
from models.records import Submission

URL = "url"
# What a row may carry besides, in bytes of JSON: a manifest holds the rows of a whole window.
LARGEST_EXTRA = 64 << 10
_LONGEST_FACT = 1000
_LIKE_URL = re.compile(r"ur[il]|link|href|src|image|photo", re.IGNORECASE)
_SUBREDDIT = re.compile(r"(?:/?r/)?(\w{1,50})", re.ASCII | re.IGNORECASE)
_PERMALINK = re.compile(r"(?:https?:/)?/\S+", re.IGNORECASE)
_FLAGS = {"true": True, "1": True, "false": False, "0": False}


class Columns:
    """A list's header, which makes submissions of its rows.

    The columns ``subreddit``, ``author``, ``title``, ``permalink`` and ``over_18``, in any case, fill the fields of
    these names with what fits there; everything else is ``extra``. ``place`` is the URLs', ``notes`` are for the user.
    """

    def __init__(self, names: Sequence[str], source: str, column: str | None = None) -> None:
        self.notes: list[str] = []
        self._source = source
        self.place = _place_of(names, source, column)
        self._names = distinct(names)
        self._facts = _facts_of(names, self.place)
        self._left_out = False

    def submission(self, values: Sequence[Any]) -> Submission:
        """Make a row's submission; it may have fewer values than the header, or more."""
        facts: dict[str, Any] = {}
        extra: dict[str, Any] = {}
        for place, value in enumerate(values):
            name = self._facts.get(place)
            if place == self.place or (name and value in (None, "")):
                continue
            fact = _FACTS[name](value) if name else None
            if name and fact is not None:
                facts[name] = fact
            else:
                extra[self._name(place)] = writable(value) if isinstance(value, str) else value
        url = values[self.place] if self.place < len(values) else None
        return _submission("" if url is None else str(url).strip(), self._source, facts, self._bounded(extra))

    def unreadable(self, why: str) -> Submission:
        """Make the submission of a row that cannot be read: it ends as ``bad_url``, and its ``extra`` says why."""
        return _submission(f"unreadable row {why}", self._source, {}, {"unreadable_row": why})

    def _name(self, place: int) -> str:
        return self._names[place] if place < len(self._names) else f"column_{place + 1}"

    def _bounded(self, extra: dict[str, Any]) -> dict[str, Any]:
        """Leave out the largest values where all are too large to be carried along, and say so in their place."""
        if len(orjson.dumps(extra)) <= LARGEST_EXTRA:
            return extra
        sizes = {name: len(orjson.dumps({name: value})) for name, value in extra.items()}
        room = LARGEST_EXTRA
        for name in sorted(sizes, key=sizes.__getitem__):
            room -= sizes[name]
            if room < 0:
                extra[name] = self.left_out(name, f"{sizes[name]} bytes")
        return extra

    def left_out(self, name: str, size: str) -> dict[str, str]:
        """Give what stands in the place of a value that is too large, and note it once."""
        if not self._left_out:
            self.notes.append(
                f"{self._source}: a row carries {LARGEST_EXTRA >> 10} KiB besides its URL; what is larger, first of "
                f"all in column {name!r}, is left out of extra"
            )
        self._left_out = True
        return {"left_out": size}


def _submission(url: str, source: str, facts: dict[str, Any], extra: dict[str, Any]) -> Submission:
    return Submission(url_item(url), source, {"url": url}, **facts, extra=extra or None)


def _place_of(names: Sequence[str], source: str, column: str | None) -> int:
    """Find the column with the URLs: of exactly this name, else in any case."""
    wanted = column or URL
    for place, name in enumerate(names):
        if name == wanted:
            return place
    for place, name in enumerate(names):
        if name.strip().lower() == wanted.strip().lower():
            return place
    found = ", ".join(map(repr, names[:12])) or "nothing"
    raise SourceError(f"{source}: no column {wanted!r} among {found}; {_way_out(names, wanted)}")


def _way_out(names: Sequence[str], wanted: str) -> str:
    if len(names) == 1 and re.search(r"[;|\t]", names[0]):
        return "its columns must have commas between them in a .csv, tabs in a .tsv"
    likely = [*get_close_matches(wanted, names, 1), *filter(_LIKE_URL.search, names), "NAME"]
    return f"say which one has the URLs, as in urls:FILE,column={likely[0]}"


def _facts_of(names: Sequence[str], url: int) -> dict[int, str]:
    """Give the places of the columns that fill a field; the first of several of one name."""
    places = {name.strip().lower(): place for place, name in reversed(list(enumerate(names))) if place != url}
    return {places[name]: name for name in _FACTS if name in places}


def _text(value: Any) -> str | None:
    text = writable(value).strip() if isinstance(value, str) else ""
    return text if 0 < len(text) <= _LONGEST_FACT else None


def _subreddit(value: Any) -> str | None:
    match = _SUBREDDIT.fullmatch(_text(value) or "")
    return match[1] if match else None


def _permalink(value: Any) -> str | None:
    text = _text(value) or ""
    if not _PERMALINK.fullmatch(text):
        return None
    return f"https://www.reddit.com{text}" if text.startswith("/") else text


def _flag(value: Any) -> bool | None:
    return _FLAGS.get(str(value).strip().lower())


_FACTS: dict[str, Callable[[Any], Any]] = {
    "subreddit": _subreddit,
    "author": _text,
    "title": _text,
    "permalink": _permalink,
    "over_18": _flag,
}
