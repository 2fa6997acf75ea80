"""One small object per host owns how hard the host is asked: connections, rate, and when to leave it alone.

Written here rather than taken from a limiter (aiolimiter) and a circuit breaker (purgatory, pybreaker): connections,
rate and hold are granted together, in the run's order, by leases that all crawlers share; and who waits for an open
circuit waits in line, where those libraries fail it at once.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from actors.crawler.budgets import LEASE_SECONDS, Lease, Want
from actors.crawler.figures import HostFigures
from actors.crawler.health import Health, Patience
from actors.crawler.holds import Hold, HostOnHoldError
from models.reasons import Reason

Turn = tuple[int, int]

_WHOLE = 1 - 1e-9  # tokens come in fractions, whose sum may be rounded


class HostSlot:
    """What this crawler may ask of a host, by its lease; whoever waits is served in the run's order.

    ``wants_lease`` is called when somebody waits who cannot be served without another one, and on news.
    """

    def __init__(self, patience: Patience, wants_lease: Callable[[], None]) -> None:
        self._health = Health(patience)
        self._wants_lease = wants_lease
        self._lease = Lease()
        self._lease_until = 0.0
        self._asked_for = 0
        self._tokens = 0.0
        self._filled = 0.0
        self._open = 0
        self._open_since_hold = 0
        self._waiting: list[tuple[Turn, int, asyncio.Future[int]]] = []
        self._count = itertools.count()
        self._timer: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def connection(self, turn: Turn) -> AsyncIterator[Visit]:
        """Wait for a connection and a token; HostOnHoldError where the host is to be left alone for long."""
        holds = await self._acquire(turn)
        try:
            yield Visit(self, holds)
        finally:
            self._close(holds)

    async def _acquire(self, turn: Turn) -> int:
        hold = self._health.too_long(_now())
        if hold is not None:
            raise HostOnHoldError(hold)
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (turn, next(self._count), future))
        self.serve()
        try:
            return await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled() and future.exception() is None:
                self._close(future.result())
            raise

    def _close(self, holds: int) -> None:
        self._open -= 1
        self._open_since_hold -= holds == self._health.holds
        self.serve()

    def serve(self) -> None:
        """Let those begin who may."""
        while self._waiting:
            future = self._waiting[0][2]
            if not future.done():
                if not self._may_begin():
                    return
                self._open += 1
                self._open_since_hold += 1
                self._tokens -= 1
                future.set_result(self._health.holds)
            heapq.heappop(self._waiting)

    def _may_begin(self) -> bool:
        """Tell whether one more may begin now; if not, see to it that this is asked again when it may."""
        now, outage = _now(), self._health.outage
        if outage is not None and now < outage.until:
            self._serve_at(outage.until)
        elif now >= self._lease_until:
            self._wants_lease()
        elif outage is not None and self._open_since_hold:
            return False  # one that succeeds comes before all others
        elif self._open >= self._lease.connections:
            if self._lease.connections >= self._asked_for:
                self._wants_lease()
        else:
            return self._has_token(now)
        return False

    def _has_token(self, now: float) -> bool:
        self._fill(now)
        if self._tokens >= _WHOLE:
            return True
        if self._lease.tokens >= 1:  # there may be more of them
            self._wants_lease()
        if self._lease.per_second:
            self._serve_at(now + (1 - self._tokens) / self._lease.per_second)
        return False

    def _fill(self, now: float) -> None:
        until = min(now, self._lease_until)
        if until > self._filled:
            self._tokens = min(
                self._lease.connections, self._tokens + self._lease.per_second * (until - self._filled)
            )
            self._filled = until

    def _serve_at(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(at, self.serve)

    def ask(self) -> Want:
        """Say what is wanted and known here, to ask for a lease; one that is of no use is given back with it."""
        now, health = _now(), self._health
        self._fill(now)
        want = Want(self._open, self._waits(), self._tokens, health.hold(now), health.recovered)
        if not self.in_use:
            self._lease_until = self._tokens = 0.0
        return want

    def take(self, lease: Lease, want: Want, asked_at: float) -> None:
        """Use a lease that was asked for with ``want`` at this moment."""
        now, holds = _now(), self._health.holds
        self._fill(now)
        if want.recovered:
            self._health.recovered = False
        self._health.hears(lease.hold, now)
        self._asked_for = want.demand
        if want.demand:
            on_hold = lease.hold is not None and lease.hold.seconds > 0
            self._lease, self._lease_until = lease, now if on_hold else asked_at + LEASE_SECONDS
            # Some may have come in while they were on their way: together they are no more than a burst.
            self._tokens, self._filled = min(self._tokens + lease.tokens, lease.connections), now
        self._after_news(holds)

    def _after_news(self, holds: int) -> None:
        if holds != self._health.holds:
            # Which of the crawlers tries the host when the hold is over, is said with another lease.
            self._open_since_hold, self._lease_until = 0, 0.0
            self._wants_lease()
        hold = self._health.too_long(_now())
        if hold is not None:
            self.send_away(HostOnHoldError(hold))
        self.serve()

    def send_away(self, error: Exception) -> None:
        """Raise this for all who wait."""
        while self._waiting:
            future = heapq.heappop(self._waiting)[2]
            if not future.done():
                future.set_exception(error)

    @property
    def in_use(self) -> bool:
        """Whether somebody waits or is being served, or the host is on hold, which others have to know."""
        return bool(self._open or self._waits()) or self.hold is not None

    @property
    def idle(self) -> bool:
        """Whether little is lost when this object is forgotten: how often the host was on hold."""
        return not self.in_use and self._lease_until <= _now()

    def _waits(self) -> int:
        return sum(not future.done() for _, _, future in self._waiting)

    @property
    def hold(self) -> Hold | None:
        """The hold that is on."""
        return self._health.hold(_now())

    @property
    def figures(self) -> HostFigures:
        """How the host is asked now."""
        hold = self.hold
        left, circuit = (0.0, False) if hold is None else (hold.seconds, hold.circuit)
        return HostFigures(self._open, self._waits(), self._lease.connections, left, circuit)

    def answered(self, holds: int) -> None:
        """Note that the host answers; ``holds`` as the visit has it."""
        if self._health.answered(holds):
            self._wants_lease()
        self.serve()

    def refused(self, holds: int, seconds: float | None, reason: Reason) -> None:
        """Note that the host asks to be left alone."""
        before = self._health.holds
        self._health.refused(holds, seconds, reason, _now())
        self._after_news(before)

    def failed(self, holds: int, reason: Reason) -> None:
        """Note that the host failed."""
        before = self._health.holds
        self._health.failed(holds, reason, _now())
        self._after_news(before)


@dataclass(frozen=True, slots=True)
class Visit:
    """One request to a host, and how it went; ``holds`` is how many holds the host had had when it began."""

    slot: HostSlot
    holds: int

    def answered(self) -> None:
        """The host answers as it should, whatever it says."""
        self.slot.answered(self.holds)

    def refused(self, seconds: float | None, reason: Reason) -> None:
        """The host asks to be left alone, for so many seconds if it says so."""
        self.slot.refused(self.holds, seconds, reason)

    def failed(self, reason: Reason) -> None:
        """The host failed."""
        self.slot.failed(self.holds, reason)


def _now() -> float:
    return asyncio.get_running_loop().time()
