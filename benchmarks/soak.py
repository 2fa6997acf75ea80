"""Resident memory of every process, and the time a window takes, over a long run of the real command.

    python -m benchmarks.soak --windows 5000 --count 8                  many small windows
    python -m benchmarks.soak --windows 391 --count 256                 100,000 candidates in big ones
    python -m benchmarks.soak --windows 1000 --count 8 --keys 1000000   behind a million keys

`goldpan mine urls:…` runs beside a local server of 48 small pictures (20 to 40 KB, 30 to 120 ms away), which come again
and again, with all its defaults but the window. Nearly none is like the taste, as in the field. It is watched from
outside, every second. A slope is Theil and Sen's, by windows, over what comes after the first third, with its
interval of 95 %.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import numpy as np
import psutil
import typer
from scipy.stats import theilslopes

from actors.ledger import STATE
from actors.storage import Output
from benchmarks import image_server, ledger
from benchmarks.resident import MEGABYTE, resident
from benchmarks.soak_chart import draw

OTHERS = 1_000  # the liked pictures are others than those that are served
WARM = 1 / 3
SHOWN = 8
RUNNING = {"gcs_server", "raylet", "ray::Scorer", "ray::Sink"}
PER = 1000
LOGS = "logs of Ray (disk)"


@dataclass
class Soak:
    """What was seen: seconds, windows, and MB by name at each look."""

    seconds: list[float] = field(default_factory=list)
    windows: list[int] = field(default_factory=list)
    megabytes: list[dict[str, float]] = field(default_factory=list)

    def curves(self) -> dict[str, list[float]]:
        """Give each name's MB, 0 where it was not there; the largest at the end first."""
        names = {name for look in self.megabytes for name in look}
        curves = {name: [look.get(name, 0.0) for look in self.megabytes] for name in names}
        return dict(sorted(curves.items(), key=lambda item: -item[1][-1]))

    def window_seconds(self) -> list[float]:
        """Give the seconds that a window took, between one look at new windows and the next."""
        steps = np.diff(self.windows, prepend=0)
        times = np.diff(self.seconds, prepend=0.0)
        return [float(one) for one in times / np.maximum(steps, 1)]


def watch(command: subprocess.Popen[bytes], out: Path, first: int) -> Soak:
    """Look every second, and keep a look where windows were committed since the last one."""
    seen, root, began = Soak(), psutil.Process(command.pid), time.monotonic()
    while command.poll() is None:
        time.sleep(1)
        window = committed(out) - first
        if window > (seen.windows[-1] if seen.windows else 0):
            memory = resident(root)
            if memory.keys() >= RUNNING:  # else it is ending
                seen.seconds.append(time.monotonic() - began)
                seen.windows.append(window)
                seen.megabytes.append(memory | {LOGS: logs()})
    return seen


def committed(out: Path) -> int:
    """Give the last window that was committed."""
    state = out / STATE
    return int(json.loads(state.read_bytes())["window"]) if state.exists() else 0


def logs() -> float:
    """Give the MB that Ray's logs of this session take."""
    session = Path(os.environ.get("RAY_TMPDIR", "/tmp")) / "ray" / "session_latest" / "logs"
    return sum(file.stat().st_size for file in session.rglob("*") if file.is_file()) / MEGABYTE


def mine(folder: Path, port: int, windows: int, count: int) -> list[str]:
    """Give the command that runs so many windows."""
    liked = folder / "liked"
    liked.mkdir()
    album = image_server.ALBUMS["small"]
    for seed in range(album.pictures):
        (liked / f"{seed}.jpg").write_bytes(image_server.picture(OTHERS + seed, album.size(seed)))
    listed = folder / "urls.txt"
    listed.write_text("\n".join(image_server.urls(port, windows * count)))
    config = folder / "settings.yaml"
    config.write_text(json.dumps({"crawl": image_server.lifted(port)}))
    goldpan = [sys.executable, "-m", "flows.cli", "mine", f"urls:{listed}", "--out", str(folder / "out")]
    return [
        *goldpan, "--taste", str(liked), "--keep", "0.05", "--window", str(count), "--config", str(config),
    ]  # fmt: skip


def table(soak: Soak) -> Iterator[str]:
    """Give a Markdown table: a line a process, with its MB on the way and its slope."""
    marks = np.linspace(0, len(soak.windows) - 1, SHOWN).astype(int)
    yield (
        "| MB after windows | "
        + " | ".join(f"{soak.windows[mark]:,}" for mark in marks)
        + " | a 1,000 windows |"
    )
    yield "|---" * (SHOWN + 2) + "|"
    for name, curve in soak.curves().items():
        yield (
            f"| {name} | " + " | ".join(f"{curve[mark]:.0f}" for mark in marks) + f" | {slope(soak, curve)} |"
        )
    times = soak.window_seconds()
    means = [np.mean(part) for part in np.array_split(times, SHOWN)]
    yield (
        "| *seconds a window* | "
        + " | ".join(f"{mean:.2f}" for mean in means)
        + f" | {slope(soak, times, 3)} |"
    )


def slope(soak: Soak, curve: list[float], digits: int = 1) -> str:
    """Give a curve's slope after the warm-up, a 1,000 windows, with its interval."""
    warm = int(len(curve) * WARM)
    # Some 400 points are enough: all pairs of them are looked at.
    step = max(1, (len(curve) - warm) // 400)
    found = theilslopes(curve[warm::step], soak.windows[warm::step])
    middle, low, high = (PER * value for value in (found.slope, found.low_slope, found.high_slope))
    return f"{middle:+.{digits}f} ({low:+.{digits}f} to {high:+.{digits}f})"


def main(
    windows: Annotated[int, typer.Option(help="How many.")] = 5000,
    count: Annotated[int, typer.Option(help="Candidates in a window.")] = 8,
    keys: Annotated[int, typer.Option(help="Keys that the output holds already.")] = 0,
    chart: Annotated[Path | None, typer.Option(help="Draw the curves as a picture.")] = None,
    looks: Annotated[Path | None, typer.Option(help="Write every look down, as JSON.")] = None,
) -> None:
    """Run the command to its end, and print how its memory and its time grew."""
    with (
        tempfile.TemporaryDirectory(prefix="goldpan-soak-") as name,
        image_server.running("small", "--away") as port,
    ):
        folder = Path(name)
        if keys:
            ledger.write(Output(str(folder / "out")), keys)
        behind = -(-keys // ledger.WINDOW)
        command = subprocess.Popen(mine(folder, port, windows, count))
        soak = watch(command, folder / "out", behind)
        if not soak.windows:
            raise typer.Exit(command.returncode or 1)  # the command has said why
        print(
            f"\n{windows:,} windows of {count}: {soak.windows[-1]:,} committed, exit code {command.returncode}"
        )
        if looks:
            looks.write_text(json.dumps(vars(soak)))
        print("\n".join(table(soak)), flush=True)
        if chart:
            draw(chart, soak.windows, soak.curves(), soak.window_seconds(), count)


if __name__ == "__main__":
    typer.run(main)
