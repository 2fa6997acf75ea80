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
    """Submissions in the source's order, maybe none; ``cursor`` (plain JSON) continues behind them.

    An empty cursor is the source's beginning. With its last page a finite source gives that, so that the next run
    looks again for what is new, or its end, where only there something new may come. ``pause`` is how many seconds
    the source has nothing more to ask for; a source never sleeps itself, as others share its thread. ``notes`` are
    for the user, the log and the run's file.
    """

    submissions: tuple[Submission, ...]
    cursor: Cursor
    pause: float = 0.0
    notes: tuple[str, ...] = ()


class Source(Protocol):
    """A place submissions come from.

    A call for the next page takes seconds at most: one that searches for long gives empty pages meanwhile.
    """

    def check(self) -> None:
        """Make sure that it can be read, at the cost of one request at most; SourceError says what to do."""
        ...

    def pages(self, cursor: Cursor | None) -> Iterator[Page]:
        """Yield pages from behind the cursor (None: from the beginning); a finite source ends.

        SourceError where it cannot go on; what was yielded before stays.
        """
        ...
