"""Several files at a time: as many as cores and memory allow, and always in order."""

from __future__ import annotations

import os
import threading
import time
from collections import namedtuple
from pathlib import Path

import psutil
import pytest

from actors.crawler.settings import CrawlSettings
from actors.crawler.sources import open_source, parse_source
from tests.actors.sources.dump_posts import items, lines, post, write, zstd

Memory = namedtuple("Memory", "available")
ROWS = 2300  # more than a reader reads ahead


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six files, each with a window of 2 GiB."""
    for month in range(1, 7):
        text = lines(post(month * 10_000 + number) for number in range(ROWS))
        write(tmp_path / f"RS_2023-{month:02d}.zst", zstd(text, window_log=31))
    return tmp_path


def reading(folder: Path) -> set[str]:
    """The files that are being read once the first page was given and the readers had their time."""
    found = open_source(parse_source(f"dump:{folder}"), CrawlSettings()).pages(None)
    next(found)
    names: set[str] = set()
    for _ in range(20):
        names |= {thread.name for thread in threading.enumerate() if thread.name.startswith("dump RS")}
        time.sleep(0.02)
    found.close()  # type: ignore[attr-defined]
    return names


@pytest.mark.parametrize(("available", "cores", "expected"), [(100, 8, 4), (100, 2, 2), (9, 8, 2), (1, 8, 1)])
def test_readers_are_as_many_as_cores_and_half_of_the_free_memory_allow(
    folder: Path, monkeypatch: pytest.MonkeyPatch, available: int, cores: int, expected: int
) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: Memory(available << 30))
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    assert reading(folder) == {f"dump RS_2023-{month:02d}.zst" for month in range(1, expected + 1)}


def test_files_that_are_read_at_the_same_time_come_in_order(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: Memory(100 << 30))
    expected = [f"t3_p{month * 10_000 + number}" for month in range(1, 7) for number in range(ROWS)]
    assert items(folder) == expected
    assert items(folder, ",author=author3") == [item for item in expected if int(item[4:]) % 7 == 3]
