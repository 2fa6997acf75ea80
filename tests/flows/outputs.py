"""Runs of the real command in a process of its own, and what they left."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from actors.storage import Output

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


def rows(out: Path) -> list[dict[str, Any]]:
    """Give every verdict row of an output, in commit order."""
    output = Output(str(out))
    return [
        row for name in output.names("verdicts", ".parquet") for row in output.read_table(name).to_pylist()
    ]


def facts(out: Path) -> set[tuple[Any, ...]]:
    """Give what must not depend on how a run went."""
    columns = ("key", "verdict", "reason", "sha256", "path")
    return {tuple(row[name] for name in columns) for row in rows(out)}


def check_files(out: Path) -> int:
    """Check the second law: a row says accepted if and only if its file is there with its sha256."""
    named = {row["path"]: row["sha256"] for row in rows(out) if row["verdict"] == "accepted"}
    for path, sha256 in named.items():
        assert hashlib.sha256((out / path).read_bytes()).hexdigest() == sha256, path
    assert set(Output(str(out)).names("images")) == set(named)
    return len(named)
