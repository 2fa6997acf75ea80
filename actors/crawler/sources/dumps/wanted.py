"""Which lines of a dump are wanted: told from the bytes before anything is parsed, and checked on the post."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from actors.crawler.resolvers.shapes import number_of, text_of
from actors.crawler.sources.dates import moment

# Dumps have "subreddit":"X" or "subreddit": "X"; whatever else JSON allows there is read by the pattern.
_COMPACT = b':"'
_VALUE = re.compile(rb'\s*:\s*"([^"\\]*)"')
_COLON = re.compile(rb"\s*:")
_MONTH = re.compile(r"(?:^|/)RS_(\d{4})-(\d\d)\b")
_DAY = 86400


class Wanted:
    """The posts of some subreddits, or of some authors, in some range of time; of all where nothing is said.

    Names are compared without regard to case: dumps have the canonical one, which users need not know.
    """

    def __init__(self, options: Mapping[str, str]) -> None:
        self._names = {
            field: frozenset(options[field].lower().split("+"))
            for field in ("author", "subreddit")
            if field in options
        }
        # An author has fewer posts than a subreddit, so one that is given is what is looked for.
        self._field = next(iter(self._names), None)
        self._bytes = frozenset(name.encode() for name in self._names.get(self._field or "", ()))
        self._after = moment(options["after"]) if "after" in options else None
        self._before = moment(options["before"]) if "before" in options else None

    def spans(self, data: bytes) -> Iterator[tuple[int, int]]:
        """Yield start and end of every line that may be wanted; some of them are not, as a parent has names too."""
        at = 0 if self._field is None else self._named(data, 0)
        while 0 <= at < len(data):
            start = data.rfind(b"\n", 0, at) + 1
            end = data.find(b"\n", at)
            end = len(data) if end < 0 else end
            yield start, end
            at = end + 1 if self._field is None else self._named(data, end)

    def _named(self, data: bytes, at: int) -> int:
        """Find the next place with a wanted name, or with one that cannot be read in passing; -1 where none is."""
        key, names = b'"%s"' % (self._field or "").encode(), self._bytes
        find, skip = data.find, len(key)
        while (at := find(key, at)) >= 0:
            value = at + skip
            if data[value : value + 2] == _COMPACT:
                end = find(b'"', value + 2)
                name = data[value + 2 : end]
                # A backslash may stand for any letter.
                if name.lower() in names or end < 0 or b"\\" in name:
                    return at
            elif (found := _VALUE.match(data, value)) is not None:
                if found[1].lower() in names:
                    return at
            elif _COLON.match(data, value) is not None:
                return at
            at = value
        return at

    def admits(self, post: dict[str, Any]) -> bool:
        """Tell whether a post is wanted; one that does not say when it was made may have been made at any time."""
        if any((text_of(post, field) or "").lower() not in names for field, names in self._names.items()):
            return False
        created = number_of(post, "created_utc")
        if created is None:
            return True
        return (self._after is None or created >= self._after) and (
            self._before is None or created < self._before
        )

    def may_be_in(self, name: str) -> bool:
        """Tell from the name of a monthly file, RS_YYYY-MM, whether any of its posts may be wanted."""
        found = _MONTH.search(name)
        if found is None or not 1 <= int(found[2]) <= 12:
            return True
        year, month = int(found[1]), int(found[2])
        first = datetime(year, month, 1, tzinfo=UTC).timestamp() - _DAY
        last = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC).timestamp() + _DAY
        return (self._after is None or last > self._after) and (self._before is None or first < self._before)
