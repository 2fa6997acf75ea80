"""The arm of goldpan's crawl: the listing, crawlers and windows of flows/mine.py without what judges the images."""

from __future__ import annotations

import multiprocessing
import time
from collections import deque
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import ray

from actors.crawler.crawler import Crawler
from actors.crawler.listing import Listing
from actors.ledger import Ledger
from actors.storage import Output
from benchmarks import image_server
from benchmarks.took import Keep, Took
from flows import placement
from flows.crawl_ahead import Block, CrawlAhead
from flows.deferrals import Deferrals
from flows.mine import AHEAD_WINDOWS, BUDGETS, on_this_node, replica, shared_budgets
from flows.settings import Settings, load_settings
from flows.windows import WindowAssembler, window_size

_WRITERS = 8
# Windows that are only taken are done soon.
_TURN_SECONDS = 0.01


def crawl(listed: Path, port: int, out: Path, keep: Keep) -> Took:
    """Crawl a list in a process of its own, with a Ray of its own."""
    started = time.perf_counter()
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        images, seconds = process.submit(_crawl, listed, port, out, keep).result()
    return Took(images, seconds, time.perf_counter() - started)


def _crawl(listed: Path, port: int, out: Path, keep: Keep) -> tuple[int, float]:
    settings = load_settings(
        {"sources": [f"urls:{listed}"], "out": str(out), "crawl": image_server.lifted(port)}
    )
    placement.connect()
    try:
        return timed(settings, keep)
    finally:
        ray.shutdown()


def timed(settings: Settings, keep: Keep) -> tuple[int, float]:
    """Give the number of images, and the seconds from when the actors are ready to the last image."""
    crawlers = placement.plan("cpu").crawlers
    listing = on_this_node(Listing).remote(settings.sources, settings.crawl)
    # Kept: an actor is gone with its last handle.
    budgets = shared_budgets(settings) if crawlers > 1 else []
    crawler = partial(replica(Crawler, max_concurrency=64).remote, settings.crawl)
    actors = [crawler(BUDGETS if budgets else None) for _ in range(crawlers)]
    # With nothing to fetch, what a crawler needs is imported.
    ray.get([listing.__ray_ready__.remote(), *(actor.fetch.remote([]) for actor in actors)])
    output, assembler = Output(settings.out), WindowAssembler()
    ahead = AHEAD_WINDOWS * settings.window.count
    deferrals = Deferrals(settings.crawl.defer)
    crawl = CrawlAhead(listing, actors, Ledger(output), assembler, deferrals, limit=None, ahead=ahead)
    started = time.perf_counter()
    images = _take_windows(crawl, assembler, settings, _Taker(output, keep))
    return images, time.perf_counter() - started


class _Taker:
    """Takes a block's images, and keeps them or lets them go."""

    def __init__(self, output: Output, keep: Keep) -> None:
        self._output, self._keep = output, keep
        assert output.local is not None
        self._folder = output.local / "images"
        self._folder.mkdir(parents=True, exist_ok=True)

    def __call__(self, block: Block) -> int:
        table = ray.get(block)
        taken = 0
        for url, data in zip(table["url"].to_pylist(), table["data"], strict=True):
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


def _take_windows(crawl: CrawlAhead, assembler: WindowAssembler, settings: Settings, take: _Taker) -> int:
    """Close windows as flows/stream.py does, a few in flight, and take their blocks; gives the number of images."""
    flights: deque[list[Future[int]]] = deque()
    number = taken = 0
    with ThreadPoolExecutor(_WRITERS) as takers:
        while flights or not crawl.ended or len(assembler):
            crawl.poll(_TURN_SECONDS)
            while flights and all(future.done() for future in flights[0]):
                taken += sum(future.result() for future in flights.popleft())
            while len(flights) < settings.window.in_flight:
                size = window_size(number + 1, settings.window.count)
                ended = crawl.listed or crawl.full
                picks = assembler.close(size, settings.window.bytes, partial=False, ended=ended)
                if not picks:
                    break
                number += 1
                flights.append([takers.submit(take, block) for block in crawl.blocks(picks)])
    return taken
