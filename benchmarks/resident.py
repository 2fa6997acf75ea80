"""Resident memory of a process and of all that it started, by what Ray calls them."""

from __future__ import annotations

import re
from collections import defaultdict

import psutil

_NAMES = re.compile(
    r"ray::[\w.:]+|raylet|gcs_server|dashboard/agent|runtime_env/agent|log_monitor|monitor\.py"
)
MEGABYTE = 1e6
OBJECTS = "object store"


def resident(root: psutil.Process) -> dict[str, float]:
    """Give MB by name, without the pages of the object store, which all that map it share: these stand alone."""
    found: defaultdict[str, float] = defaultdict(float)
    for process in (root, *root.children(recursive=True)):
        try:
            memory = process.memory_info()
            name = _name(process)
        except psutil.NoSuchProcess:
            continue
        found["driver" if process == root else name] += (memory.rss - memory.shared) / MEGABYTE
        if name == "raylet":
            found[OBJECTS] = memory.shared / MEGABYTE
    return dict(found)


def _name(process: psutil.Process) -> str:
    called = _NAMES.search(" ".join(process.cmdline()))
    if called is None:
        return process.name()
    # A worker of Ray's pool is titled by the task it is at, or by none.
    if called.group().startswith(("ray::IDLE", "ray::ReadReadyBlocks", "ray::MapBatches")):
        return "pool of workers"
    return called.group().split(".")[0]
