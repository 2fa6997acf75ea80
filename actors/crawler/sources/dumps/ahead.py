"""Reading several files at a time, as far as cores and memory go."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterator

import psutil
import pyarrow as pa

from actors.crawler.sources.dumps.files import DumpFile
from actors.crawler.sources.dumps.packing import HEAD, memory_needed
from actors.crawler.sources.dumps.reader import Reader

# Unpacking lets other threads run, looking for names does not: with a third of the time for that, more would wait.
_MOST = 4


def readers(files: Iterator[DumpFile], start: Callable[[DumpFile], Reader]) -> Generator[Reader, None, None]:
    """Yield a reader a file, in their order, with some of those behind it at work already.

    Together they take half of the memory that is free now, at most; one reads in any case. Closing ends them.
    """
    room = psutil.virtual_memory().available // 2
    most = min(_MOST, os.cpu_count() or 1)
    running: deque[tuple[Reader, int]] = deque()
    waiting: tuple[DumpFile, int] | None = None
    try:
        while True:
            while len(running) < most:
                waiting = waiting or _next(files)
                used = sum(needed for _, needed in running)
                if waiting is None or (running and used + waiting[1] > room):
                    break
                running.append((start(waiting[0]), waiting[1]))
                waiting = None
            if not running:
                return
            yield running[0][0]
            running.popleft()
    finally:
        for reader, _ in running:
            reader.close()


def _next(files: Iterator[DumpFile]) -> tuple[DumpFile, int] | None:
    file = next(files, None)
    return None if file is None else (file, _needed(file))


def _needed(file: DumpFile) -> int:
    try:
        with file.open() as raw:
            return memory_needed(raw.read(HEAD))
    except (OSError, pa.ArrowException):
        return 0  # its reader will say so
