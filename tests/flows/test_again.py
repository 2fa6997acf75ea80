"""What is put off has its row in the end, over a crash too; what failed can be had again, as a further attempt."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from actors.storage import Output
from actors.upkeep.checkup import examine
from flows.demo.world import World
from flows.score import Change, changes
from flows.yields import By, query
from models.calibration import At
from models.reasons import Reason
from models.taste import Taste
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


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo that gave up early, where something failed."""
    out = tmp_path_factory.mktemp("impatient") / "out"
    first = goldpan("mine", SMALL_DEMO, "--out", str(out), *SMALL_WINDOWS, *IMPATIENT)
    assert first.returncode == 0, first.stderr
    return out


def by_attempt(out: Path) -> dict[str, dict[int, dict[str, Any]]]:
    """Give the rows of every key by attempt, and make sure that each has one."""
    attempts: dict[str, dict[int, dict[str, Any]]] = {}
    for row in rows(out):
        attempts.setdefault(row["key"], {})[row["attempt"]] = row
    assert sum(map(len, attempts.values())) == len(rows(out)), "a row an attempt"
    return attempts


def test_what_failed_is_had_again_as_another_attempt(impatient: Path, tmp_path: Path) -> None:
    out = shutil.copytree(impatient, tmp_path / "out")
    before = {row["key"]: row for row in rows(out)}
    failed = {key for key, row in before.items() if row["verdict"] == "failed"}
    assert ripening() <= failed
    again = goldpan("mine", SMALL_DEMO, "--retry", "failed", "--out", str(out), *SMALL_WINDOWS)
    assert again.returncode == 0, again.stderr
    attempts = by_attempt(out)
    assert {key for key, found in attempts.items() if set(found) == {1, 2}} == failed
    healed = {key for key in failed if attempts[key][2]["verdict"] != "failed"}
    assert ripening() <= healed
    assert all(attempts[key][1] == before[key] for key in failed), "rows are never changed"
    check_files(out)


def test_what_another_taste_gains_is_had_as_another_attempt(impatient: Path, tmp_path: Path) -> None:
    out = shutil.copytree(impatient, tmp_path / "out")
    output, before = Output(str(out)), {row["key"]: row for row in rows(out)}
    # What the demo likes, with a threshold that lets the better half of what it refused through.
    (kept,) = output.names("state", ".npz")
    refused = [row["log_likelihood"] for row in before.values() if row["reason"] == Reason.UNLIKE_TASTE]
    wider = Taste.from_bytes((out / kept).read_bytes()).at(At(sorted(refused)[len(refused) // 2]))
    wider.save(tmp_path / "wider")
    expected = {row["key"] for row in changes(output, wider) if row["change"] is Change.GAINED}
    arguments = ("--retry", "gained", "--taste", str(tmp_path / "wider"), "--out", str(out))
    again = goldpan("mine", SMALL_DEMO, *arguments, *SMALL_WINDOWS)
    assert again.returncode == 0, again.stderr
    attempts = by_attempt(out)
    had = {key for key, found in attempts.items() if set(found) == {1, 2}}
    assert had == expected and 0 < len(had) < len(refused)
    assert all(attempts[key][1] == before[key] for key in attempts), "rows are never changed"
    latest = [attempts[key][2] for key in had]
    assert Reason.UNLIKE_TASTE not in {row["reason"] for row in latest}
    assert {row["taste"] for row in latest} - {None} == {wider.fingerprint}
    came = [row for row in latest if row["reason"] == Reason.FITS]
    assert came and check_files(out) == len(came) + sum(
        row["reason"] == Reason.FITS for row in before.values()
    )
    assert all(row["change"] is not Change.GAINED for row in changes(output, wider)), "once is enough"
    counted = {row["reason"]: row["seen"] for row in query(str(out), By.REASON, 100)}
    assert counted == Counter(found[max(found)]["reason"] for found in attempts.values())
    assert not examine(output, lambda items, what, total: items).findings
