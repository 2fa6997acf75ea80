"""A crawler that is alone: its slots, in time that does not pass while all wait."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from actors.crawler.backoff import Backoff
from actors.crawler.holds import HostOnHoldError
from actors.crawler.leases import HostSlots, alone
from actors.crawler.settings import CrawlSettings, HostBudget
from actors.crawler.slots import HostSlot
from models.reasons import Reason
from tests.actors.crawler.virtual_time import in_virtual_time

FAST = 10_000.0
MOMENT = 0.001  # longer than a lease takes that is asked for


class Visit:
    """Takes a turn, and says when it began."""

    def __init__(self, slot: HostSlot, order: int, began: list[int]) -> None:
        self.leave = asyncio.Event()
        self.task = asyncio.create_task(self._run(slot, order, began))

    async def _run(self, slot: HostSlot, order: int, began: list[int]) -> None:
        async with slot.connection((order, 0)):
            began.append(order)
            await self.leave.wait()


@asynccontextmanager
async def slots(
    connections: int = 1, per_second: float = FAST, **settings: float
) -> AsyncIterator[HostSlots]:
    budget = HostBudget(connections=connections, per_second=per_second)
    crawl = CrawlSettings(default_budget=budget, **settings)
    found = HostSlots(crawl, alone(crawl), Backoff(first=1))
    keeping = asyncio.create_task(found.keep())
    yield found
    keeping.cancel()


@in_virtual_time
async def test_connections_are_a_limit_and_the_runs_order_is_kept() -> None:
    async with slots(connections=2) as all_slots:
        slot, began = all_slots.of("h.example"), list[int]()
        visits = {order: Visit(slot, order, began) for order in (9, 8, 7, 1, 5)}
        await asyncio.sleep(MOMENT)
        # The first two to come would have it at once, had there been a lease already.
        assert began == [1, 5]
        for order, expected in ((1, 7), (7, 8), (5, 9)):
            visits[order].leave.set()
            await asyncio.sleep(MOMENT)
            assert began[-1] == expected
        assert slot.in_use
        for visit in visits.values():
            visit.leave.set()
        await asyncio.gather(*(visit.task for visit in visits.values()))
        assert not slot.in_use


@in_virtual_time
async def test_a_cancelled_wait_loses_no_connection() -> None:
    async with slots() as all_slots:
        slot, began = all_slots.of("h.example"), list[int]()
        async with slot.connection((0, 0)):
            waiting, granted = Visit(slot, 1, began), Visit(slot, 2, began)
            await asyncio.sleep(MOMENT)
            waiting.task.cancel()
            await asyncio.sleep(MOMENT)
        granted.task.cancel()  # it has been given the connection, and has not yet taken it
        await asyncio.gather(waiting.task, granted.task, return_exceptions=True)
        assert began == []
        last = Visit(slot, 3, began)
        last.leave.set()
        await asyncio.wait_for(last.task, 5)
        assert began == [3]


@in_virtual_time
async def test_the_rate_counts_starts_after_a_burst_of_all_connections() -> None:
    async with slots(connections=2, per_second=50) as all_slots:
        starts = []
        for _ in range(6):
            async with all_slots.of("h.example").connection((0, 0)):
                starts.append(asyncio.get_running_loop().time())
        waits = [after - before for before, after in itertools.pairwise(starts)]
        assert waits == pytest.approx([0, 0.02, 0.02, 0.02, 0.02], abs=1e-6)


@in_virtual_time
async def test_a_slow_rate_goes_on_from_lease_to_lease() -> None:
    async with slots(connections=1, per_second=0.1) as all_slots:
        starts = []
        for _ in range(5):
            async with all_slots.of("h.example").connection((0, 0)):
                starts.append(asyncio.get_running_loop().time())
        assert starts[-1] == pytest.approx(40, abs=0.1)
        await asyncio.sleep(100)
        async with all_slots.of("h.example").connection((0, 0)):
            assert asyncio.get_running_loop().time() == pytest.approx(140, abs=0.2)


@in_virtual_time
async def test_hosts_below_a_suffix_share_a_budget_and_others_do_not() -> None:
    shared = HostBudget(connections=1, per_second=FAST)
    crawl = CrawlSettings(host_budgets={"*.Example.com": shared, "own.example.com": shared})
    found = HostSlots(crawl, alone(crawl), Backoff())
    assert found.of("farm1.example.com") is found.of("a.farm2.example.com") is found.of("farm1.example.com.")
    names = ("farm1.example.com", "own.example.com", "example.com", "farm1.example.org", "farm2.example.org")
    assert len({id(found.of(name)) for name in names}) == 5
    assert found.of("farm1.staticflickr.com") is found.of("live.staticflickr.com")


@in_virtual_time
async def test_after_a_hold_one_tries_and_then_all_go_on() -> None:
    async with slots(connections=4) as all_slots:
        slot, loop = all_slots.of("h.example"), asyncio.get_running_loop()
        async with slot.connection((0, 0)) as refused:
            refused.refused(50, Reason.RATE_LIMITED)
        starts: list[float] = []

        async def visit() -> None:
            async with slot.connection((0, 0)) as visit:
                starts.append(loop.time())
                await asyncio.sleep(1)
            visit.answered()

        await asyncio.gather(*(visit() for _ in range(5)))
        assert starts == pytest.approx([50, 51, 51, 51, 51], abs=0.01)


@in_virtual_time
async def test_a_host_that_says_no_more_is_left_alone_for_longer_each_time() -> None:
    async with slots() as all_slots:
        slot, loop = all_slots.of("h.example"), asyncio.get_running_loop()
        waits = []
        for _ in range(6):
            async with slot.connection((0, 0)) as visit:
                began = loop.time()
                visit.refused(None, Reason.RATE_LIMITED)
            async with slot.connection((0, 0)):
                waits.append(loop.time() - began)
        assert all(0.5 * 2**n <= wait <= 2**n + 0.01 for n, wait in enumerate(waits))
        async with slot.connection((0, 0)) as visit:
            visit.answered()
            began = loop.time()
            visit.refused(None, Reason.RATE_LIMITED)
        async with slot.connection((0, 0)):
            assert loop.time() - began <= 1.01


@in_virtual_time
async def test_those_that_were_refused_together_are_one_strike() -> None:
    async with slots(connections=16) as all_slots:
        slot, loop = all_slots.of("h.example"), asyncio.get_running_loop()
        began = asyncio.Barrier(16)

        async def visit(seconds: float | None) -> None:
            async with slot.connection((0, 0)) as visit:
                await began.wait()
                visit.refused(seconds, Reason.RATE_LIMITED)

        await asyncio.gather(*(visit(None) for _ in range(16)))
        left = slot.hold_left
        assert left is not None and left <= 1
        async with slot.connection((0, 0)) as alone_now:
            alone_now.answered()
        # The longest wait that any of them is told counts.
        await asyncio.gather(*(visit(seconds) for seconds in (*range(3, 18), None)))
        assert slot.hold_left == pytest.approx(17)
        assert loop.time() < 2


@in_virtual_time
async def test_failures_in_a_row_open_the_circuit_and_one_success_closes_it() -> None:
    async with slots(connections=2, circuit_failures=3, circuit_seconds=10, longest_hold=1e4) as all_slots:
        slot, loop = all_slots.of("h.example"), asyncio.get_running_loop()

        async def visit(fails: bool) -> float:
            asked = loop.time()
            async with slot.connection((0, 0)) as visit:
                waited = loop.time() - asked
                visit.failed(Reason.TIMEOUT) if fails else visit.answered()
                return waited

        for fails in (True, True, False, True, True, True):
            assert await visit(fails) < MOMENT
        # Open, half open, open for longer; closed by a success, and then it takes three again.
        assert 5 <= await visit(True) <= 10.01
        assert 10 <= await visit(True) <= 20.01
        assert 20 <= await visit(False) <= 40.01
        for _ in range(3):
            assert await visit(True) < MOMENT
        assert 5 <= await visit(False) <= 10.01


@in_virtual_time
async def test_what_began_before_a_hold_says_nothing_about_it() -> None:
    async with slots(connections=4, circuit_failures=2, longest_hold=1e4) as all_slots:
        slot = all_slots.of("h.example")
        async with slot.connection((0, 0)) as old, slot.connection((0, 1)) as new:
            new.refused(5, Reason.RATE_LIMITED)
            old.answered()
            old.failed(Reason.CONNECTION)
            old.failed(Reason.CONNECTION)
            assert slot.hold_left == pytest.approx(5)
            # It is still the trial of one request, as none has succeeded since.
            async with slot.connection((0, 2)):
                waiting = asyncio.create_task(slot.connection((0, 3)).__aenter__())
                await asyncio.sleep(30)
                assert not waiting.done()
                waiting.cancel()


@in_virtual_time
async def test_a_hold_beyond_all_patience_sends_the_waiting_away() -> None:
    async with slots(longest_hold=100) as all_slots:
        slot, began = all_slots.of("h.example"), list[int]()
        async with slot.connection((0, 0)) as first:
            second = Visit(slot, 1, began)
            await asyncio.sleep(MOMENT)
            first.refused(101, Reason.RATE_LIMITED)
            with pytest.raises(HostOnHoldError) as sent:
                await second.task
        assert (sent.value.detail, sent.value.hold.seconds) == ("host on hold", 101)
        await asyncio.sleep(1)
        with pytest.raises(HostOnHoldError) as sent:
            async with slot.connection((2, 0)):
                pass
        assert sent.value.hold.seconds == pytest.approx(100)


@in_virtual_time
async def test_patience_is_for_the_whole_outage() -> None:
    async with slots(longest_hold=100) as all_slots:
        slot, loop = all_slots.of("h.example"), asyncio.get_running_loop()
        with pytest.raises(HostOnHoldError) as sent:
            while True:
                async with slot.connection((0, 0)) as visit:
                    visit.refused(30, Reason.SERVER_ERROR)
        assert sent.value.hold.reason is Reason.SERVER_ERROR
        assert loop.time() == pytest.approx(90, abs=0.1)
        # When the hold is over, it may be tried again.
        await asyncio.sleep(30)
        async with slot.connection((0, 0)) as visit:
            visit.answered()
        async with slot.connection((0, 0)) as visit:
            visit.refused(30, Reason.SERVER_ERROR)
        async with slot.connection((0, 0)):
            assert loop.time() == pytest.approx(150, abs=0.2)


@in_virtual_time
async def test_idle_hosts_are_forgotten_when_there_are_many() -> None:
    async with slots() as all_slots:
        busy = all_slots.of("busy.example")
        async with busy.connection((0, 0)):
            for number in range(3000):
                all_slots.of(f"h{number}.example")
            assert all_slots.of("busy.example") is busy
            assert len(all_slots) <= 1100
