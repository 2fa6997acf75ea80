"""Resident memory of this process and of Ray's, by name, as a run goes on."""

from __future__ import annotations

import re
from collections import defaultdict

import psutil
from rich.table import Table

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

    def table(self) -> Table:
        """Make a table: a row a process, a column a mark, in MB; the largest growth first."""
        marks = sorted(self._seen)
        shown = marks[:: max(1, len(marks) // SHOWN)] + marks[-1:]
        table = Table("process", *(f"{mark}" for mark in shown), "MB a 1,000 windows, last half")
        names = {name for seen in self._seen.values() for name in seen}
        for name in sorted(names, key=lambda name: -self._slope(name, marks)):
            values = (self._seen[mark].get(name, 0) / 1e6 for mark in shown)
            table.add_row(name, *(f"{value:.0f}" for value in values), f"{self._slope(name, marks):+.1f}")
        return table

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
        name = _NAMES.search(command)
        found[name.group() if name else process.name()] += memory.rss - memory.shared
    return dict(found)
