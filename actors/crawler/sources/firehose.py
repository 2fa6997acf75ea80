"""Every post on Reddit: ids are allotted one after the other, and a hundred can be asked for at a time."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any

from pydantic import Field

from actors.crawler.resolvers.shapes import number_of as numeric
from actors.crawler.sources.client import RedditClient
from actors.crawler.sources.late import Late, Told
from actors.crawler.sources.pace import Pace
from actors.crawler.sources.patience import Patience
from actors.crawler.sources.post import fullname, submission_of
from actors.crawler.sources.post_id import id_of, number_of
from actors.crawler.sources.resume import PostId, resumed
from actors.crawler.sources.source import PAGE, Cursor, Page
from actors.crawler.sources.spec import SourceError, SourceSpec
from models.records import Submission

_HEAD = "r/all/new"
# Not a full hundred: what was allotted a moment ago is often absent yet.
_WANTED = 90
_SLOWEST = 10.0
_BEGIN_BEFORE = 1000
_SWEEPS_BETWEEN_HEADS = 100
# While it is behind, what is new goes before what was absent; when it is not, half of the budget is for others.
_SWEEPS_BETWEEN_TRIES = 3
_TRIES_A_TURN = 3
# Of memory: 2 MB.
_BLOCKS_AT_MOST = 10_000
# Seconds before an absent id is asked for again, and again; then it is let be.
DELAYS = (5.0, 30.0, 180.0, 900.0, 3600.0)
# So far behind the head an id is older than all these delays, at 17 posts a second: it is not late.
_SETTLED = 100_000
# So many absent ids in front of the head are crossed, and asked for when there is time.
_HOLE = 1000
_FARTHEST = 10_000
HOLE_DELAYS = (900.0, 3600.0)
_BEHIND = 20_000
_STEPS_ASIDE = 3
Found = dict[int, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class _Reached:
    """What a cursor says: the next id, for every try that absent ones have left from which id to which, and ``count``.

    Of another version with more tries or fewer, the queues do not fit.
    """

    next: PostId
    late: Annotated[list[Told], Field(min_length=len(DELAYS), max_length=len(DELAYS))]
    holes: Annotated[list[Told], Field(min_length=len(HOLE_DELAYS), max_length=len(HOLE_DELAYS))]
    count: int


class Firehose:
    """``reddit:firehose``, without an end: sweeps the ids up to the head, and asks again for those that were absent.

    Options: ``after`` (an id, or a date) to begin in the past, ``limit`` (posts, late ones besides).
    """

    def __init__(self, spec: SourceSpec, client: RedditClient) -> None:
        self._text, self._client = spec.text, client
        self._after = _place_in_time(spec)
        self._limit = int(spec.options["limit"]) if "limit" in spec.options else None
        self._patience = Patience(spec.text, None)
        self._pace = Pace(_WANTED, _SLOWEST)
        self._late, self._holes = Late(DELAYS), Late(HOLE_DELAYS)
        self._next = self._head = 0
        self._count = self._sweeps = self._news = 0
        self._is_behind = False

    def check(self) -> None:
        """Ask for one post."""
        self._client.check(_HEAD, {"limit": 1}, self._text)

    def pages(self, cursor: Cursor | None) -> Iterator[Page]:
        """Yield what is found, up to 100 posts a page, in the order of their ids but for the late ones."""
        if reached := (yield from resumed(_Reached, cursor, self._text)):
            self._next, self._count = number_of(reached.next), reached.count
            self._late.restore(reached.late, self._client.clock())
            self._holes.restore(reached.holes, self._client.clock())
        else:
            yield from self._begin()
        while self._limit is None or self._count < self._limit:
            if len(self._late) + len(self._holes) >= _BLOCKS_AT_MOST:
                if not (yield from self._ask_again()):
                    yield Page((), self._cursor(), _SLOWEST)
                continue
            start = self._next
            yield from self._sweep()
            if self._next > self._head and self._next < start + PAGE:
                yield from self._rest()
            elif self._sweeps % _SWEEPS_BETWEEN_TRIES == 0:
                yield from self._ask_again()
        yield Page((), self._cursor() | {"count": 0})  # the next run may take as many again

    def _begin(self) -> Iterator[Page]:
        while not (listed := (yield from self._newest({}))):
            yield Page((), {}, self._pace.pause(0))
        self._head = max(listed)
        if self._after is None:
            self._next = max(min(listed), self._head - _BEGIN_BEFORE)
        elif isinstance(self._after, datetime):
            self._next = yield from self._first_of(self._after.timestamp())
        else:
            self._next = self._after + 1
        if self._next > self._head + 1:
            raise SourceError(f"{self._text}: that is not posted yet; the newest is {id_of(self._head)}")

    def _sweep(self) -> Iterator[Page]:
        """Ask for the next hundred; what lies beyond the head is not late, and stays the next."""
        start, cursor = self._next, self._cursor()
        found = yield from self._found(range(start, start + PAGE), cursor)
        self._head = max([self._head, *found])
        if self._sweeps % _SWEEPS_BETWEEN_HEADS == 0 or (not found and self._head < start + PAGE):
            self._head = max([self._head, *(yield from self._newest(cursor))])
        self._sweeps += 1
        if not found and self._head - start >= _HOLE:
            yield from self._cross(start, cursor)
            return
        end = max(start, min(start + PAGE, self._head + 1))
        if self._limit is not None and len(found) > self._limit - self._count:
            found = dict(sorted(found.items())[: self._limit - self._count])
            end = max(found) + 1
        if self._head - end < _SETTLED:
            self._late.add(range(start, end), set(found), self._client.clock())
        self._next = end
        self._count += len(found)
        self._news += end - start
        yield Page(self._submissions(found), self._cursor(), notes=self._notes())

    def _cross(self, start: int, cursor: Cursor) -> Iterator[Page]:
        """Where nothing is found for long, look at a hundred ids here and there, and leave the rest for later."""
        stretch = range(start + PAGE, min(start + _FARTHEST, self._head), (_FARTHEST - PAGE) // PAGE)
        found = yield from self._found(stretch, cursor)
        empty = [number for number in stretch if not found or number < min(found)]
        end = empty[-1] if empty else start + PAGE
        for at in range(start, end, PAGE):
            self._holes.add(range(at, min(at + PAGE, end)), set(), self._client.clock())
        self._next = end
        yield Page((), self._cursor(), notes=self._notes())

    def _rest(self) -> Iterator[Page]:
        """Ask again for some of what was absent, and pause."""
        for _ in range(_TRIES_A_TURN):
            yield from self._ask_again()
        pause, self._news = self._pace.pause(self._news), 0
        yield Page((), self._cursor(), pause)

    def _ask_again(self) -> Generator[Page, None, bool]:
        """Ask for a hundred that were absent; return whether any were due."""
        cursor = self._cursor()
        for queue in (self._late, self._holes):
            if taken := queue.take(self._client.clock()):
                numbers = [number for _, block in taken for number in block.numbers()]
                found = yield from self._found(numbers, cursor)
                queue.put_back(taken, set(found), self._client.clock())
                yield Page(self._submissions(found), self._cursor())
                return True
        return False

    def _found(self, numbers: range | list[int], cursor: Cursor) -> Generator[Page, None, Found]:
        ids = [id_of(number) for number in numbers]
        posts = yield from self._patience.ask(partial(self._client.posts, ids), cursor)
        named = ((fullname(post), post) for post in posts)
        found = {number_of(name): post for name, post in named if name is not None}
        # A server may give more than it was asked for.
        return {number: found[number] for number in numbers if number in found}

    def _newest(self, cursor: Cursor) -> Generator[Page, None, list[int]]:
        ask = partial(self._client.listing, _HEAD, {"limit": PAGE}, self._text)
        listing = yield from self._patience.ask(ask, cursor)
        posts = [child.get("data") for child in listing["children"] if isinstance(child, dict)]
        names = [fullname(post) for post in posts if isinstance(post, dict)]
        return [number_of(name) for name in names if name is not None]

    def _first_of(self, moment: float) -> Generator[Page, None, int]:
        """Find about the first number that was allotted then, by halving."""
        low, high = 0, self._head
        while high - low > PAGE:
            middle = (low + high) // 2
            created: list[float] = []
            for aside in range(_STEPS_ASIDE):
                start = middle + aside * PAGE
                found = yield from self._found(range(start, start + PAGE), {})
                yield Page((), {})
                created = [time for post in found.values() if (time := numeric(post, "created_utc"))]
                if created:
                    break
            low, high = (low, middle) if created and max(created) >= moment else (middle, high)
        return low

    def _submissions(self, found: Found) -> tuple[Submission, ...]:
        return tuple(submission_of(post, self._text) for post in found.values())

    def _notes(self) -> tuple[str, ...]:
        """Say when it falls behind, and when it has caught up."""
        behind = self._head - self._next
        is_behind = behind > (0 if self._is_behind else _BEHIND)
        if is_behind == self._is_behind:
            return ()
        self._is_behind = is_behind
        told = f"is {behind:,} ids behind the newest post" if self._is_behind else "has caught up"
        return (f"{self._text} {told}",)

    def _cursor(self) -> Cursor:
        now = self._client.clock()
        late, holes = self._late.state(now), self._holes.state(now)
        return {"next": id_of(self._next), "late": late, "holes": holes, "count": self._count}


def _place_in_time(spec: SourceSpec) -> int | datetime | None:
    after = spec.options.get("after")
    if after is None:
        return None
    if "-" not in after:
        return number_of(after)
    try:
        return datetime.fromisoformat(after).replace(tzinfo=UTC)
    except ValueError:
        raise SourceError(f"{spec.text}: there is no day {after}") from None
