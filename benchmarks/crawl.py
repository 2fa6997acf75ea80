"""Images a second of goldpan's crawl, against img2dataset on the same server and list, in one run.

    python -m benchmarks.crawl                 1,000 images of 20 to 40 KB, 300 of 2 to 5 MB; arms in turns, medians
    python -m benchmarks.crawl --away          each answer 30 to 120 ms away

goldpan's arm is the crawl alone: the listing, two crawlers, windows as in a run, budgets lifted; the blocks are taken
by two processes, as judges take them. img2dataset is asked for what costs it least: two processes, no resizing, no
decoding, no hashes, no EXIF data; and once for no resizing and nothing else (``as it comes``), when it decodes and
encodes each image. Neither keeps its images, then both write the original bytes to files and sync none; as
goldpan's sink writes, each file synced and renamed, is a third figure. Both arms' clocks start when their
processes are up: at the first page asked for, and at a shard's start by img2dataset's own statistics, as if both
its processes had started together. ``whole`` is the wall time of each command with all start-up.
Files are compared by sha256 with what the server gives.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from pathlib import Path
from statistics import median
from typing import Annotated

import typer
from rich.console import Console

from benchmarks import ceiling, crawl_alone, image_server, with_img2dataset
from benchmarks.took import Keep, Took, digests

COUNTS = {"small": 1000, "large": 300}
# For each process, the quickest here of 4, 16 and 64; with answers that are away, threads wait.
THREADS = {"small": 4, "large": 16}
THREADS_AWAY = 64
AS_IT_COMES = "img2dataset as it comes"


class Bench:
    """One list on one server, crawled by both arms in turns."""

    def __init__(self, port: int, count: int, folder: Path) -> None:
        self._port, self._folder = port, folder
        self._count = count
        self._served = ceiling.served(port, count)
        self.listed = folder / "urls.txt"
        self.listed.write_text("\n".join(image_server.urls(port, count)))

    def goldpan(self, keep: Keep) -> Took:
        """Run goldpan's arm."""
        with tempfile.TemporaryDirectory(dir=self._folder) as name:
            out = Path(name) / "out"
            return self._checked(
                crawl_alone.crawl(self.listed, self._port, out, keep, with_img2dataset.PROCESSES), out, keep
            )

    def as_it_comes(self, threads: int) -> Took:
        """Run img2dataset without resizing, to files, and with its defaults else: they are not the bytes served."""
        with tempfile.TemporaryDirectory(dir=self._folder) as name:
            took = with_img2dataset.download(self.listed, Path(name) / "out", Keep.FILES, threads, {})
        if took.images != self._count:
            raise SystemExit(f"img2dataset has {took.images} of {self._count} images")
        return took

    def img2dataset(self, keep: Keep, threads: int) -> Took:
        """Run img2dataset's arm."""
        with tempfile.TemporaryDirectory(dir=self._folder) as name:
            out = Path(name) / "out"
            return self._checked(with_img2dataset.download(self.listed, out, keep, threads), out, keep)

    def _checked(self, took: Took, out: Path, keep: Keep) -> Took:
        left = Counter[str]() if keep is Keep.NOTHING else self._served
        if took.images != self._count or digests(out) != left:
            raise SystemExit(f"{took.images} of {self._count} images, or not the bytes that were served")
        return took


def compare(console: Console, album: str, bench: Bench, rounds: int, threads: int) -> None:
    """Run the arms in turns, and print their medians and ratios."""
    took: dict[tuple[str, Keep], list[Took]] = {}
    for _ in range(rounds):
        for keep in (Keep.NOTHING, Keep.FILES):
            took.setdefault(("img2dataset", keep), []).append(bench.img2dataset(keep, threads))
            took.setdefault(("goldpan", keep), []).append(bench.goldpan(keep))
        took.setdefault(("goldpan", Keep.SYNCED), []).append(bench.goldpan(Keep.SYNCED))
        took.setdefault((AS_IT_COMES, Keep.FILES), []).append(bench.as_it_comes(threads))
    for (arm, keep), runs in took.items():
        against = ["img2dataset"] if keep is Keep.NOTHING else ["img2dataset", AS_IT_COMES]
        others = [took[other, Keep.NOTHING if keep is Keep.NOTHING else Keep.FILES] for other in against]
        ratios = " and ".join(f"{_rate(runs) / _rate(other):.2f}" for other in others)
        rates = " ".join(f"{run.rate:.0f}" for run in runs)
        whole = median(run.whole for run in runs)
        console.print(
            f"{album:6} {keep:13} {arm:24}{_rate(runs):8.0f} images/s ({rates}), whole {whole:.1f} s"
            + (f"   ratio {ratios}" if arm == "goldpan" else "")
        )


def _rate(runs: list[Took]) -> float:
    return median(run.rate for run in runs)


def main(
    rounds: Annotated[int, typer.Option(help="How often each arm runs.")] = 2,
    away: Annotated[bool, typer.Option("--away", help="Each answer takes 30 to 120 ms.")] = False,
    threads: Annotated[int | None, typer.Option(help="Threads of each of img2dataset's processes.")] = None,
) -> None:
    """Run both arms on both lists, and print the ratios."""
    console = Console(soft_wrap=True, highlight=False)
    with_img2dataset.installed()
    for album, count in COUNTS.items():
        with (
            tempfile.TemporaryDirectory(prefix="goldpan-bench-") as name,
            image_server.running(album, *(["--away"] if away else [])) as port,
        ):
            bench = Bench(port, count, Path(name))
            sockets, bare = ceiling.by_sockets(port, count), asyncio.run(ceiling.by_aiohttp(port, count))
            console.print(
                f"{album:6} the server gives {sockets:.0f} images/s, a bare aiohttp client gets {bare:.0f}"
            )
            compare(console, album, bench, rounds, threads or (THREADS_AWAY if away else THREADS[album]))


if __name__ == "__main__":
    typer.run(main)
