"""The processes of a run, found by their titles, and the small disk that it may write to."""

from __future__ import annotations

import errno
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath

import psutil

_SIZE = "64m"


class NoSmallDiskError(Exception):
    """A disk that can be filled cannot be had here; the text says why."""


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """Mount a small disk at a new folder, for as long as it is wanted. Raises NoSmallDiskError."""
    folder.mkdir(parents=True)
    mounting = ["mount", "-t", "tmpfs", "-o", f"size={_SIZE}", "tmpfs", str(folder)]
    mounted = subprocess.run(mounting, capture_output=True, text=True, check=False)
    if mounted.returncode:
        raise NoSmallDiskError(f"mounting a tmpfs is not allowed: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def fill(disk: Path) -> Path:
    """Write a file until there is no room left, and give it."""
    filler = disk / "filler"
    try:
        with filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
    return filler


def children(driver: int) -> list[psutil.Process]:
    """Give all processes below one; none where it is gone."""
    try:
        return psutil.Process(driver).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def titled(driver: int, start: str) -> list[psutil.Process]:
    """Give the processes below one whose titles, or programs' names, begin so."""
    return [one for one in children(driver) if PurePath(title(one)).name.startswith(start)]


def title(process: psutil.Process) -> str:
    """Give what a process calls itself."""
    try:
        return "".join(process.cmdline()[:1])
    except psutil.Error:
        # It ended while we looked; killed ones are there as zombies for a moment.
        return ""


def was_signalled(process: psutil.Process, number: int) -> bool:
    """Send a signal; False where the process is gone."""
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return False
    return True
