"""A host that is to be left alone: because it asks for it, or because it keeps failing (an open circuit)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from models.reasons import Reason

_ON_ITS_WAY = 1.0  # seconds


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold as crawlers tell each other of it, in seconds from now, as their clocks differ.

    ``outage`` is how long the host will not have been well when the hold ends, ``strikes`` the number of holds in
    a row, this one included. ``circuit``: the host kept failing; else it asked for it.
    """

    seconds: float
    outage: float
    strikes: int
    reason: Reason
    circuit: bool


class HostOnHoldError(Exception):
    """The host is to be left alone for longer than a candidate can wait."""

    def __init__(self, hold: Hold) -> None:
        super().__init__(hold)
        self.hold = hold

    @property
    def detail(self) -> str:
        """Say why, for the row."""
        return "circuit open" if self.hold.circuit else "host on hold"


@dataclass(frozen=True, slots=True)
class Outage:
    """A hold by this process's clock, from when the host was last well; it is over when the host answers again."""

    since: float
    until: float
    strikes: int
    reason: Reason
    circuit: bool

    def told(self, now: float) -> Hold:
        """Give it as others are told."""
        left = max(0.0, self.until - now)
        return Hold(left, max(now, self.until) - self.since, self.strikes, self.reason, self.circuit)

    def with_hold(self, seconds: float, now: float, reason: Reason, *, circuit: bool) -> Outage:
        """Give the outage that has one more hold; strikes count holds of one kind in a row."""
        strikes = self.strikes + 1 if self.circuit is circuit else 1
        return Outage(self.since, max(self.until, now + seconds), strikes, reason, circuit)

    def lasting(self, until: float) -> Outage:
        """Give the outage with a hold that lasts at least so long."""
        return replace(self, until=max(self.until, until))


def heard(known: Outage | None, hold: Hold, now: float) -> Outage:
    """Add what another says of a host to what is known of it."""
    until = now + hold.seconds
    other = Outage(until - hold.outage, until, hold.strikes, hold.reason, hold.circuit)
    if known is None:
        return other
    worse = other if other.strikes > known.strikes else known
    # It is on its way for a moment, and must not grow by that each time it is told on.
    until = until if until > known.until + _ON_ITS_WAY else known.until
    return replace(worse, since=min(known.since, other.since), until=until)
