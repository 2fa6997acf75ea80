"""What every source is: pages of submissions, each with the cursor from which to go on after it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from models.records import Submission

PAGE = 100
Cursor = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """Submissions in the source's order; ``cursor`` (plain JSON) continues behind them.

    An empty cursor is the source's beginning: a finite source gives it with its last page, so that the next
    run looks again for what is new.
    """

    submissions: tuple[Submission, ...]
    cursor: Cursor


class Source(Protocol):
    """A place submissions come from."""

    def check(self) -> None:
        """Make sure that it can be read, at the cost of one request at most; SourceError says what to do."""
        ...

    def pages(self, cursor: Cursor | None) -> Iterator[Page]:
        """Yield pages from behind the cursor (None: from the beginning); a finite source ends."""
        ...
