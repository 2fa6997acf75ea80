"""Runs of the real command in a process of its own, and what they left."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from actors.storage import Output
from flows.demo.world import World

SMALL_DEMO = "demo,scale=0.15"
SMALL_WINDOWS = ("--window", "16")


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "flows.cli", *arguments]


def goldpan(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        command(*arguments),
        capture_output=True,
        text=True,
        timeout=240,
        env={**os.environ, **environment},
        check=False,
    )


def rows(out: Path | str) -> list[dict[str, Any]]:
    """Give every verdict row of an output, in commit order."""
    output = Output(str(out))
    return [
        row for name in output.names("verdicts", ".parquet") for row in output.read_table(name).to_pylist()
    ]


def facts(out: Path | str) -> set[tuple[Any, ...]]:
    """Give what must not depend on how a run went."""
    columns = ("key", "verdict", "reason", "sha256", "path")
    return {tuple(row[name] for name in columns) for row in rows(out)}


def check_files(out: Path | str) -> int:
    """Check the second law: a row says accepted if and only if its file is there with its sha256."""
    output = Output(str(out))
    named = {row["path"]: row["sha256"] for row in rows(out) if row["verdict"] == "accepted"}
    for path, sha256 in named.items():
        assert hashlib.sha256(output.read(path)).hexdigest() == sha256, path
    assert set(output.names("images")) == set(named)
    return len(named)


def assert_lawful(out: Path | str) -> None:
    """Check both laws for the small demo: its keys, each once, and the files."""
    assert sorted(row["key"] for row in rows(out)) == sorted(
        row.key for row in World.build(1, None, 0.15).truth.rows
    )
    check_files(out)


def shards(out: Path) -> int:
    """Count the shards of verdicts."""
    return len(list(out.glob("verdicts/*/*.parquet")))


def wait_until(true: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    """Wait for a moment of a run that goes on."""
    deadline = time.monotonic() + 120
    while not true():
        assert process.poll() is None, "the run ended before it could be disturbed"
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.02)
