"""The whole of it: the demo world through PRAW, crawlers, Ray Data and ONNX, and what happens when parts die."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pyarrow.parquet as pq
import pytest
from prometheus_client.parser import text_string_to_metric_families
from typer.testing import CliRunner

from actors.storage import Output
from flows.cli import app
from models.schema import VERDICTS
from tests.chaos.processes import titled, was_signalled
from tests.flows.outputs import (
    SMALL_DEMO,
    SMALL_WINDOWS,
    assert_lawful,
    check_files,
    command,
    facts,
    goldpan,
    rows,
    shards,
    wait_until,
)
from tests.s3 import Bucket


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo mined without a fault."""
    out = tmp_path_factory.mktemp("unbroken") / "out"
    done = goldpan("mine", SMALL_DEMO, "--out", str(out), *SMALL_WINDOWS)
    assert done.returncode == 0, done.stderr
    assert "0 missing, 0 twice, 0 unexpected" in done.stderr
    return out


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """The same demo, on its way, and watched in every way there is."""
    out = tmp_path / "out"
    watched = ("--log-format", "json", "--metrics-port", "0", "--events", str(tmp_path / "events"))
    arguments = command("mine", SMALL_DEMO, "--out", str(out), *SMALL_WINDOWS, *watched)
    with (tmp_path / "stderr").open("wb") as said, subprocess.Popen(arguments, stderr=said) as process:
        yield process, out
        if process.poll() is None:
            process.kill()


def test_every_candidate_has_one_row_and_every_accepted_row_its_file(unbroken: Path) -> None:
    assert_lawful(unbroken)
    assert check_files(unbroken) >= 5
    assert len({row["reason"] for row in rows(unbroken)}) >= 12


def test_the_shards_have_the_schema_with_its_meanings(unbroken: Path) -> None:
    for shard in unbroken.glob("verdicts/*/*.parquet"):
        found = pq.read_schema(shard)
        assert found.equals(VERDICTS)
        assert found.field("phash").metadata[b"meaning"]
        assert found.metadata[b"goldpan.schema"] == b"1"


