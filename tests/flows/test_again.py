"""What is put off has its row in the end, over a crash too; what failed can be had again, as a further attempt."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flows.demo.world import World
from models.reasons import Reason
from tests.flows.outputs import SMALL_DEMO, SMALL_WINDOWS, check_files, command, goldpan, rows

WAIT = ("--set", "crawl.defer={tries: 2, seconds: 12}")
IMPATIENT = ("--set", "crawl.defer={tries: 0}", "--set", "crawl.tries=1")


def ripening() -> set[str]:
    """Give the keys of what is processed only after it was listed."""
    return {
        f"{post['name']}/{media}"
        for post in World.build(1, None, 0.15).posts
        for media, entry in (post.get("media_metadata") or {}).items()
        if "_ripe" in entry
    }


def put_off(out: Path) -> set[str]:
    state = out / "state/deferred.json"
    if not state.exists():
        return set()
    return set(json.loads(state.read_bytes())["owed"])


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A demo whose driver was killed while something was put off."""
    out = tmp_path_factory.mktemp("again") / "out"
    arguments = command("mine", SMALL_DEMO, "--out", str(out), *SMALL_WINDOWS, *WAIT)
    with subprocess.Popen(arguments, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 200
        while not ripening() <= put_off(out):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.1)
        process.kill()
    yield out


def test_what_is_put_off_has_its_row_after_a_crash(killed: Path) -> None:
    assert ripening() and ripening() <= put_off(killed)
    assert not ripening() & {row["key"] for row in rows(killed)}
    done = goldpan("mine", SMALL_DEMO, "--out", str(killed), *SMALL_WINDOWS, *WAIT)
    assert done.returncode == 0, done.stderr
    assert "0 missing, 0 twice, 0 unexpected" in done.stderr
    reasons = {row["key"]: row["reason"] for row in rows(killed)}
    assert not {reasons[key] for key in ripening()} & {Reason.NOT_READY, Reason.API_ERROR}
    assert Reason.NOT_READY in reasons.values(), "what never comes ready ends so"
    assert not put_off(killed)
    check_files(killed)


def test_what_failed_is_had_again_as_another_attempt(tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = goldpan("mine", SMALL_DEMO, "--out", str(out), *SMALL_WINDOWS, *IMPATIENT)
    assert first.returncode == 0, first.stderr
    before = {row["key"]: row for row in rows(out)}
    failed = {key for key, row in before.items() if row["verdict"] == "failed"}
    assert ripening() <= failed
    again = goldpan("mine", SMALL_DEMO, "--retry", "failed", "--out", str(out), *SMALL_WINDOWS)
    assert again.returncode == 0, again.stderr
    attempts: dict[str, dict[int, dict[str, Any]]] = {}
    for row in rows(out):
        attempts.setdefault(row["key"], {})[row["attempt"]] = row
    assert {key for key, found in attempts.items() if set(found) == {1, 2}} == failed
    assert sum(map(len, attempts.values())) == len(rows(out)), "a row an attempt"
    healed = {key for key in failed if attempts[key][2]["verdict"] != "failed"}
    assert ripening() <= healed
    assert all(attempts[key][1] == before[key] for key in failed), "rows are never changed"
    check_files(out)
