"""What turns out larger than was thought waits for room: the bytes ahead stay under their limit."""

from __future__ import annotations

import asyncio

from aiohttp import web

from actors.crawler.ahead import ByteBudget, Errand
from actors.crawler.crawler import Crawler
from actors.crawler.events import Fetched, Offer
from actors.crawler.settings import HostBudget
from models.records import Candidate, Submission
from tests.actors.crawler.server import PNG, ImageServer, in_loop
from tests.actors.crawler.virtual_time import in_virtual_time

MIB = 1 << 20


def errands(budget: ByteBudget, *promised: int) -> list[Errand]:
    made = [Errand(order, 0, Candidate(f"t3_{order}", "0"), budget) for order in range(len(promised))]
    for errand, size in zip(made, promised, strict=True):
        errand.promise(size)
    return made


@in_virtual_time
async def test_one_may_go_beyond_the_limit_and_the_others_wait_in_order() -> None:
    budget = ByteBudget(100)
    first, second, third = errands(budget, 30, 30, 30)
    await first.room(40)
    assert budget.used == 100
    waiting = [asyncio.create_task(each.room(80)) for each in (third, second)]
    await asyncio.sleep(1)
    # The one that came first, as there was no other then.
    assert [each.done() for each in waiting] == [True, False]
    assert budget.used == 150
    budget.stops(third)
    await waiting[1]
    assert budget.used == 200
    # It grows on, past those that wait: it is the one that may.
    small = asyncio.create_task(first.room(41))
    await asyncio.sleep(1)
    assert not small.done()
    await second.room(90)
    small.cancel()
    budget.stops(second)
    await first.room(10)
    assert budget.used == 180


@in_virtual_time
async def test_none_goes_beyond_the_limit_while_a_window_can_be_made_of_what_is_held() -> None:
    budget = ByteBudget(100)
    errands(budget, 40, 60)
    (first,) = errands(budget, 0)
    budget.hold(40)
    await first.room(30)
    budget.stops(first)
    budget.hold(30)
    (second,) = errands(budget, 0)
    waiting = asyncio.create_task(second.room(30))
    await asyncio.sleep(1)
    assert not waiting.done()
    budget.give_back(40)
    budget.serve()
    await waiting


@in_loop
async def test_large_bodies_all_arrive_and_never_take_more_than_the_limit_and_twice_one_image() -> None:
    size, limit = 3 * MIB, 4 * MIB

    async def grows(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        if request.query_string in "0246":
            response.content_length = size
        await response.prepare(request)
        await response.write(PNG[:8] + bytes(size // 12 - 8))
        for _ in range(11):
            await asyncio.sleep(0.005)
            await response.write(bytes(size // 12))
        return response

    async with ImageServer({"/x": grows}) as server:
        # Who waits for room has no less time for it.
        crawler = Crawler(server.settings(ahead_bytes=limit, patience=0.1, total_timeout=3), resolve=written)
        offer = [Offer(n, Submission(f"t3_{n}", "test", {"url": server.url(f"/x?{n}")})) for n in range(8)]
        await crawler.offer(offer, frozenset())
        left = 8
        async with asyncio.timeout(30):
            while left:
                await asyncio.sleep(0.01)
                # Promises to what has no declared length are doubled.
                assert (await crawler.pending())["used_bytes"] <= limit + 2 * size
                for event in await crawler.events(0):
                    if isinstance(event, Fetched):
                        assert event.ready.size == size
                        await asyncio.sleep(0.5)
                        await crawler.block([event.ready.key])
                        left -= 1
        assert (await crawler.pending())["used_bytes"] == 0
        await crawler.close()
    assert server.hits["/x"] == 8
    assert server.most_at_once > 1


async def written(submission: Submission) -> list[Candidate]:
    return [Candidate(submission.item, "0", (submission.post["url"],))]


@in_loop
async def test_bytes_that_were_only_guessed_keep_no_large_body_waiting() -> None:
    """As a run takes them: in order, half of the limit at a time; patience does not help."""
    size, count, limit = 3 * MIB, 48, 24 * MIB

    async def large(_: web.Request) -> web.Response:
        return web.Response(body=PNG[:8] + bytes(size - 8))

    async with ImageServer({"/x": large}) as server:
        budget = HostBudget(connections=8, per_second=100_000)
        settings = server.settings(ahead_bytes=limit, patience=60, default_budget=budget)
        crawler = Crawler(settings, resolve=written)
        offers = [
            Offer(n, Submission(f"t3_{n}", "test", {"url": server.url(f"/x?{n}")})) for n in range(count)
        ]
        await crawler.offer(offers, frozenset())
        ready: dict[int, str] = {}
        taken = 0
        async with asyncio.timeout(30):
            while taken < count:
                for event in await crawler.events(0.1):
                    if isinstance(event, Fetched):
                        ready[event.order] = event.ready.key
                assert (await crawler.pending())["used_bytes"] <= limit + size
                window = [
                    ready[n] for n in range(taken, min(count, taken + limit // 2 // size)) if n in ready
                ]
                if len(window) == min(count - taken, limit // 2 // size):
                    await crawler.block(window)
                    taken += len(window)
        assert (await crawler.pending())["used_bytes"] == 0
        await crawler.close()
