"""A crawler in a process of its own: JSON in (settings, URLs by name), JSON out (what became of them, memory)."""

from __future__ import annotations

import asyncio
import json
import resource
import sys
from pathlib import Path
from typing import Any

from actors.crawler.crawler import Crawler
from actors.crawler.events import Fetched, Offer
from actors.crawler.settings import CrawlSettings
from models.records import Candidate, Submission

Rows = dict[str, dict[str, Any]]


async def crawl(settings: dict[str, Any], urls: dict[str, str], warm_up: str, ahead: bool) -> dict[str, Any]:
    """Fetch all at once, after one good image, or ``ahead`` of somebody who takes them one by one.

    ``grown`` is how much the process grew by it, in MiB.
    """
    crawler = Crawler(CrawlSettings(**settings), resolve=_as_written)
    await crawler.fetch([Candidate("warm-up", "0", (warm_up,))])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rows = await (_taken_one_by_one if ahead else _fetched)(crawler, urls)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    await crawler.close()
    return {"rows": rows, "grown": grown}


async def _as_written(submission: Submission) -> list[Candidate]:
    return [Candidate(submission.item, "0", (submission.post["url"],))]


async def _fetched(crawler: Crawler, urls: dict[str, str]) -> Rows:
    table = await crawler.fetch([Candidate(name, "0", (url,)) for name, url in urls.items()])
    return {row["key"].removesuffix("/0"): row for row in table.drop_columns(["data"]).to_pylist()}


async def _taken_one_by_one(crawler: Crawler, urls: dict[str, str]) -> Rows:
    offer = [Offer(n, Submission(name, "", {"url": url})) for n, (name, url) in enumerate(urls.items())]
    await crawler.offer(offer, frozenset())
    rows: Rows = {}
    while len(rows) < len(urls):
        for event in await crawler.events():
            if isinstance(event, Fetched):
                table = await crawler.block([event.ready.key])
                rows[event.ready.candidate.item] = table.drop_columns(["data"]).to_pylist()[0]
    return rows


async def crawled_in_child(
    settings: CrawlSettings, urls: dict[str, str], warm_up: str, *, ahead: bool = False, **environment: str
) -> dict[str, Any]:
    """Give what ``crawl`` gives, from a child with these variables."""
    asked = {"settings": settings.model_dump(mode="json"), "urls": urls, "warm_up": warm_up, "ahead": ahead}
    root = str(Path(__file__).parents[3])
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", __name__),
        cwd=root,
        env={"PATH": "", "PYTHONPATH": root, **environment},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    told, errors = await asyncio.wait_for(child.communicate(json.dumps(asked).encode()), 60)
    assert child.returncode == 0 and not errors, errors.decode()
    answer: dict[str, Any] = json.loads(told)
    return answer


if __name__ == "__main__":
    print(json.dumps(asyncio.run(crawl(**json.load(sys.stdin)))))
