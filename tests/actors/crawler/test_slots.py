from __future__ import annotations

import asyncio
from email.utils import formatdate

import pytest

from actors.crawler.settings import CrawlSettings, HostBudget
from actors.crawler.slots import LONGEST_HOLD, Backoff, HostOnHoldError, HostSlot, HostSlots, retry_after
from tests.actors.crawler.server import in_loop

FAST = 1_000_000.0


class Visit:
    """Takes a turn, and says when it began."""

    def __init__(self, slot: HostSlot, order: int, began: list[int]) -> None:
        self.leave = asyncio.Event()
        self.task = asyncio.create_task(self._run(slot, order, began))

    async def _run(self, slot: HostSlot, order: int, began: list[int]) -> None:
        async with slot.connection((order, 0)):
            began.append(order)
            await self.leave.wait()


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


@in_loop
async def test_connections_are_a_limit_and_the_runs_order_is_kept() -> None:
    slot, began = HostSlot(HostBudget(connections=2, per_second=FAST)), list[int]()
    visits = {order: Visit(slot, order, began) for order in (9, 8, 7, 1, 5)}
    await settle()
    assert began == [9, 8]
    for order, expected in ((9, 1), (8, 5), (1, 7)):
        visits[order].leave.set()
        await asyncio.sleep(0.01)
        assert began[-1] == expected
    for visit in visits.values():
        visit.leave.set()
    await asyncio.gather(*(visit.task for visit in visits.values()))
    assert slot.idle


@in_loop
async def test_a_cancelled_wait_loses_no_connection() -> None:
    slot, began = HostSlot(HostBudget(connections=1, per_second=FAST)), list[int]()
    async with slot.connection((0, 0)):
        waiting, granted = Visit(slot, 1, began), Visit(slot, 2, began)
        await settle()
        waiting.task.cancel()
        await settle()
    granted.task.cancel()  # it has been given the connection, and has not yet taken it
    await asyncio.gather(waiting.task, granted.task, return_exceptions=True)
    assert began == []
    last = Visit(slot, 3, began)
    last.leave.set()
    await asyncio.wait_for(last.task, 5)
    assert began == [3]


@in_loop
async def test_the_rate_counts_starts_after_a_burst_of_all_connections() -> None:
    slot, loop = HostSlot(HostBudget(connections=2, per_second=50)), asyncio.get_running_loop()
    starts = []
    for order in range(6):
        async with slot.connection((order, 0)):
            starts.append(loop.time())
    # Two at once, then one every 20 ms: a lower bound, so a slow machine cannot fail it.
    assert starts[5] - starts[0] >= 4 * 0.02 - 0.005


@in_loop
async def test_a_share_divides_connections_and_rate() -> None:
    slots = HostSlots(CrawlSettings(default_budget=HostBudget(connections=4, per_second=FAST)), share=2)
    slot, began = slots.of("h.example"), list[int]()
    assert slots.of("h.example") is slot
    visits = [Visit(slot, order, began) for order in range(4)]
    await asyncio.sleep(0.01)
    assert began == [0, 1]
    for visit in visits:
        visit.leave.set()
    await asyncio.gather(*(visit.task for visit in visits))


@in_loop
async def test_a_share_leaves_at_least_one_connection() -> None:
    slot = HostSlots(CrawlSettings(), share=100).of("h.example")
    async with slot.connection((0, 0)):
        assert not slot.idle


@in_loop
async def test_a_hold_lets_nobody_start() -> None:
    slot, loop = HostSlot(HostBudget(connections=4, per_second=FAST)), asyncio.get_running_loop()
    began = loop.time()
    slot.hold(0.05, Backoff())
    async with slot.connection((0, 0)):
        assert loop.time() - began >= 0.05


@in_loop
async def test_a_hold_beyond_all_patience_sends_the_waiting_away() -> None:
    slot = HostSlot(HostBudget(connections=1, per_second=FAST))
    began: list[int] = []
    first, second = Visit(slot, 0, began), Visit(slot, 1, began)
    await settle()
    slot.hold(LONGEST_HOLD + 10, Backoff())
    with pytest.raises(HostOnHoldError):
        await second.task
    with pytest.raises(HostOnHoldError):
        async with slot.connection((2, 0)):
            pass
    first.leave.set()
    await first.task
    assert not slot.idle


def test_backoff_doubles_with_jitter_up_to_its_longest() -> None:
    backoff = Backoff(first=1, longest=10)
    for failures, most in ((1, 1.0), (2, 2.0), (4, 8.0), (5, 10.0), (500, 10.0)):
        waits = [backoff.seconds(failures) for _ in range(50)]
        assert all(most / 2 <= wait <= most for wait in waits)
        assert len(set(waits)) > 1


def test_retry_after_reads_seconds_and_dates() -> None:
    assert retry_after("120") == 120
    assert retry_after(formatdate(1_000_060, usegmt=True), now=1_000_000) == 60
    assert retry_after(formatdate(999_000, usegmt=True), now=1_000_000) == 0
    assert retry_after(None) is None
    assert retry_after("soon") is None
    assert retry_after("-5") is None
    assert retry_after("²") is None


@in_loop
async def test_idle_hosts_are_forgotten_when_there_are_many() -> None:
    slots = HostSlots(CrawlSettings(default_budget=HostBudget(connections=1, per_second=FAST)))
    busy = slots.of("busy.example")
    async with busy.connection((0, 0)):
        for number in range(3000):
            slots.of(f"h{number}.example")
        assert slots.of("busy.example") is busy
        assert len(slots) <= 1100
