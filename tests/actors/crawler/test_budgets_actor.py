"""Crawler actors share one budget through one actor, over the death of either."""

from __future__ import annotations

import asyncio
import itertools
from typing import cast

import pytest
import ray
from aiohttp import web

from actors.crawler.budgets import LEASE_SECONDS, HostBudgets, Want, asking
from actors.crawler.crawler import Crawler
from actors.crawler.settings import CrawlSettings
from flows.mine import BUDGETS, replica, shared_budgets
from flows.settings import load_settings
from models.records import Candidate
from tests.actors.crawler.server import PNG, ImageServer, in_loop

CONNECTIONS, PER_SECOND = 3, 20


def candidates(server: ImageServer, item: str, count: int) -> list[Candidate]:
    return [Candidate(f"t3_{item}{n}", "0", (server.url("/x"),)) for n in range(count)]


@pytest.mark.usefixtures("ray_here")
@in_loop
async def test_budgets_that_fail_at_a_question_grant_nothing_and_are_asked_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ray.remote(HostBudgets).options(name="failing", lifetime="detached").remote(CrawlSettings())
    ask = asking("failing")
    assert await ask("a", {"h.example": cast("Want", None)}) == {}
    assert "RayTaskError" in caplog.text
    assert (await ask("a", {"h.example": Want(0, 1)}))["h.example"].connections
    ray.kill(ray.get_actor("failing"))


@pytest.mark.usefixtures("ray_here")
@in_loop
async def test_two_crawlers_never_ask_more_than_one_may() -> None:
    starts: list[float] = []

    async def answer(_: web.Request) -> web.StreamResponse:
        starts.append(asyncio.get_running_loop().time())
        await asyncio.sleep(0.05)
        return web.Response(body=PNG)

    async with ImageServer({"/x": answer}) as server:
        budget = {"connections": CONNECTIONS, "per_second": PER_SECOND}
        crawl = server.settings(default_budget=budget)
        settings = load_settings({"sources": ("-",), "out": "-", "crawl": crawl.model_dump()})
        (budgets,) = shared_budgets(settings)
        crawlers = [replica(Crawler).remote(settings.crawl, BUDGETS) for _ in range(2)]
        fetching = [
            one.fetch.remote(candidates(server, item, 30)) for one, item in zip(crawlers, "ab", strict=True)
        ]
        await server.until(lambda: server.hits["/x"] > 15)
        ray.kill(budgets, no_restart=False)
        tables = await asyncio.wait_for(asyncio.gather(*fetching), 60)
        ray.kill(crawlers[0], no_restart=False)
        # Its lease has run out, so the other has it all.
        await asyncio.sleep(2 * LEASE_SECONDS)
        began = len(starts)
        tables.append(await asyncio.wait_for(crawlers[1].fetch.remote(candidates(server, "c", 40)), 60))
    for actor in (*crawlers, budgets):
        ray.kill(actor)
    assert [table["reason"].to_pylist() for table in tables] == [[None] * 30, [None] * 30, [None] * 40]
    assert server.most_at_once <= CONNECTIONS
    # On their way to the server requests come closer together than they were sent.
    for first, last in itertools.combinations(range(len(starts)), 2):
        assert last - first + 1 <= CONNECTIONS + PER_SECOND * (starts[last] - starts[first] + 0.2)
    # By a lease of half it would be half.
    assert 39 / (starts[-1] - starts[began]) > 0.55 * PER_SECOND
