"""The budgets of all hosts, for the whole cluster: granted to crawlers in leases, so that a request costs no call.

A **lease** is a crawler's part of a host's budget for ``LEASE_SECONDS``: connections, requests a second, and tokens
(requests that may start at once). The parts of all crawlers together never exceed the budget: what a crawler was
given counts as its own until it asks again, which shows that it has read a smaller part, or until its lease has run
out. Nothing is taken from a crawler that died before that.

Written here: limiters for a cluster (limits, pyrate-limiter) ask a shared store about every request.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from actors.crawler.holds import Hold, Outage, heard
from actors.crawler.settings import CrawlSettings, HostBudget

LEASE_SECONDS = 2.0
# Where there are fewer connections than crawlers that want one, each has its turn.
TURN_SECONDS = 4.0
_HOSTS_REMEMBERED = 4096
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Want:
    """What a crawler says of a host: its open and its waiting requests, and the tokens it has left.

    ``recovered``: the host has answered since its last hold ended. Without any request the lease is given back.
    """

    open: int
    waiting: int
    tokens: float = 0.0
    hold: Hold | None = None
    recovered: bool = False

    @property
    def demand(self) -> int:
        """Connections that would serve it at once."""
        return self.open + self.waiting


@dataclass(frozen=True, slots=True)
class Lease:
    """A crawler's part of a host's budget; ``tokens`` are added to those it has, and may be negative.

    ``hold`` is on, or has just ended (0 seconds): then only one crawler has a lease, to try the host with one
    request before there are more.
    """

    connections: int = 0
    per_second: float = 0.0
    tokens: float = 0.0
    hold: Hold | None = None


Ask = Callable[[str, Mapping[str, Want]], Awaitable[Mapping[str, Lease]]]


def asking(name: str) -> Ask:
    """Ask the actor of this name; nothing is granted while it is not there."""
    import ray

    budgets = ray.get_actor(name)

    async def ask(crawler: str, wants: Mapping[str, Want]) -> Mapping[str, Lease]:
        try:
            leases: Mapping[str, Lease] = await budgets.lease.remote(crawler, wants)
        except ray.exceptions.RayActorError as error:
            _log.warning("the hosts' budgets do not answer: %s", type(error).__name__)
            return {}
        return leases

    return ask


def restarted_by_ray() -> bool:
    """Tell whether the actor that runs this had an earlier life."""
    import ray

    return bool(ray.get_runtime_context().was_current_actor_reconstructed)


@dataclass(slots=True)
class _Part:
    """What one crawler may have of a host at most: what it was given last, and the larger of what it had before."""

    until: float = 0.0
    demand: int = 0
    connections: int = 0
    per_second: float = 0.0
    given: Lease = field(default_factory=Lease)


class _Host:
    """One host's budget, its parts, and its hold. Times are this process's monotonic seconds."""

    def __init__(self, budget: HostBudget, tokens: float, filled: float) -> None:
        self._budget = budget
        self._parts: dict[str, _Part] = {}
        self._tokens = tokens
        self._filled = filled
        self._outage: Outage | None = None

    def idle(self, now: float) -> bool:
        """Tell whether little is lost when this is forgotten: how often it was on hold."""
        self._fill(now)
        over = self._outage is None or self._outage.until < now
        return not self._parts and over and self._tokens >= self._budget.connections

    def lease(self, crawler: str, want: Want, now: float, *, closed: bool) -> Lease:
        """Hear what a crawler says, and give it its part from now on; nothing while ``closed``."""
        self._fill(now)
        self._hear(want, now)
        part = self._parts.setdefault(crawler, _Part())
        # It has read what it was given last, so that is all it can be using.
        part.connections, part.per_second = max(want.open, part.given.connections), part.given.per_second
        part.demand, part.until = want.demand, now + LEASE_SECONDS
        part.given = Lease(tokens=-want.tokens) if closed else self._given(crawler, want, now)
        part.connections = max(part.connections, part.given.connections)
        part.per_second = max(part.per_second, part.given.per_second)
        self._tokens -= part.given.tokens
        if not part.demand:
            del self._parts[crawler]
        return part.given

    def _fill(self, now: float) -> None:
        """Fill the bucket with the rate that nobody has a lease on; crawlers fill theirs with what they have."""
        leased = sum(part.per_second * (min(now, part.until) - self._filled) for part in self._parts.values())
        self._parts = {crawler: part for crawler, part in self._parts.items() if part.until > now}
        self._tokens += max(0.0, self._budget.per_second * (now - self._filled) - leased)
        # Together with what crawlers hold it is never more than a burst of all connections.
        most = self._budget.connections - sum(part.connections for part in self._parts.values())
        self._tokens = min(self._tokens, max(0.0, most))
        self._filled = max(self._filled, now)

    def _hear(self, want: Want, now: float) -> None:
        if want.hold is not None:
            self._outage = heard(self._outage, want.hold, now)
        elif want.recovered and self._outage is not None and now >= self._outage.until:
            self._outage = None

    def _given(self, crawler: str, want: Want, now: float) -> Lease:
        hold = None if self._outage is None else self._outage.told(now)
        others = [part for name, part in self._parts.items() if name != crawler]
        if hold is not None and (hold.seconds or any(part.given.connections for part in others)):
            return Lease(tokens=-want.tokens, hold=hold)
        demands = {name: part.demand for name, part in self._parts.items() if part.demand}
        shares = fair_shares(demands, self._budget.connections, int(now / TURN_SECONDS))
        free = self._budget.connections - sum(part.connections for part in others)
        connections = max(0, min(shares.get(crawler, 0), free))
        rate = self._budget.per_second * connections / max(1, sum(shares.values()))
        unleased = self._budget.per_second - sum(part.per_second for part in others)
        tokens = min(connections - want.tokens, self._tokens)
        return Lease(connections, max(0.0, min(rate, unleased)), tokens, hold)


def fair_shares(demands: Mapping[str, int], limit: int, turn: int) -> dict[str, int]:
    """Divide ``limit`` so that nobody has more than it demands, and the least is as much as it can be.

    What cannot be divided goes to one after the other, from one turn to the next.
    """
    names = sorted(demands)
    start = turn % len(names) if names else 0
    names = names[start:] + names[:start]
    shares = dict.fromkeys(names, 0)
    while limit and (short := [name for name in names if shares[name] < demands[name]]):
        each = max(1, limit // len(short))
        for name in short[:limit]:
            more = min(each, demands[name] - shares[name])
            shares[name] += more
            limit -= more
    return shares


class HostBudgets:
    """Grants leases on hosts' budgets; a plain class, in a crawler that is alone or an actor for many.

    ``restarted`` tells whether there was an earlier life: its leases are not known, so they run out, and every crawler
    says what it has open, before new ones are granted. A call can be repeated.
    """

    def __init__(
        self,
        settings: CrawlSettings,
        restarted: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._again = restarted()
        self._opens = clock() + LEASE_SECONDS if self._again else -math.inf
        self._hosts: dict[str, _Host] = {}

    def lease(self, crawler: str, wants: Mapping[str, Want]) -> dict[str, Lease]:
        """Renew a crawler's leases on these hosts, or the suffixes that share a budget."""
        now = self._clock()
        if len(self._hosts) > _HOSTS_REMEMBERED:
            self._hosts = {name: host for name, host in self._hosts.items() if not host.idle(now)}
        return {
            name: self._host(name, now).lease(crawler, want, now, closed=now < self._opens)
            for name, want in wants.items()
        }

    def _host(self, name: str, now: float) -> _Host:
        host = self._hosts.get(name)
        if host is None:
            budget = self._settings.budget_entry(name)[1]
            # In an earlier life the burst may just have been granted, and the rate of the next seconds.
            tokens = 0.0 if self._again else float(budget.connections)
            host = self._hosts[name] = _Host(budget, tokens, filled=max(now, self._opens))
        return host
