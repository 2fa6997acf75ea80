"""Windows close here: the next ready candidates in the run's order, without those that are late or put off.

Membership follows from the order alone, as long as nothing is late: an interrupted run that is started again
closes the same windows as one that was not interrupted.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType

from actors.crawler.events import Fetched, Late, News, Resolved
from actors.crawler.sources import Cursor
from actors.deferred import Deferred
from models.keys import NO_CANDIDATE
from models.reasons import Reason
from models.records import Candidate, Ready, Submission

FIRST_WINDOW = 32
# An API that takes longer to say what a submission holds delays that submission alone.
RESOLVE_SECONDS = 30.0
EMPTY: Mapping[str, Cursor] = MappingProxyType({})


@dataclass(slots=True)
class Entry:
    """A submission on its way: what of it is resolved, ready, late, put off, and taken into a window already.

    ``owed`` is what it was put off for before, or what --retry wants; then only these rows are wanted.
    """

    submission: Submission
    crawler: int
    seen: frozenset[str]
    owed: tuple[Deferred, ...] = ()
    resolved: bool = False
    candidates: tuple[Candidate, ...] = ()
    ready: dict[str, Ready] = field(default_factory=dict)
    late: set[str] = field(default_factory=set)
    taken: set[str] = field(default_factory=set)
    put_off: set[str] = field(default_factory=set)
    since: float = field(default_factory=time.monotonic)

    @property
    def is_taken(self) -> bool:
        """Tell whether all its candidates are in windows, or put off."""
        return self.resolved and len(self.taken) + len(self.put_off) == len(self.candidates)

    @property
    def done(self) -> set[str]:
        """The keys that nothing more is expected of: seen before, taken, or put off."""
        return self.taken | self.put_off | self.seen

    @property
    def keys(self) -> set[str]:
        """The keys of its candidates."""
        return {one.key for one in self.candidates}

    @property
    def tries(self) -> int:
        """How often it was put off."""
        return max((one.tries for one in self.owed), default=0)

    def attempt(self, key: str) -> int:
        """Give the attempt that a candidate's row is of; what a submission came to is of the same as its own."""
        own = next((one.attempt for one in self.owed if one.key == key), None)
        return own or max(
            (one.attempt for one in self.owed if one.candidate.media == NO_CANDIDATE), default=1
        )

    @property
    def total(self) -> int:
        """The number of all its candidates, those of earlier windows too."""
        known = max((one.candidates for one in self.owed), default=0)
        return max(known, len(self.candidates) + len(self.seen))

    @property
    def settled(self) -> set[str]:
        """The keys that are owed no more: those in windows, and when it is taken all but what is put off again."""
        owed = {one.key for one in self.owed}
        return owed - self.put_off if self.is_taken else owed & self.taken


@dataclass(frozen=True, slots=True)
class Pick:
    """A ready candidate that goes into a window, and the crawler that holds its bytes."""

    entry: Entry
    ready: Ready


