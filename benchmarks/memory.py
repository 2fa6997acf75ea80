"""Resident memory of this process and of Ray's, by name, as a run goes on."""

from __future__ import annotations

import re
from collections import defaultdict

import psutil

EVERY = 100
SHOWN = 10
_NAMES = re.compile(
    r"ray::[\w.:]+|raylet|gcs_server|dashboard/agent|runtime_env/agent|log_monitor|monitor\.py"
)


class Memory:
    """Looks every so many windows; a process is named by what Ray calls it."""

    def __init__(self) -> None:
        self._seen: dict[int, dict[str, int]] = {}

    def look(self, windows: int) -> None:
        """Take every process's memory, unless this was done a moment ago."""
        mark = windows // EVERY * EVERY
        if windows and mark not in self._seen:
            self._seen[mark] = _resident()

    def lines(self) -> list[str]:
        """Give a line a process: MB at some marks, then the growth over the last half; the largest first."""
        marks = sorted(self._seen)
        shown = marks[:: max(1, len(marks) // SHOWN)]
        head = f"{'MB after windows':32}" + "".join(f"{mark:7}" for mark in shown) + "   MB a 1,000 windows"
        return [head, *(self._line(name, shown, marks) for name in self._names(marks))]

    def _names(self, marks: list[int]) -> list[str]:
        names = {name for seen in self._seen.values() for name in seen}
        return sorted(names, key=lambda name: -self._slope(name, marks))

    def _line(self, name: str, shown: list[int], marks: list[int]) -> str:
        values = "".join(f"{self._seen[mark].get(name, 0) / 1e6:7.0f}" for mark in shown)
        return f"{name[:31]:32}{values}   {self._slope(name, marks):+7.1f}"

    def _slope(self, name: str, marks: list[int]) -> float:
        half = [mark for mark in marks[len(marks) // 2 :] if name in self._seen[mark]]
        if len(half) < 2:
            return 0.0
        grown = self._seen[half[-1]][name] - self._seen[half[0]][name]
        return grown / 1e6 / (half[-1] - half[0]) * 1000


def _resident() -> dict[str, int]:
    found: defaultdict[str, int] = defaultdict(int)
    me = psutil.Process()
    found["driver"] = me.memory_info().rss
    for process in me.children(recursive=True):
        try:
            # Pages of the object store are shared by all that map it; they are bounded by its size.
            memory = process.memory_info()
            command = " ".join(process.cmdline())
        except psutil.NoSuchProcess:
            continue
        found[_name(command) or process.name()] += memory.rss - memory.shared
    return dict(found)


def _name(command: str) -> str | None:
    found = _NAMES.search(command)
    if found is None:
        return None
    # A worker of Ray's pool is titled by the task it is at.
    pooled = found.group().startswith(("ray::IDLE", "ray::ReadReadyBlocks", "ray::MapBatches"))
    return "ray::pool" if pooled else found.group().split(".")[0]
