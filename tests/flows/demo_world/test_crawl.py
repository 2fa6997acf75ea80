"""The truth against goldpan's own resolvers, fetcher and gates: what can be known before any taste."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from actors.crawler.backoff import Backoff
from actors.crawler.fetch import Fetcher
from actors.crawler.resolvers import Resolvers
from actors.crawler.settings import CrawlSettings
from flows.demo.posts import processed
from flows.demo.server import DemoServer
from flows.demo.world import World
from models.reasons import Reason
from models.records import Candidate, Submission

JUDGED = {Reason.FITS, Reason.UNLIKE_TASTE, Reason.DUPLICATE, Reason.NEAR_DUPLICATE, Reason.WATERMARK}


@pytest.fixture(scope="module")
def crawled(world: World, cache: Path) -> Iterator[dict[str, Reason | None]]:
    with DemoServer(world, cache=cache) as fresh:
        yield asyncio.run(crawl(world, CrawlSettings(**fresh.settings())))


async def crawl(world: World, settings: CrawlSettings) -> dict[str, Reason | None]:
    found: dict[str, Reason | None] = {}
    async with Fetcher(settings, backoff=Backoff(first=0.01)) as fetcher:
        resolvers = Resolvers(settings, fetcher.api)

        async def follow(submission: Submission) -> None:
            for candidate in await resolvers.resolve(submission):
                assert candidate.key not in found
                found[candidate.key] = await outcome(fetcher, settings, candidate)

        posts = (Submission(post["name"], "reddit", processed(post)) for post in world.posts)
        await asyncio.gather(*(follow(submission) for submission in posts))
    return found


async def outcome(fetcher: Fetcher, settings: CrawlSettings, candidate: Candidate) -> Reason | None:
    """Why a candidate ends before it is judged, or None where it is there to be judged."""
    if candidate.outcome:
        return candidate.outcome.reason
    if (
        candidate.width
        and candidate.height
        and (reason := settings.shape.reason(candidate.width, candidate.height))
    ):
        return reason
    fetch = await fetcher.get(candidate.urls)
    if fetch.outcome or fetch.data is None:
        return fetch.outcome.reason if fetch.outcome else Reason.EMPTY
    try:
        with Image.open(io.BytesIO(fetch.data)) as image:
            image.load()
            return settings.shape.reason(*image.size)
    except OSError:
        return Reason.TRUNCATED


def known_crossposts(world: World) -> set[str]:
    rows = (row for row in world.truth.rows if row.reasons[0] is Reason.CROSSPOST_OF)
    return {row.key.partition("/")[0] for row in rows}


def test_the_keys_are_those_of_the_truth(world: World, crawled: dict[str, Reason | None]) -> None:
    # Which parents are known is for the run to say, not for a resolver.
    skipped = known_crossposts(world)
    resolved = {key for key in crawled if key.partition("/")[0] not in skipped}
    assert resolved == {row.key for row in world.truth.rows if row.key.partition("/")[0] not in skipped}


def test_the_reasons_are_those_of_the_truth(world: World, crawled: dict[str, Reason | None]) -> None:
    expected = {key: row.reasons for key, row in world.truth.by_key().items() if key in crawled}
    wrong = {
        key: (reasons, crawled[key]) for key, reasons in expected.items() if not agree(reasons, crawled[key])
    }
    assert not wrong


def agree(expected: tuple[Reason, ...], found: Reason | None) -> bool:
    return expected[0] in JUDGED if found is None else found in expected
