"""How a host is, as one crawler sees it: what opens and closes its circuit, and when it is left alone."""

from __future__ import annotations

from dataclasses import dataclass

from actors.crawler.backoff import Backoff
from actors.crawler.holds import Hold, Outage, heard
from models.reasons import Reason


@dataclass(frozen=True, slots=True)
class Patience:
    """How trouble is met.

    ``refused`` is the wait where a host says none, ``circuit`` how long it is open after ``failures`` in a row, and
    ``longest_hold`` the seconds without an answer that a candidate waits for.
    """

    refused: Backoff
    circuit: Backoff
    failures: int
    longest_hold: float


class Health:
    """A host's failures in a row, and its outage if it has one; times are this process's monotonic seconds.

    Requests are told from each other by ``holds``, the number of holds there had been when they began: what began
    before the latest says nothing about it.
    """

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._failures = 0
        self.outage: Outage | None = None
        self.holds = 0
        self.recovered = False

    def hold(self, now: float) -> Hold | None:
        """Give the hold that is on, as others are told."""
        return self.outage.told(now) if self.outage is not None and now < self.outage.until else None

    def too_long(self, now: float) -> Hold | None:
        """Give the hold that is on, if it is longer than a candidate can wait."""
        hold = self.hold(now)
        return hold if hold is not None and hold.outage > self._patience.longest_hold else None

    def answered(self, holds: int) -> bool:
        """Note an answer; tells whether it ends an outage."""
        if holds != self.holds:
            return False
        self._failures = 0
        self.recovered = self.recovered or self.outage is not None
        ended, self.outage = self.outage is not None, None
        return ended

    def refused(self, holds: int, seconds: float | None, reason: Reason, now: float) -> None:
        """Hold, as the host asks: for as long as it says, else for longer each time."""
        if holds == self.holds:
            outage = self.outage or Outage(now, now, 0, reason, circuit=False)
            wait = self._patience.refused.seconds(outage.strikes + 1) if seconds is None else seconds
            self._begin(outage.with_hold(wait, now, reason, circuit=False))
        elif seconds is not None and self.outage is not None:
            self.outage = self.outage.lasting(now + seconds)

    def failed(self, holds: int, reason: Reason, now: float) -> None:
        """Open the circuit after too many failures in a row, or one while it is half open."""
        if holds != self.holds:
            return
        self._failures += 1
        half_open = self.outage is not None and self.outage.circuit
        if half_open or self._failures >= self._patience.failures:
            outage = self.outage or Outage(now, now, 0, reason, circuit=True)
            wait = self._patience.circuit.seconds(outage.strikes + 1 if half_open else 1)
            self._begin(outage.with_hold(wait, now, reason, circuit=True))

    def hears(self, hold: Hold | None, now: float) -> None:
        """Take in what all crawlers together know: a hold, one that has just ended, or none."""
        if hold is None:
            self.outage = None if self.hold(now) is None else self.outage
            return
        new = self.outage is None or hold.strikes > self.outage.strikes
        outage = heard(self.outage, hold, now)
        if new and hold.seconds:
            self._begin(outage)
        else:
            self.outage = outage

    def _begin(self, outage: Outage) -> None:
        self.outage = outage
        self.holds += 1
        self._failures = 0
        self.recovered = False
