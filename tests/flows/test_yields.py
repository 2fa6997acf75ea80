"""The yield table counts every row of the shards once, by anything it is asked for."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from actors.storage import Output
from models.schema import VERDICTS
from tests.flows.outputs import goldpan


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("yields")
    rows: list[dict[str, Any]] = [
        {"subreddit": "Peaks", "verdict": "accepted", "reason": "fits", "host": "i.redd.it", "author": "ann"},
        {
            "subreddit": "Peaks",
            "verdict": "rejected",
            "reason": "watermark",
            "host": "i.redd.it",
            "author": None,
        },
        {
            "subreddit": "ABCDEFGHIJKLMNOPQRSTU",
            "verdict": "rejected",
            "reason": "unlike_taste",
            "host": None,
            "author": "bob",
        },
        {"subreddit": None, "verdict": "failed", "reason": "dns", "host": None, "author": "[/x]:cat:"},
        # Was retried, and failed otherwise.
        {"key": "t3_9/0", "verdict": "failed", "reason": "dns", "host": "slow.example", "author": "eve"},
        {
            "key": "t3_9/0",
            "attempt": 2,
            "subreddit": "late",
            "verdict": "failed",
            "reason": "timeout",
            "host": "slow.example",
            "author": "eve",
        },
    ]
    schema = pa.schema([field.with_nullable(True) for field in VERDICTS])
    for number, row in enumerate(rows):
        named = {"key": f"t3_{number}/0", "attempt": 1, "log_likelihood": -1.5}
        whole = dict.fromkeys(VERDICTS.names) | named | row
        table = pa.Table.from_pylist([whole], schema=schema)
        Output(str(folder)).write_table(f"verdicts/date=2026-01-0{number + 1}/{number:08d}.parquet", table)
    return folder


def yields(out: Path, *arguments: str) -> str:
    done = goldpan("yields", str(out), *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_by_subreddit_as_json(out: Path) -> None:
    rows = json.loads(yields(out, "--format", "json"))
    assert [row["subreddit"] for row in rows] == ["Peaks", "ABCDEFGHIJKLMNOPQRSTU", "_", "late"]
    assert rows[0]["accepted"] == 1 and rows[0]["seen"] == 2 and rows[0]["yield"] == 0.5
    assert sum(row["seen"] for row in rows) == 5, "a retried candidate counts once"


def test_by_reason_as_csv(out: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(yields(out, "--by", "reason", "--format", "csv"))))
    assert {row["reason"]: row["seen"] for row in rows} == {
        "fits": "1", "watermark": "1", "unlike_taste": "1", "dns": "1", "timeout": "1",
    }  # fmt: skip


def test_by_author_and_host_as_a_table(out: Path) -> None:
    done = goldpan("yields", str(out), "--by", "author", COLUMNS="160")
    assert "ann" in done.stdout and "[/x]:cat:" in done.stdout
    assert "i.redd.it" in yields(out, "--by", "host", "--top", "1")


def test_a_table_of_80_columns_cuts_no_name(out: Path) -> None:
    lines = goldpan("yields", str(out), COLUMNS="80").stdout.splitlines()
    assert any(line.split()[:1] == ["ABCDEFGHIJKLMNOPQRSTU"] for line in lines), "as long as a name may be"
    assert not any("…" in line for line in lines)
