"""The arm of goldpan's crawl: the listing, crawlers and windows of flows/mine.py without what judges the images."""

from __future__ import annotations

import multiprocessing
import time
from collections import deque
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

import pyarrow as pa
import ray

from actors.crawler.crawler import Crawler
from actors.crawler.listing import Listing
from actors.ledger import Ledger
from actors.storage import Output
from benchmarks import image_server
from benchmarks.took import Keep, Took
from flows import placement
from flows.crawl_ahead import CrawlAhead
from flows.deferrals import Deferrals
from flows.mine import AHEAD_WINDOWS, BUDGETS, on_this_node, replica, shared_budgets
from flows.settings import Settings, load_settings
from flows.windows import WindowAssembler, window_size

# Windows that are only taken are done soon.
_TURN_SECONDS = 0.01


def crawl(listed: Path, port: int, out: Path, keep: Keep, processes: int) -> Took:
    """Crawl a list with so many crawlers, in a process of its own, with a Ray of its own."""
    started = time.perf_counter()
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        images, seconds = process.submit(_crawl, listed, port, out, keep, processes).result()
    return Took(images, seconds, time.perf_counter() - started)


def _crawl(listed: Path, port: int, out: Path, keep: Keep, processes: int) -> tuple[int, float]:
    crawling = image_server.lifted(port)
    settings = load_settings(
        {"sources": [f"urls:{listed}"], "out": str(out), "crawlers": processes, "crawl": crawling}
    )
    placement.connect()
    try:
        return timed(settings, keep)
    finally:
        ray.shutdown()


def timed(settings: Settings, keep: Keep) -> tuple[int, float]:
    """Give the number of images, and the seconds from when the actors are ready to the last image."""
    crawlers = placement.plan("cpu", settings.crawlers).crawlers
    listing = on_this_node(Listing).remote(settings.sources, settings.crawl)
    # Kept: an actor is gone with its last handle.
    budgets = shared_budgets(settings) if crawlers > 1 else []
    crawler = partial(replica(Crawler, max_concurrency=64).remote, settings.crawl)
    actors = [crawler(BUDGETS if budgets else None) for _ in range(crawlers)]
    takers = [replica(Taker).remote(settings.out, keep) for _ in range(crawlers)]
    # With nothing to fetch, what a crawler needs is imported.
    ready = [one.__ray_ready__.remote() for one in (listing, *takers)]
    ray.get([*ready, *(actor.fetch.remote([]) for actor in actors)])
    assembler = WindowAssembler()
    ahead = AHEAD_WINDOWS * settings.window.count
    deferrals, ledger = Deferrals(settings.crawl.defer), Ledger(Output(settings.out))
    crawl = CrawlAhead(listing, actors, ledger, assembler, deferrals, limit=None, ahead=ahead)
    started = time.perf_counter()
    images = _take_windows(crawl, assembler, settings, takers)
    return images, time.perf_counter() - started


class Taker:
    """Takes blocks in a process of its own, as the judge's tasks do, and keeps their images or lets them go."""

    def __init__(self, out: str, keep: Keep) -> None:
        self._output, self._keep = Output(out), keep
        assert self._output.local is not None
        self._folder = self._output.local / "images"
        self._folder.mkdir(parents=True, exist_ok=True)

    def __call__(self, block: pa.Table) -> int:
        """Take a block; gives the number of its images."""
        taken = 0
        for url, data in zip(block["url"].to_pylist(), block["data"], strict=True):
            if data.is_valid:
                self._take(url.rpartition("/")[2], data.as_buffer())
                taken += 1
        return taken

    def _take(self, name: str, data: memoryview) -> None:
        match self._keep:
            case Keep.NOTHING:
                pass
            case Keep.FILES:
                (self._folder / name).write_bytes(data)
            case Keep.SYNCED:
                self._output.write(f"images/{name}", data)


def _take_windows(
    crawl: CrawlAhead, assembler: WindowAssembler, settings: Settings, takers: list[Any]
) -> int:
    """Close windows as flows/stream.py does, a few in flight, and take their blocks; gives the number of images."""
    flights: deque[list[ray.ObjectRef[int]]] = deque()
    turns = cycle(takers)
    number = taken = 0
    while flights or not crawl.ended or len(assembler):
        crawl.poll(_TURN_SECONDS)
        while flights and not ray.wait(flights[0], num_returns=len(flights[0]), timeout=0)[1]:
            taken += sum(ray.get(flights.popleft()))
        while len(flights) < settings.window.in_flight:
            size = window_size(number + 1, settings.window.count)
            ended = crawl.listed or crawl.full
            picks = assembler.close(size, settings.window.bytes, partial=False, ended=ended)
            if not picks:
                break
            number += 1
            flights.append([next(turns).__call__.remote(block) for block in crawl.blocks(picks)])
    return taken
