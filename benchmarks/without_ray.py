"""The same work without Ray: in one process a core, a crawler fetches ahead, and one thread judges and writes."""

from __future__ import annotations

import asyncio
import multiprocessing
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from actors.crawler.crawler import Crawler
from actors.crawler.events import Fetched, Offer
from actors.crawler.settings import CrawlSettings
from actors.encoder import Encoder
from actors.judge import Inspect, Look
from actors.judge.look import judged, looks_at
from actors.scorer import Scorer
from actors.storage import Output
from models.gates import ShapeGates
from models.keys import url_item
from models.reasons import Reason, Stage
from models.records import Submission
from models.registry import encoder_row
from models.taste import Taste

BLOCK = 32
TASTE = "state/taste.npz"


def images_per_second(
    urls: list[str], out: Path, taste: Taste, processes: int, settings: CrawlSettings
) -> float:
    """Fetch, judge and write all of them; counts from the first request, when the models are loaded."""
    for n in range(processes):
        Output(str(out / str(n))).write(TASTE, taste.to_bytes())
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(processes + 1)
    workers = [
        context.Process(target=_work, args=(urls[n::processes], str(out / str(n)), settings, ready))
        for n in range(processes)
    ]
    for worker in workers:
        worker.start()
    ready.wait()
    started = time.perf_counter()
    for worker in workers:
        worker.join()
        if worker.exitcode:
            sys.exit("a worker of the arm without Ray failed")
    return len(urls) / (time.perf_counter() - started)


def _work(urls: list[str], out: str, settings: CrawlSettings, ready: Any) -> None:
    output = Output(out)
    taste = Taste.from_bytes(output.read(TASTE))
    scorer = Scorer(out, TASTE, taste.encoder_fingerprint)
    judge = _Judge(taste, Encoder(taste.encoder, 1, "cpu"), scorer)
    asyncio.run(_mine(urls, output, judge, settings, ready))


class _Judge:
    def __init__(self, taste: Taste, encoder: Encoder, scorer: Scorer) -> None:
        self._inspect = Inspect(ShapeGates(), encoder_row(taste.encoder), thumbs=True, seconds=60)
        self._encoder, self._scorer = encoder, scorer

    def __call__(self, block: pa.Table) -> pa.Table:
        looks = looks_at(block)
        self._inspect(still := [look for look in looks if look.reason is None])
        self._score([look for look in still if look.reason is None])
        return judged(looks)

    def _score(self, looks: list[Look]) -> None:
        embeddings = self._encoder(np.stack([look.pixels for look in looks if look.pixels is not None]))
        scores, accepted = self._scorer(embeddings)
        for look, embedding, score, fits in zip(looks, embeddings, scores, accepted, strict=True):
            look.embedding = embedding
            look.row["log_likelihood"] = float(score)
            look.end(Reason.FITS if fits else Reason.UNLIKE_TASTE, Stage.SCORE)


async def _mine(urls: list[str], output: Output, judge: _Judge, settings: CrawlSettings, ready: Any) -> None:
    crawler = Crawler(settings)
    ready.wait()
    offers = [Offer(order, Submission(url_item(url), "urls", {"url": url})) for order, url in enumerate(urls)]
    await crawler.offer(offers, frozenset())
    keys: list[str] = []
    left, shard = len(urls), 0
    while left:
        keys += [event.ready.key for event in await crawler.events() if isinstance(event, Fetched)]
        while len(keys) >= BLOCK or (keys and len(keys) == left):
            block = await crawler.block(keys[:BLOCK])
            left, keys, shard = left - block.num_rows, keys[BLOCK:], shard + 1
            # In a thread, so that downloads go on.
            table = await asyncio.to_thread(judge, block)
            await asyncio.to_thread(output.write_table, f"verdicts/{shard:05d}.parquet", table)
    await crawler.close()
