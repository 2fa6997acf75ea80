"""``python -m tests.chaos``: plays schedules one after another, a line each, and ends with 1 if one breaks a law."""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.chaos.play import Outcome, play
from tests.chaos.processes import NoSmallDiskError
from tests.chaos.schedule import Kind, Schedule

SCHEDULES = 40


def main() -> int:
    """Run the command line and give its exit code."""
    options = _options()
    outcomes: list[Outcome] = []
    skipped = 0
    for seed in options.seeds:
        folder = Path(tempfile.mkdtemp(prefix=f"goldpan-chaos-{seed}-"))
        schedule = Schedule.of(seed)
        try:
            outcome = play(schedule, folder)
        except NoSmallDiskError as error:
            skipped += 1
            print(f"skip seed {seed:>3}  {error}", flush=True)
            continue
        outcomes.append(outcome)
        print(outcome.line(), flush=True)
        if outcome.problems:
            print("\n".join(told(outcome, folder)), flush=True)
        else:
            shutil.rmtree(folder)
    print("\n".join(_summary(outcomes, skipped)))
    return 1 if any(outcome.problems for outcome in outcomes) else 0


def told(outcome: Outcome, folder: Path) -> list[str]:
    """Say what was done, what went wrong, and how to have it again."""
    seed = outcome.schedule.seed
    return [
        *(f"     {line}" for line in outcome.schedule.lines()),
        *(f"  ✗  {problem}" for problem in outcome.problems),
        f"     again: python -m tests.chaos --seeds {seed}      left in {folder}",
    ]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument(
        "--seeds",
        type=_seeds,
        default=f"1-{SCHEDULES}",
        help="such as 7, 1-40 or 3,9",
        metavar="SEED[-SEED],…",
    )
    return parser.parse_args()


def _seeds(text: str) -> list[int]:
    spans = [part.partition("-") for part in text.split(",")]
    return [seed for first, _, last in spans for seed in range(int(first), int(last or first) + 1)]


def _summary(outcomes: list[Outcome], skipped: int) -> list[str]:
    injected = sum((outcome.injected for outcome in outcomes), Counter[Kind]())
    recoveries = [seconds for outcome in outcomes for seconds in outcome.recoveries]
    held = sum(not outcome.problems for outcome in outcomes)
    lines = [
        f"{held} of {len(outcomes)} schedules held, {skipped} skipped: {injected.total()} faults in "
        f"{sum(outcome.runs for outcome in outcomes)} runs, {sum(outcome.rows for outcome in outcomes)} rows, "
        f"{sum(outcome.files for outcome in outcomes)} files",
        ", ".join(f"{kind.value} {injected[kind]}" for kind in Kind),
        f"{sum(outcome.restarted for outcome in outcomes)} actors that hung were started again by the run",
    ]
    if recoveries:
        lines.append(
            f"from a fault to the next commit: median {statistics.median(recoveries):.1f} s, "
            f"longest {max(recoveries):.1f} s"
        )
    unreached = sum(len(outcome.unreached) for outcome in outcomes)
    return [*lines, f"{unreached} faults had no moment before all was done"] if unreached else lines


if __name__ == "__main__":
    sys.exit(main())
