"""Crawlers share one budget: never more than it allows, whoever dies, and none of it idle while somebody wants it."""

from __future__ import annotations

import asyncio
import itertools
import math
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from actors.crawler.backoff import Backoff
from actors.crawler.budgets import LEASE_SECONDS, HostBudgets, Lease, Want, fair_shares
from actors.crawler.holds import HostOnHoldError
from actors.crawler.leases import HostSlots
from actors.crawler.settings import CrawlSettings, HostBudget
from actors.crawler.slots import Visit
from models.reasons import Reason
from tests.actors.crawler.virtual_time import in_virtual_time

HOST = "h.example"
NO_LIMIT = 10_000


class Host:
    """Notes who asks it, when, and how many at once."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.starts: list[tuple[float, str]] = []
        self.at_once = self.most_at_once = 0

    @contextmanager
    def asked_by(self, who: str) -> Iterator[None]:
        self.starts.append((asyncio.get_running_loop().time(), who))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            yield
        finally:
            self.at_once -= 1

    def of(self, who: str, since: float = 0.0) -> int:
        return sum(name == who and at >= since for at, name in self.starts)

    def rate(self, since: float, until: float) -> float:
        return sum(since <= at < until for at, _ in self.starts) / (until - since)

    def most_over(self, budget: HostBudget) -> float:
        """By how many starts the budget was exceeded in any stretch of time; at most 0 is right."""
        # What is over between the i-th and the j-th start is (j - rate * at j) - (i - rate * at i) + 1 - burst.
        over, lowest = 0.0, math.inf
        for number, (at, _) in enumerate(self.starts):
            height = number - budget.per_second * at
            lowest = min(lowest, height)
            over = max(over, height - lowest + 1 - budget.connections)
        return over


class Cluster:
    """One budgets object, as far away as a Ray actor, and crawlers that want a host."""

    def __init__(
        self, budget: HostBudget, seconds: float = 0.1, away: float = 0.002, **settings: float
    ) -> None:
        self.budget = budget
        self.settings = CrawlSettings(default_budget=budget, **settings)
        self.host = Host(seconds)
        self.away = away
        self.calls = 0
        self.chance = random.Random(budget.connections)
        self.start()
        self.tasks: dict[str, list[asyncio.Task[None]]] = {}
        self.slots: dict[str, HostSlots] = {}

    def start(self, restarted: bool = False) -> None:
        self.budgets = HostBudgets(self.settings, lambda: restarted, asyncio.get_running_loop().time)

    async def _ask(self, crawler: str, wants: Mapping[str, Want]) -> Mapping[str, Lease]:
        self.calls += 1
        await asyncio.sleep(self.away * self.chance.random())
        leases = self.budgets.lease(crawler, wants)
        await asyncio.sleep(self.away * self.chance.random())
        return leases

    def crawler(self, name: str, wants: int = 0) -> HostSlots:
        """Start a crawler that always wants this many requests."""
        self.slots[name] = slots = HostSlots(self.settings, self._ask, Backoff())
        self.tasks[name] = [asyncio.create_task(slots.keep())]
        self.tasks[name] += [asyncio.create_task(self._visits(name)) for _ in range(wants)]
        return slots

    async def _visits(self, name: str) -> None:
        while True:
            await self.visit(name)

    async def visit(self, name: str, seconds: float | None = None) -> Visit:
        async with self.slots[name].of(HOST).connection((0, 0)) as visit:
            with self.host.asked_by(name):
                await asyncio.sleep(self.host.seconds if seconds is None else seconds)
            visit.answered()
            return visit

    async def stop(self, name: str) -> None:
        """Stop wanting anything; the leases are kept up."""
        for task in self.tasks[name][1:]:
            task.cancel()
        await asyncio.wait(self.tasks[name][1:])

    async def kill(self, name: str) -> None:
        for task in self.tasks.pop(name):
            task.cancel()
        await asyncio.sleep(0)

    def check(self) -> None:
        assert self.host.most_at_once <= self.budget.connections
        # Tokens on their way meet those that came in meanwhile.
        assert self.host.most_over(self.budget) <= self.budget.per_second * 2 * self.away + 1e-6


@in_virtual_time
async def test_a_crawler_alone_has_it_all() -> None:
    cluster = Cluster(HostBudget(connections=4, per_second=10), seconds=0.01)
    cluster.crawler("a", wants=9)
    await asyncio.sleep(20)
    cluster.check()
    assert cluster.host.rate(1, 20) == pytest.approx(10, rel=0.05)
    # Every half second, and a few to begin with.
    assert cluster.calls < 50


@in_virtual_time
async def test_sixteen_crawlers_share_four_connections() -> None:
    cluster = Cluster(HostBudget(connections=4, per_second=NO_LIMIT), seconds=0.1)
    for number in range(16):
        cluster.crawler(f"c{number}", wants=10)
    await asyncio.sleep(120)
    cluster.check()
    assert cluster.host.rate(2, 120) > 0.7 * 4 / 0.1
    served = Counter(name for _, name in cluster.host.starts)
    assert len(served) == 16
    assert min(served.values()) > 0.5 * max(served.values())


@in_virtual_time
async def test_what_one_does_not_want_the_others_have() -> None:
    cluster = Cluster(HostBudget(connections=4, per_second=8), seconds=0.01)
    cluster.crawler("a", wants=9)
    cluster.crawler("b", wants=9)
    await asyncio.sleep(20)
    for name in "ab":
        assert cluster.host.of(name, since=4) / 16 == pytest.approx(4, rel=0.15)
    await cluster.stop("b")
    await asyncio.sleep(20)
    assert cluster.host.rate(24, 40) == pytest.approx(8, rel=0.05)
    assert cluster.host.of("a", since=24) / 16 == pytest.approx(8, rel=0.05)
    cluster.check()


@in_virtual_time
async def test_a_modest_crawler_gets_what_it_wants() -> None:
    cluster = Cluster(HostBudget(connections=4, per_second=NO_LIMIT), seconds=1)
    cluster.crawler("many", wants=30)
    cluster.crawler("one", wants=1)
    await asyncio.sleep(30)
    assert cluster.host.of("one", since=3) >= 0.9 * 27
    assert cluster.host.of("many", since=3) >= 0.9 * 27 * 3
    cluster.check()


@in_virtual_time
async def test_the_lease_of_a_dead_crawler_runs_out() -> None:
    cluster = Cluster(HostBudget(connections=4, per_second=8), seconds=0.01)
    cluster.crawler("a", wants=9)
    cluster.crawler("b", wants=9)
    await asyncio.sleep(10)
    await cluster.kill("a")
    await asyncio.sleep(10)
    assert cluster.host.rate(10 + 2 * LEASE_SECONDS, 20) == pytest.approx(8, rel=0.1)
    cluster.crawler("a again", wants=9)
    await asyncio.sleep(10)
    cluster.check()


@in_virtual_time
async def test_budgets_that_were_restarted_grant_nothing_that_may_still_be_out() -> None:
    cluster = Cluster(HostBudget(connections=4, per_second=2), seconds=0.3)
    for name in "abc":
        cluster.crawler(name, wants=5)
    for _ in range(10):
        await asyncio.sleep(random.uniform(1, 8))
        cluster.start(restarted=True)
    await asyncio.sleep(10)
    cluster.check()
    assert cluster.host.rate(0, asyncio.get_running_loop().time()) > 1


@pytest.mark.parametrize("seed", range(12))
@in_virtual_time
async def test_whatever_happens_the_budget_holds(seed: int) -> None:
    chance = random.Random(seed)
    budget = HostBudget(connections=chance.randint(1, 8), per_second=chance.choice([0.2, 1, 5, 40]))
    cluster = Cluster(budget, seconds=chance.choice([0.001, 0.1, 2]), away=chance.choice([0, 0.003, 0.3]))
    for number in range(60):
        alive = list(cluster.tasks)
        match chance.choice(["come", "come", "rest", "die", "restart", "wait", "wait"]):
            case "come":
                cluster.crawler(f"c{number}", wants=chance.choice([0, 1, 3, 20]))
            case "rest" if alive and len(cluster.tasks[name := chance.choice(alive)]) > 1:
                await cluster.stop(name)
            case "die" if alive:
                await cluster.kill(chance.choice(alive))
            case "restart":
                cluster.start(restarted=True)
        await asyncio.sleep(chance.choice([0.01, 0.5, 3]))
    cluster.check()


@in_virtual_time
async def test_a_hold_that_one_has_seen_reaches_the_others() -> None:
    cluster = Cluster(HostBudget(connections=8, per_second=NO_LIMIT), seconds=0.05)
    for name in "abc":
        cluster.crawler(name, wants=3)
    await asyncio.sleep(5)
    async with cluster.slots["a"].of(HOST).connection((0, 0)) as visit:
        visit.refused(20, Reason.RATE_LIMITED)
    refused = asyncio.get_running_loop().time()
    # One renewal, there and back.
    await asyncio.sleep(0.6)
    quiet = len(cluster.host.starts)
    await asyncio.sleep(19)
    assert len(cluster.host.starts) == quiet
    await asyncio.sleep(2)
    # One tries, and then all go on.
    (first, _), (second, _) = cluster.host.starts[quiet : quiet + 2]
    assert 20 <= first - refused < 20.1
    assert first + 0.05 <= second < first + 0.2
    assert {name for _, name in cluster.host.starts[quiet:]} == {"a", "b", "c"}
    cluster.check()


@in_virtual_time
async def test_an_open_circuit_is_tried_by_one_alone_and_stays_open_for_longer() -> None:
    cluster = Cluster(HostBudget(connections=8, per_second=NO_LIMIT), longest_hold=1e6, circuit_seconds=10)
    for name in "abc":
        cluster.crawler(name)
    tries: list[float] = []

    async def fails(name: str) -> None:
        while True:
            async with cluster.slots[name].of(HOST).connection((0, 0)) as visit:
                tries.append(asyncio.get_running_loop().time())
                await asyncio.sleep(0.1)
                visit.failed(Reason.CONNECTION)

    for name in "abc":
        cluster.tasks[name] += [asyncio.create_task(fails(name)) for _ in range(4)]
    await asyncio.sleep(400)
    # All in the beginning, until one crawler has seen ten in a row; then one at a time, ever more rarely.
    waits = [after - before for before, after in itertools.pairwise(tries)]
    opened = next(place for place, wait in enumerate(waits) if wait > 2)
    assert len(waits) - opened >= 4
    for times, wait in enumerate(waits[opened:]):
        assert 5 * 2**times <= wait <= 10 * 2**times + 1


@in_virtual_time
async def test_restarted_budgets_hear_of_a_hold_again() -> None:
    cluster = Cluster(HostBudget(connections=8, per_second=NO_LIMIT))
    cluster.crawler("a", wants=1)
    await asyncio.sleep(1)
    async with cluster.slots["a"].of(HOST).connection((0, 0)) as visit:
        visit.refused(60, Reason.RATE_LIMITED)
    await asyncio.sleep(1)
    cluster.start(restarted=True)
    await asyncio.sleep(5)
    quiet = len(cluster.host.starts)
    cluster.crawler("b", wants=1)
    await asyncio.sleep(50)
    assert len(cluster.host.starts) == quiet
    await asyncio.sleep(10)
    assert len(cluster.host.starts) > quiet


@in_virtual_time
async def test_who_cannot_wait_so_long_is_sent_away_in_every_crawler() -> None:
    cluster = Cluster(HostBudget(connections=1, per_second=NO_LIMIT), longest_hold=30)
    cluster.crawler("a")
    cluster.crawler("b")
    waiting = asyncio.create_task(cluster.visit("b"))
    async with cluster.slots["a"].of(HOST).connection((0, 0)) as visit:
        behind = asyncio.create_task(cluster.visit("a"))
        await asyncio.sleep(0.1)
        visit.refused(31, Reason.RATE_LIMITED)
    await asyncio.sleep(1)
    for task in (behind, waiting):
        error = task.exception()
        assert isinstance(error, HostOnHoldError)
        assert error.hold.reason is Reason.RATE_LIMITED
        assert 30 < error.hold.seconds <= 31


def test_shares_are_fair() -> None:
    assert fair_shares({}, 4, 0) == {}
    assert fair_shares({"a": 9}, 4, 0) == {"a": 4}
    assert fair_shares({"a": 9, "b": 9}, 4, 0) == {"a": 2, "b": 2}
    assert fair_shares({"a": 9, "b": 1}, 4, 0) == {"a": 3, "b": 1}
    assert fair_shares({"a": 9, "b": 0, "c": 2}, 5, 0) == {"a": 3, "b": 0, "c": 2}
    turns = Counter[str]()
    for turn in range(15):
        shares = fair_shares(dict.fromkeys("abcde", 9), 2, turn)
        assert sum(shares.values()) == 2
        turns.update(shares)
    assert set(turns.values()) == {6}
