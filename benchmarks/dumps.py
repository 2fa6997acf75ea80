"""Megabytes of JSON a second that one core reads from a dump, of which 1 % is wanted.

    python -m benchmarks.dumps                     600 MB of made-up rows, as zstd with the longest window and plain

Three arms, by turns, on the same file: only unpacking it, which nothing can beat; goldpan's source, to submissions; and
what most scripts do, json.loads on every line. The best of three rounds counts. Seconds are those that the processor
worked (user and system, all threads), as other work may share the machine; those by the clock stand beside them.
"""

from __future__ import annotations

import io
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
import zstandard
from rich.console import Console
from rich.table import Table

from actors.crawler.settings import CrawlSettings
from actors.crawler.sources import open_source, parse_source
from actors.crawler.sources.dumps.packing import unpacked
from benchmarks.dump_rows import WANTED, rows

WINDOW_LOG = 31
ROUNDS = 3
MEGABYTE = 1_000_000
WANTED_SPEED = 200


def make(folder: Path, megabytes: int, level: int) -> tuple[Path, Path]:
    """Write the same rows as zstd, as the monthly dumps are packed, and plain."""
    packed, plain = folder / "RS_2026-01.zst", folder / "RS_2026-01.jsonl"
    parameters = zstandard.ZstdCompressionParameters.from_level(
        level, window_log=WINDOW_LOG, enable_ldm=True, write_checksum=True
    )
    packer = zstandard.ZstdCompressor(compression_params=parameters)
    with plain.open("wb") as text, packed.open("wb") as raw, packer.stream_writer(raw) as stream:
        for line in rows(megabytes * MEGABYTE):
            text.write(line)
            stream.write(line)
    return packed, plain


def unpack(path: Path) -> int:
    """Only read and unpack; gives the number of bytes."""
    with path.open("rb", buffering=1 << 20) as raw:
        return sum(map(len, unpacked(raw)))


def goldpan(path: Path) -> int:
    """Read with goldpan; gives the number of submissions."""
    source = open_source(parse_source(f"dump:{path},subreddit={WANTED.lower()}"), CrawlSettings())
    return sum(len(page.submissions) for page in source.pages(None))


def naive(path: Path) -> int:
    """Parse every line with the standard library; gives the number of wanted posts."""
    with path.open("rb") as raw:
        stream = raw
        if path.suffix == ".zst":
            unpacker = zstandard.ZstdDecompressor(max_window_size=1 << WINDOW_LOG)
            stream = io.BufferedReader(unpacker.stream_reader(raw, read_across_frames=True), 1 << 20)
        return sum(json.loads(line)["subreddit"].lower() == WANTED.lower() for line in stream)


def timed(arm: Callable[[Path], int], path: Path) -> tuple[float, float, int]:
    """Give the processor's seconds, the clock's, and what the arm gave."""
    clock, worked = time.perf_counter(), time.process_time()
    result = arm(path)
    return time.process_time() - worked, time.perf_counter() - clock, result


def main(
    megabytes: Annotated[int, typer.Option(help="Size of the rows, unpacked.")] = 600,
    level: Annotated[
        int, typer.Option(help="How hard zstd packs them; dumps have 22, which takes an hour.")
    ] = 6,
) -> None:
    """Make the rows, run the arms by turns, and print a table for each packing."""
    console = Console(soft_wrap=True)
    with tempfile.TemporaryDirectory(prefix="goldpan-dumps-") as name:
        for path in make(Path(name), megabytes, level):
            compare(console, path)


def compare(console: Console, path: Path) -> None:
    """Run the arms on a file, and print what they reach."""
    best: dict[str, tuple[float, float, int]] = {}
    for turn in range(ROUNDS):
        for arm in (unpack, goldpan, naive):
            if arm is not naive or turn == 0:
                took = timed(arm, path)
                best[arm.__name__] = min(best.get(arm.__name__, took), took)
    size = best["unpack"][2] / MEGABYTE
    assert best["goldpan"][2] == best["naive"][2] > 0
    table = Table("arm", "MB/s a core", "MB/s by the clock", "of unpacking alone", title=path.name)
    for name, (worked, clock, _) in best.items():
        table.add_row(
            name, f"{size / worked:.0f}", f"{size / clock:.0f}", f"{best['unpack'][0] / worked:.2f}"
        )
    console.print(table)
    console.print(
        f"{size:.0f} MB of JSON in {path.stat().st_size / MEGABYTE:.0f} MB, {best['goldpan'][2]} posts wanted; "
        f"goldpan should read ≥ {WANTED_SPEED} MB/s a core"
    )


if __name__ == "__main__":
    typer.run(main)