class WindowAssembler:
    """Holds the submissions that crawlers work on, in the run's order, and closes windows over them."""

    def __init__(self, cursors: Mapping[str, Cursor] = EMPTY) -> None:
        self._entries: dict[int, Entry] = {}
        self._last = -1
        self._marks: deque[tuple[int, str, Cursor]] = deque()
        self._settled: set[str] = set()
        self.cursors = dict(cursors)

    def __len__(self) -> int:
        return len(self._entries)

    def __getitem__(self, order: int) -> Entry | None:
        return self._entries.get(order)

    def add(self, order: int, entry: Entry) -> None:
        """Expect events about this submission; orders rise."""
        self._entries[order] = entry
        self._last = order

    def mark(self, source: str, cursor: Cursor) -> None:
        """Note a source's cursor, which counts once all that was added before is taken."""
        self._marks.append((self._last, source, cursor))
        self._pass_marks()

    def put_off(self, order: int, key: str) -> None:
        """Leave a candidate out: it is asked for again later, as an entry of its own."""
        entry = self._entries[order]
        entry.put_off.add(key)
        entry.late.discard(key)

    def take_settled(self) -> tuple[str, ...]:
        """Give the keys that are owed no more, for the manifest of the window that was closed last."""
        settled, self._settled = self._settled, set()
        return tuple(sorted(settled))

    def tell(self, event: News) -> None:
        """Take in what a crawler says; events about what is gone are old, and ignored."""
        entry = self._entries.get(event.order)
        match event:
            case _ if entry is None:
                return
            case Resolved() if entry.resolved:
                return
            case Resolved(candidates=candidates):
                new = tuple(one for one in candidates if one.key not in entry.done)
                entry.candidates, entry.resolved = entry.candidates + new, True
            case Fetched(ready=ready):
                entry.ready[ready.key] = ready
            case Late(key=key):
                entry.late.add(key)

    def held_by(self, crawler: int) -> Iterator[tuple[int, Entry]]:
        """Give what a crawler has not handed out yet, in order: what is lost when it dies."""
        for order, entry in self._entries.items():
            if entry.crawler == crawler:
                yield order, entry

    def forget_progress(self, entry: Entry) -> None:
        """Expect a submission to be resolved and fetched again, but for what is taken or put off."""
        entry.candidates = tuple(one for one in entry.candidates if one.key in entry.done)
        entry.resolved = False
        entry.ready.clear()
        entry.late.clear()
        entry.since = time.monotonic()

    def close(self, count: int, most_bytes: int, *, partial: bool, ended: bool) -> list[Pick]:
        """Close a window, or give nothing where it has to wait.

        It is full at ``count`` candidates or ``most_bytes``. One that is not full closes where ``partial`` says so
        (its time is up), or where ``ended`` says that no more will come for now (the sources are at their end, or
        there is no room for more) and nothing but late candidates is left.
        """
        picks: list[Pick] = []
        size = 0
        blocked = False
        for entry in self._entries.values():
            found, blocked = _ready_of(entry)
            for ready in found:
                picks.append(Pick(entry, ready))
                size += ready.size
                if len(picks) >= count or size >= most_bytes:
                    return self._take(picks)
            if blocked:
                break
        return self._take(picks) if partial or (ended and not blocked) else []

    def _take(self, picks: list[Pick]) -> list[Pick]:
        for pick in picks:
            pick.entry.taken.add(pick.ready.key)
            del pick.entry.ready[pick.ready.key]
        for entry in self._entries.values():
            if entry.owed:
                self._settled |= entry.settled
        self._entries = {order: entry for order, entry in self._entries.items() if not entry.is_taken}
        self._pass_marks()
        return picks

    def _pass_marks(self) -> None:
        first = next(iter(self._entries), self._last + 1)
        while self._marks and self._marks[0][0] < first:
            _, source, cursor = self._marks.popleft()
            self.cursors[source] = cursor


def _ready_of(entry: Entry) -> tuple[list[Ready], bool]:
    if not entry.resolved:
        return [], time.monotonic() - entry.since < RESOLVE_SECONDS
    found: list[Ready] = []
    done = entry.done
    for candidate in entry.candidates:
        if candidate.key in done:
            continue
        if _says_what_came(candidate) and len(done & entry.keys) + len(found) < len(entry.candidates) - 1:
            continue
        if ready := entry.ready.get(candidate.key):
            found.append(ready)
        elif candidate.key not in entry.late:
            return found, True
    return found, False


def _says_what_came(candidate: Candidate) -> bool:
    """Tell whether a row says that a submission came to others: it must never be there without them."""
    return candidate.outcome is not None and candidate.outcome.reason is Reason.RESOLVED_LATER


class WindowTimes:
    """When a window's time is up, by a clock that nobody sets; and the moment that its manifest has, by the calendar.

    Days come from that moment: a window belongs to the one that it was opened on, whenever it is committed. ``seconds``
    is a window's time, None for ever.
    """

    def __init__(
        self,
        seconds: float | None,
        clock: Callable[[], float] = time.monotonic,
        today: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._seconds, self._clock, self._today = seconds, clock, today
        self._since = clock()

    @property
    def is_up(self) -> bool:
        """Tell whether the next window closes, however little is in it."""
        return self._seconds is not None and self._clock() - self._since >= self._seconds

    def open(self) -> datetime:
        """Begin a window's time; gives its moment."""
        self._since = self._clock()
        return self._today()


def window_size(number: int, count: int) -> int:
    """Give how many candidates a window has: the first of an output are small, so that results show early.

    It follows from the window's number, not from the run, so that a restart goes on with the same sizes.
    """
    return min(count, FIRST_WINDOW << min(number - 1, 30))
