"""Images a second of the pipeline, against the same work without Ray on the same cores, in one run.

    python -m benchmarks.pipeline                      ratio, with a ViT-B/32-sized encoder of random weights

Both arms download from a local server (30–120 ms away, 1 % of URLs 10 s away), decode, hash, encode, score, make
thumbs and write Parquet. Nothing is like the taste, as almost nothing is in the field, so no watermarks are
looked for. Both clocks start when models are loaded, at the first request.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import ray
import typer
from rich.console import Console

from actors.crawler.settings import CrawlSettings
from actors.encoder import Encoder
from actors.ledger import Ledger
from actors.storage import Output
from benchmarks import image_server, without_ray
from flows import placement
from flows.crawl_ahead import CrawlAhead
from flows.deferrals import Deferrals
from flows.interrupts import Interrupts
from flows.judging import warm_up
from flows.mine import AHEAD_WINDOWS, pipeline
from flows.progress import Progress
from flows.settings import Settings, load_settings
from flows.stream import Stream
from flows.watching.events import Watchers
from flows.watching.totals import Totals
from flows.windows import WindowAssembler
from models.fitting import fit_taste
from models.registry import encoder_row, file_sha256, fingerprint_of, resolve_weights
from models.taste import Taste


def unreachable_taste(encoder: str) -> Taste:
    """Fit a taste on noise, so that nothing fits it."""
    row = encoder_row(encoder)
    pixels = np.random.default_rng(1).integers(0, 255, (64, row.size, row.size, 3), np.uint8)
    fingerprint = fingerprint_of(row, file_sha256(resolve_weights(row)))
    embeddings = Encoder(encoder, 2, "cpu")(pixels)
    taste = fit_taste(embeddings, encoder=encoder, encoder_fingerprint=fingerprint)
    return replace(taste, threshold=1e9)


def settings_for(port: int, count: int, folder: Path, encoder: str, window: int) -> Settings:
    """Make the settings of the arm with Ray."""
    listed = folder / "urls.txt"
    listed.write_text("\n".join(image_server.urls(port, count)))
    crawl = image_server.lifted(port) | {"patience": 2}
    flags = {"sources": [f"urls:{listed}"], "out": str(folder / "out"), "encoder": encoder}
    return load_settings(flags | {"crawl": crawl, "window": {"count": window}, "near_bits": 0})


def with_ray(settings: Settings, taste: Taste, console: Console) -> Totals:
    """Run the pipeline of flows/mine.py; gives its counts."""
    output = Output(settings.out)
    where = placement.plan("cpu")
    console.print("\n".join(where.lines()), highlight=False)
    parts = pipeline(settings, taste, where)
    warm_up(parts.judge, where)
    ray.get([actor.__ray_ready__.remote() for actor in (parts.listing, *parts.watched.values())])
    ledger, assembler = Ledger(output), WindowAssembler()
    ahead = AHEAD_WINDOWS * settings.window.count
    crawl = CrawlAhead(
        parts.listing,
        parts.crawlers,
        ledger,
        assembler,
        Deferrals(settings.crawl.defer),
        limit=None,
        ahead=max(ahead, 1024),
    )
    totals = Totals()
    with Progress(console, totals) as progress:
        stream = Stream(
            run="benchmark",
            output=output,
            ledger=ledger,
            crawl=crawl,
            assembler=assembler,
            judge=parts.judge,
            sink=parts.sink,
            placement=where,
            windows=settings.window,
            watcher=Watchers([totals, progress]),
        )
        stream.flow(Interrupts().stopping)
    return totals


def main(
    images: Annotated[int, typer.Option(help="Images in each arm.")] = 1600,
    encoder: Annotated[str, typer.Option(help="A registry row.")] = "vit-b32-random",
    window: Annotated[int, typer.Option(help="Candidates in a window.")] = 256,
) -> None:
    """Run both arms, and print the ratio."""
    console = Console(soft_wrap=True)
    with (
        tempfile.TemporaryDirectory(prefix="goldpan-bench-") as name,
        image_server.running("photos", "--away", "--slow") as port,
    ):
        folder = Path(name)
        settings = settings_for(port, images, folder, encoder, window)
        taste = unreachable_taste(encoder)
        placement.connect()
        started = time.perf_counter()
        watch = with_ray(settings, taste, console)
        pipeline_rate = images / watch.seconds
        console.print(
            f"pipeline {pipeline_rate:.1f} images/s ({time.perf_counter() - started:.0f} s with start-up)"
        )
        ray.shutdown()
        urls = image_server.urls(port, images)
        crawl = CrawlSettings.model_validate(settings.crawl.model_dump())
        bare = without_ray.images_per_second(urls, folder / "bare", taste, placement.cores(), crawl)
        console.print(f"without Ray {bare:.1f} images/s")
        console.print(f"ratio {pipeline_rate / bare:.2f} (should be ≥ 0.8)")


if __name__ == "__main__":
    typer.run(main)
