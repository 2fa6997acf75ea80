"""One small object per host owns how hard the host is asked: connections, rate, and when to leave it alone.

Written here rather than taken from aiolimiter: connections, rate and hold have to be granted together and in
the run's order, and a hold must be able to send the waiting ones away.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from actors.crawler.settings import CrawlSettings, HostBudget

Turn = tuple[int, int]

LONGEST_HOLD = 900.0  # seconds
_HOSTS_REMEMBERED = 1024


class HostOnHoldError(Exception):
    """The host asked to be left alone for longer than a candidate can wait."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential waits in seconds, jittered down to half so that those who failed together do not return so."""

    first: float = 0.5
    longest: float = 600.0  # what imgur asks for when it is over capacity

    def seconds(self, failures: int) -> float:
        """Give the wait after this many failures in a row (from 1)."""
        return min(self.longest, self.first * 2.0 ** min(failures - 1, 30)) * random.uniform(0.5, 1.0)


def retry_after(value: str | None, now: float | None = None) -> float | None:
    """Read a Retry-After header, seconds or an HTTP date (RFC 9110, 10.2.3); None where it says nothing."""
    if value is None:
        return None
    if value.strip().isascii() and value.strip().isdigit():
        return float(value)
    try:
        at = parsedate_to_datetime(value).timestamp()
    except (ValueError, OverflowError):
        return None
    return max(0.0, at - (time.time() if now is None else now))


class HostSlot:
    """A host's connections and its token bucket; whoever waits is served in the run's order."""

    def __init__(self, budget: HostBudget, share: int = 1) -> None:
        self._free = self._connections = max(1, budget.connections // share)
        self._interval = share / budget.per_second
        # All connections may start at once; from there on, one start an interval.
        self._burst = (self._connections - 1) * self._interval
        self._next = 0.0
        self._held_until = 0.0
        self._strikes = 0
        self._waiting: list[tuple[Turn, int, asyncio.Future[None]]] = []
        self._count = itertools.count()
        self._timer: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def connection(self, turn: Turn) -> AsyncIterator[None]:
        """Wait for a connection and a token; HostOnHoldError where the host is to be left alone for long."""
        await self._acquire(turn)
        try:
            yield
        finally:
            self._free += 1
            self._serve()

    async def _acquire(self, turn: Turn) -> None:
        loop = asyncio.get_running_loop()
        if self._held_until - loop.time() > LONGEST_HOLD:
            raise HostOnHoldError
        future: asyncio.Future[None] = loop.create_future()
        heapq.heappush(self._waiting, (turn, next(self._count), future))
        self._serve()
        try:
            await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled() and future.exception() is None:
                self._free += 1
                self._serve()
            raise

    def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting and self._free:
            now, at = loop.time(), max(self._held_until, self._next - self._burst)
            if at > now:
                self._serve_at(at)
                return
            future = heapq.heappop(self._waiting)[2]
            if not future.done():
                self._free -= 1
                self._next = max(self._next, now) + self._interval
                future.set_result(None)

    def _serve_at(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(at, self._serve)

    def hold(self, seconds: float | None, backoff: Backoff) -> None:
        """Leave the host alone: for as long as it says, else for longer each time it asks."""
        self._strikes += 1
        wait = backoff.seconds(self._strikes) if seconds is None else seconds
        self._held_until = max(self._held_until, asyncio.get_running_loop().time() + wait)
        if wait > LONGEST_HOLD:
            for _, _, future in self._waiting:
                if not future.done():
                    future.set_exception(HostOnHoldError())
            self._waiting.clear()

    def welcome(self) -> None:
        """Note that the host answers again."""
        self._strikes = 0

    @property
    def idle(self) -> bool:
        """Whether nothing is lost when this object is forgotten."""
        now = asyncio.get_running_loop().time()
        quiet = self._free == self._connections and not self._waiting
        return quiet and max(self._next, self._held_until) < now


class HostSlots:
    """The slots of every host that is being asked, each with this crawler's share of the cluster's budget."""

    def __init__(self, settings: CrawlSettings, share: int = 1) -> None:
        self._settings = settings
        self._share = max(1, share)
        self._slots: dict[str, HostSlot] = {}

    def __len__(self) -> int:
        return len(self._slots)

    def of(self, host: str) -> HostSlot:
        """Give the host's slot."""
        slot = self._slots.get(host)
        if slot is None:
            if len(self._slots) >= _HOSTS_REMEMBERED:
                self._slots = {name: slot for name, slot in self._slots.items() if not slot.idle}
            slot = self._slots[host] = HostSlot(self._settings.budget(host), self._share)
        return slot