def test_a_rerun_judges_nothing_twice_and_fetches_no_file_that_was_deleted(
    unbroken: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    shutil.copytree(unbroken, out)
    before, unwanted = shards(out), next(out.glob("images/**/*.jpg"))
    unwanted.unlink()
    done = goldpan("mine", SMALL_DEMO, "--out", str(out), *SMALL_WINDOWS)
    assert done.returncode == 0, done.stderr
    assert shards(out) == before
    assert not unwanted.exists()
    assert facts(out) == facts(unbroken)


def test_a_driver_killed_in_the_middle_goes_on(
    running: tuple[subprocess.Popen[bytes], Path], unbroken: Path
) -> None:
    process, out = running
    wait_until(lambda: shards(out) >= 2, process)
    process.kill()
    process.wait()
    assert 2 <= shards(out) < shards(unbroken)
    done = goldpan("mine", SMALL_DEMO, "--out", str(out), *SMALL_WINDOWS)
    assert done.returncode == 0, done.stderr
    assert facts(out) == facts(unbroken)
    assert_lawful(out)
    assert not Output(str(out)).leftovers()


def test_an_object_store_holds_the_same_after_a_killed_driver(bucket: Bucket, unbroken: Path) -> None:
    out = f"{bucket.uri}/mined"
    again = ("mine", SMALL_DEMO, "--out", out, *SMALL_WINDOWS)
    with subprocess.Popen(command(*again), stderr=subprocess.DEVNULL) as process:
        wait_until(lambda: len(Output(out).names("verdicts", ".parquet")) >= 2, process)
        process.kill()
    assert len(Output(out).names("verdicts", ".parquet")) < shards(unbroken)
    done = goldpan(*again)
    assert done.returncode == 0, done.stderr
    assert facts(out) == facts(unbroken)
    assert check_files(out) == check_files(unbroken)
    assert goldpan("doctor", out).returncode == 0


def test_ctrl_c_commits_what_is_in_flight_and_the_same_command_goes_on(
    running: tuple[subprocess.Popen[bytes], Path], unbroken: Path
) -> None:
    process, out = running
    wait_until(lambda: shards(out) >= 1, process)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    assert [told(out)[-1][name] for name in ("event", "how", "code")] == ["run_ended", "interrupted", 130]
    manifests = len(list(out.glob("windows/*.json")))
    assert shards(out) == manifests, "a window that was written down was not committed"
    done = goldpan("mine", SMALL_DEMO, "--out", str(out), *SMALL_WINDOWS)
    assert done.returncode == 0, done.stderr
    assert facts(out) == facts(unbroken)


def test_killed_actors_change_nothing(running: tuple[subprocess.Popen[bytes], Path], unbroken: Path) -> None:
    process, out = running
    # The sink has written a window before the driver knows: what the driver tells last is the event.
    wait_until(lambda: shards(out) >= 1 and "window_committed" in names_of_events(out), process)
    check_metrics(out)
    alive = CliRunner().invoke(app, ["alive", str(out)])
    assert alive.exit_code == 0 and re.search(r"is \w+: window \d+, seen \d+", alive.stdout), alive.stdout
    for victim in ("Crawler", "Encoder", "Sink", "DuplicateIndex", "Scorer"):
        wait_until(lambda victim=victim: kill_actor(process.pid, victim) >= 1, process)  # type: ignore[misc]
    assert process.wait(180) == 0
    assert facts(out) == facts(unbroken)
    assert_lawful(out)
    check_events(out)


def told(out: Path, name: str = "events") -> list[dict[str, Any]]:
    """Give the events of a watched run, or what else it left as lines of JSON."""
    return [json.loads(line) for line in (out.parent / name).read_text().splitlines()]


def names_of_events(out: Path) -> set[str]:
    return {one["event"] for one in told(out)}


def check_events(out: Path) -> None:
    events = told(out)
    assert [events[0]["event"], events[-1]["event"]] == ["run_started", "run_ended"]
    assert {one["v"] for one in events} == {1} and len({one["run"] for one in events}) == 1
    assert {one["event"] for one in events} >= {"window_committed", "source_ended", "actor_restarted"}
    windows = [one for one in events if one["event"] == "window_committed"]
    held = Counter(row["reason"] for row in rows(out))
    assert sum((Counter(one["reasons"]) for one in windows), Counter()) == held == events[-1]["reasons"]
    assert sum(one["candidates"] for one in windows) == held.total()
    assert [one["window"] for one in windows] == list(range(1, shards(out) + 1))
    assert "crawler 1" in {one.get("actor") for one in events}
    records = told(out, "stderr")
    assert all({"time", "level", "logger", "message"} <= one.keys() for one in records)
    assert sum(one.get("event") == "window_committed" for one in records) == len(windows)
    assert any("0 missing, 0 twice, 0 unexpected" in one["message"] for one in records)


def check_metrics(out: Path) -> None:
    (address,) = (one["message"].split()[1] for one in told(out, "stderr") if "/metrics" in one["message"])
    with urlopen(address, timeout=10) as answer:
        families = {one.name: one for one in text_string_to_metric_families(answer.read().decode())}
    totals = {name: sum(one.value for one in family.samples) for name, family in families.items()}
    assert totals["goldpan_windows"] >= 1 and totals["goldpan_verdicts"] >= 16
    assert totals["goldpan_submissions_seen"] >= 16 and totals["goldpan_ledger_submissions"] >= 1
    timed = {one.labels.get("stage") for one in families["goldpan_stage_seconds"].samples}
    assert timed >= {"fetch", "inspect", "duplicates", "encode", "score", "commit"}
    assert {one.labels["at"] for one in families["goldpan_crawl_candidates"].samples} >= {"queued", "ready"}


def kill_actor(driver: int, name: str) -> int:
    return sum(was_signalled(one, signal.SIGKILL) for one in titled(driver, f"ray::{name}"))


def test_an_output_in_use_is_refused_and_a_lost_terminal_is_a_clean_stop(
    running: tuple[subprocess.Popen[bytes], Path],
) -> None:
    process, out = running
    wait_until((out / "state/lock.json").exists, process)
    refused = goldpan("mine", SMALL_DEMO, "--out", str(out), "--taste", "unused")
    assert refused.returncode == 2
    assert "in use by run" in refused.stderr and "Traceback" not in refused.stderr
    wait_until(lambda: shards(out) >= 1, process)
    process.send_signal(signal.SIGHUP)
    assert process.wait(60) == 143
    check_files(out)
