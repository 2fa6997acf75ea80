"""Seconds and memory that the ledger takes to start, by compacted shards of so many keys.

    python -m benchmarks.ledger --keys 10000000

The shards are those of windows of 256 that were put together 25 at a time, which is what 64 MiB of thumbs hold. All
columns are there, but what the ledger does not read is the same in every row. One submission in eight has two images.
Loaded in a process of its own: its memory before and after, and its peak.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from typing import Annotated

import numpy as np
import psutil
import pyarrow as pa
import typer

from actors.ledger import Ledger
from actors.shards import LEDGER, shard_path, window_name
from actors.storage import Output
from models.schema import VERDICTS

WINDOW, WINDOWS = 256, 25
MEGABYTE = 1_000_000
_SAME = {
    "run": "20261126T000000-000000", "attempt": 1, "source": "reddit:r/all", "subreddit": "pics",
    "created": datetime(2026, 11, 26, tzinfo=UTC), "over_18": False, "verdict": "rejected",
    "reason": "unlike_taste", "stage": "score", "log_likelihood": -1234.5,
}  # fmt: skip


def write(output: Output, keys: int) -> int:
    """Write shards that hold so many keys; gives the number of files."""
    rows = WINDOW * WINDOWS
    files = -(-keys // rows)
    for number in range(files):
        first = number * rows
        numbers = np.arange(first, min(first + rows, keys))
        # Of nine keys the last two are a submission's.
        items = [f"t3_{one - (one % 9 == 8):x}" for one in numbers.tolist()]
        pairs = np.isin(numbers % 9, (7, 8))
        columns = {
            "key": [f"{item}/{int(one % 9 == 8)}" for item, one in zip(items, numbers.tolist(), strict=True)],
            "submission": items,
            "candidates": np.where(pairs, 2, 1),
            "window": [window_name(one // WINDOW + 1) for one in numbers.tolist()],
        }
        whole = [
            pa.array(columns[field.name], field.type)
            if field.name in columns
            else pa.repeat(pa.scalar(_SAME.get(field.name), field.type), len(numbers))
            for field in VERDICTS
        ]
        path = shard_path(LEDGER, "2026-11-26", number * WINDOWS + 1, number * WINDOWS + WINDOWS)
        output.write_table(path, pa.Table.from_arrays(whole, schema=VERDICTS.with_metadata(None)))
    return files


def load(uri: str) -> None:
    """Load the ledger, and print what that took."""
    output, me = Output(uri), psutil.Process()
    before, began, worked = me.memory_info().rss, time.monotonic(), time.process_time()
    ledger = Ledger(output)
    took, work = time.monotonic() - began, time.process_time() - worked
    held = sum(run.nbytes for run in ledger.submissions._runs)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    known = "t3_0" in ledger.submissions and "t3_zz" not in ledger.submissions
    print(
        f"{took:.1f} s ({work:.1f} s of CPU), {held / MEGABYTE:.0f} MB of hashes, resident "
        f"{before / MEGABYTE:.0f} MB before and {me.memory_info().rss / MEGABYTE:.0f} MB after, "
        f"peak {peak / MEGABYTE:.0f} MB, {'right' if known else 'WRONG'}",
        flush=True,
    )


def main(
    keys: Annotated[int, typer.Option(help="Keys in all.")] = 10_000_000,
    rounds: Annotated[int, typer.Option(help="How often it is loaded.")] = 3,
) -> None:
    """Write the shards to a temporary folder, and load them."""
    with tempfile.TemporaryDirectory() as folder:
        files = write(Output(folder), keys)
        print(f"{keys:,} keys in {files:,} files", flush=True)
        for _ in range(rounds):
            subprocess.run([sys.executable, "-m", "benchmarks.ledger", folder], check=True)


if __name__ == "__main__":
    if len(sys.argv) == 2 and not sys.argv[1].startswith("-"):
        load(sys.argv[1])
    else:
        typer.run(main)
