"""How far a crawler runs ahead: bytes are promised to candidates in the run's order, before they wait for a host.

Whatever waits for bytes comes after what holds them, or is told as late; so a consumer that takes candidates
in order, and leaves out late ones, always finds something to take, and what it takes makes room.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from actors.crawler.slots import Turn
from models.records import Candidate

# So many are promised room before a size is known: as many requests as may be on their way at once.
_FIRST_PROMISES = 64
_MOST_GUESSED = 4 << 20
_LEAST_GUESS = 1 << 16
_MEMORY = 16  # images the guess of the next one's size goes back
# Waiting is normal where a host is busy; it takes this many times the patience to be late.
WAITING_PATIENCE = 10


class ByteBudget:
    """Bytes that are promised or held; unknown sizes are guessed from the last images'.

    What turns out larger than it was promised waits for room, in the run's order. One at a time may go beyond the
    limit, so that there is always one that gets on, as long as what is held is less than half of it: from there on a
    window can be made of what is held (window.bytes is half of the limit at most), and gives it back. So the most that
    is held is the limit and one image; promised to that one, where its length is not declared, is up to twice its
    size. Not counted is what each request has in its connection's buffers, and the last chunk or inflated piece, with
    which it waits.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._guess = float(max(_LEAST_GUESS, min(_MOST_GUESSED, limit // _FIRST_PROMISES)))
        self._growing: list[tuple[Turn, int, int, Errand, asyncio.Future[None]]] = []
        self._count = itertools.count()
        self._beyond: Errand | None = None
        self._idle: dict[Errand, None] = {}
        self.used = 0
        self.held = 0

    @property
    def guess(self) -> int:
        """What an image of unknown size is promised."""
        return int(self._guess)

    def has_room(self) -> bool:
        """Tell whether one more may start; a first one always may, however big it turns out."""
        return self.used == 0 or self.used + self.guess <= self._limit

    def learn(self, size: int) -> None:
        """Note the size of an image that arrived."""
        self._guess = max(_LEAST_GUESS, self._guess + (size - self._guess) / _MEMORY)

    async def grow(self, errand: Errand, size: int) -> None:
        """Promise ``size`` bytes in all to a candidate, when there is room for them."""
        if errand is self._beyond:
            errand.promise(size)
            return
        if errand.guessed:
            # It has read nothing yet: what was guessed for it is nobody's while it waits.
            errand.promise(0)
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._growing, (errand.turn, next(self._count), size, errand, future))
        self.serve()
        await future

    def serve(self) -> None:
        """Let those grow that there is room for now."""
        while self._growing:
            _, _, size, errand, future = self._growing[0]
            if not future.done():
                others = self.used - errand.promised
                while others + size > self._limit and self._idle:
                    others -= self._take_back()
                if others + size > self._limit:
                    if self.held > self._limit // 2 or self._beyond is not None:
                        return
                    self._beyond = errand
                errand.promise(size)
                future.set_result(None)
            heapq.heappop(self._growing)

    def hold(self, size: int) -> None:
        """Note that so many of the bytes have arrived."""
        self.held += size

    def give_back(self, size: int) -> None:
        """Note that so many bytes that were held are handed out."""
        self.held -= size
        self.used -= size

    def idles(self, errand: Errand) -> None:
        """Note that a candidate only waits: its bytes are taken back when one that runs needs them."""
        self._idle[errand] = None

    def works(self, errand: Errand) -> None:
        """Note that a candidate keeps its bytes."""
        self._idle.pop(errand, None)

    def _take_back(self) -> int:
        errand, _ = self._idle.popitem()
        taken = errand.promised
        errand.promise(0)
        return taken

    def stops(self, errand: Errand) -> None:
        """Note that a candidate's request is over."""
        if self._beyond is errand:
            self._beyond = None
            self.serve()


@dataclass(slots=True, eq=False)
class Errand:
    """One candidate on its way: its place in the run's order, its bytes, and how long it runs or waits.

    It is the ``Watch`` of its requests.
    """

    order: int
    position: int
    candidate: Candidate
    budget: ByteBudget
    promised: int = 0
    guessed: bool = False
    running: bool = False
    late: bool = False
    since: float = field(default_factory=time.monotonic)
    waited: float = 0.0

    @property
    def turn(self) -> Turn:
        """Place in the run's order."""
        return self.order, self.position

    def __lt__(self, other: Errand) -> bool:
        return self.turn < other.turn

    def promise(self, size: int) -> None:
        """Change the bytes this candidate has from the budget."""
        self.budget.used += size - self.promised
        self.promised, self.guessed = size, False

    def guess(self) -> None:
        """Change them to what an image of unknown size is promised."""
        self.promise(self.budget.guess)
        self.guessed = True

    def waits(self) -> None:
        """Note that it waits: for its host, a hold, or its next try."""
        self.budget.stops(self)
        self.budget.idles(self)
        if self.running:
            self.running, self.since = False, time.monotonic()

    def runs(self) -> None:
        """Note that its request is on its way; one that gave its bytes back has them again, if there is room."""
        self.budget.works(self)
        now = time.monotonic()
        if not self.running:
            self.waited += now - self.since
        self.running, self.since = True, now
        if self.promised == 0 and self.budget.has_room():
            self.guess()

    def fits(self, size: int) -> bool:
        """Tell whether what is coming is no more than was promised; what is not needed is given back."""
        if size <= self.promised:
            self.promise(size)
            return True
        return False

    async def room(self, size: int) -> None:
        """Have what is coming promised, or wait for it."""
        if not self.fits(size):
            await self.budget.grow(self, size)

    def overdue(self, patience: float, now: float) -> bool:
        """Tell whether its request takes too long, or its wait far too long."""
        if self.running:
            return now - self.since > patience
        return self.waited + now - self.since > patience * WAITING_PATIENCE


class Ahead:
    """The candidates that have no bytes promised yet, and those on their way."""

    def __init__(self, limit: int) -> None:
        self.budget = ByteBudget(limit)
        self.running: dict[str, Errand] = {}
        self._queue: list[Errand] = []
        self._queued: set[str] = set()
        self._furthest: Turn = (-1, -1)

    def __contains__(self, key: str) -> bool:
        return key in self.running or key in self._queued

    def __len__(self) -> int:
        return len(self._queue)

    def add(self, order: int, position: int, candidate: Candidate) -> None:
        """Queue a candidate by its place in the run's order."""
        heapq.heappush(self._queue, Errand(order, position, candidate, self.budget))
        self._queued.add(candidate.key)

    def startable(self) -> Iterator[Errand]:
        """Take those off the queue that there are bytes for; each counts as on its way from here on."""
        self.budget.serve()
        while self._queue and self.budget.has_room():
            errand = heapq.heappop(self._queue)
            self._queued.discard(errand.candidate.key)
            self._furthest = max(self._furthest, errand.turn)
            errand.guess()
            self.budget.idles(errand)
            errand.since = time.monotonic()
            self.running[errand.candidate.key] = errand
            yield errand

    def finish(self, errand: Errand, size: int) -> None:
        """Turn a promise into ``size`` bytes that are held (0: none) until they are given back."""
        del self.running[errand.candidate.key]
        self.budget.works(errand)
        errand.promise(size)
        self.budget.hold(size)
        self.budget.stops(errand)
        if size:
            self.budget.learn(size)

    def newly_late(self, patience: float) -> Iterator[Errand]:
        """Tell each candidate that is overdue, once; one that only waits gives its bytes back meanwhile."""
        now = time.monotonic()
        for errand in self.running.values():
            if not errand.late and errand.overdue(patience, now):
                errand.late = True
                if not errand.running:
                    errand.promise(0)
                yield errand
        for errand in self._queue:
            # Resolved late: later ones hold the bytes, and nobody must wait for this one to let them go.
            if not errand.late and errand.turn < self._furthest and now - errand.since > patience:
                errand.late = True
                yield errand
