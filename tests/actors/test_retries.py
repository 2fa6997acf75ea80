"""--retry reads what failed out of current rows, with what is needed to have it again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from actors.deferred import Deferred
from actors.ledger import HashSet, Ledger
from actors.manifest import Manifest, SeenSubmission, read_manifest
from actors.retries import RetryError, check_retry, failing, rows_again, unlike
from actors.storage import Output
from models.reasons import Reason, Stage, Verdict
from models.records import Candidate, Outcome, Submission
from models.schema import VERDICTS

SCHEMA = pa.schema([field.with_nullable(True) for field in VERDICTS])


def commit(output: Output, number: int, *rows: tuple[str, Reason, int]) -> None:
    """Write a window's manifest and shard: (key, reason, attempt) each."""
    items = {key.rpartition("/")[0] for key, _, _ in rows}
    submissions = {
        item: SeenSubmission(Submission(item, "reddit:r/x", {"id": item}, "x"), 2) for item in items
    }
    window = Manifest(
        number=number,
        run="r",
        opened_at=datetime(2026, 11, 23, tzinfo=UTC),
        submissions=submissions,
        candidates=tuple(_candidate(key, reason) for key, reason, _ in rows),
        attempts={key: attempt for key, _, attempt in rows if attempt > 1},
    )
    window.write(output)
    table = [
        dict.fromkeys(VERDICTS.names)
        | {
            "key": key,
            "window": window.window,
            "submission": key.rpartition("/")[0],
            "candidates": 2,
            "attempt": attempt,
            "reason": reason.value,
            "verdict": reason.verdict.value,
        }
        for key, reason, attempt in rows
    ]
    output.write_table(window.shard("verdicts"), pa.Table.from_pylist(table, schema=SCHEMA))


def _candidate(key: str, reason: Reason) -> Candidate:
    item, _, media = key.rpartition("/")
    if reason is Reason.API_ERROR:
        return Candidate(item, media, outcome=Outcome(reason, Stage.RESOLVE))
    outcome = Outcome(reason, Stage.FETCH) if reason.verdict is Verdict.FAILED else None
    return Candidate(item, media, (f"https://a.example/{media}.jpg",), outcome=outcome)


def test_every_current_failure_comes_with_its_urls_and_the_next_attempt(tmp_path: Path) -> None:
    output = Output(str(tmp_path))
    commit(
        output, 1, ("t3_a/0", Reason.TIMEOUT, 1), ("t3_a/1", Reason.FITS, 1), ("t3_b/-", Reason.API_ERROR, 1)
    )
    commit(output, 2, ("t3_c/0", Reason.NOT_FOUND, 1), ("t3_a/0", Reason.TIMEOUT, 2))
    owed = [one for group in rows_again(output, Ledger(output), failing("failed")) for one in group]
    assert {one.key: one.attempt for one in owed} == {"t3_a/0": 3, "t3_b/-": 2, "t3_c/0": 2}
    by_key = {one.key: one for one in owed}
    assert by_key["t3_a/0"].candidate.urls == ("https://a.example/0.jpg",)
    assert by_key["t3_a/0"].candidates == 2
    assert by_key["t3_b/-"].submission.post == {"id": "t3_b"}, "what was not resolved keeps its post"
    assert by_key["t3_c/0"].submission.post == {}
    assert [group[0].key for group in rows_again(output, Ledger(output), failing("failed:not_found"))] == [
        "t3_c/0"
    ]


def test_what_was_had_meanwhile_is_left_alone(tmp_path: Path) -> None:
    output = Output(str(tmp_path))
    commit(output, 1, ("t3_a/0", Reason.TIMEOUT, 1))
    commit(output, 2, ("t3_a/0", Reason.FITS, 2))
    assert not list(rows_again(output, Ledger(output), failing("failed")))


def test_what_is_on_its_way_again_is_left_alone(tmp_path: Path) -> None:
    output = Output(str(tmp_path))
    commit(
        output, 1, ("t3_a/0", Reason.TIMEOUT, 1), ("t3_b/0", Reason.TIMEOUT, 1), ("t3_c/0", Reason.TIMEOUT, 1)
    )
    (shard,) = output.names("verdicts", ".parquet")
    commit(output, 2, ("t3_a/0", Reason.TIMEOUT, 2))
    # A retry that died before its commit, with another candidate put off.
    output.remove(shard.replace("00000001", "00000002"))
    path = "windows/00000002.json"
    manifest = read_manifest(output, path)
    waits = Deferred(Submission("t3_b", "reddit:r/x", {}), Candidate("t3_b", "0"), 9.0, attempt=2)
    replace(manifest, deferred=(waits,)).write(output)
    ledger = Ledger(output)
    assert [one.key for one in ledger.deferred] == ["t3_b/0"]
    assert [group[0].key for group in rows_again(output, ledger, failing("failed"))] == ["t3_c/0"]


def test_a_later_attempt_does_not_make_a_submission_look_half_seen(tmp_path: Path) -> None:
    output = Output(str(tmp_path))
    commit(output, 1, ("t3_a/0", Reason.TIMEOUT, 1), ("t3_a/1", Reason.FITS, 1))
    commit(output, 2, ("t3_a/0", Reason.FITS, 2))
    ledger = Ledger(output)
    assert "t3_a" in ledger.submissions and not ledger.seen_of("t3_a")


def test_what_a_taste_gains_is_wanted_while_it_is_refused(tmp_path: Path) -> None:
    output = Output(str(tmp_path))
    refused = Reason.UNLIKE_TASTE
    commit(output, 1, *((f"t3_{name}/0", refused, 1) for name in "abcd"), ("t3_e/0", Reason.WATERMARK, 1))
    commit(output, 2, ("t3_b/0", Reason.FITS, 2), ("t3_c/0", Reason.NOT_FOUND, 2), ("t3_d/0", refused, 2))
    keys = HashSet()
    keys.add(f"t3_{name}/0" for name in "bcde")
    ledger = Ledger(output)
    owed = [one for group in rows_again(output, ledger, unlike(keys)) for one in group]
    assert {one.key: one.attempt for one in owed} == {"t3_d/0": 3}
    keys.add(["t3_a/0"])
    owed = [one for group in rows_again(output, ledger, unlike(keys)) for one in group]
    assert {one.key: one.attempt for one in owed} == {"t3_a/0": 2, "t3_d/0": 3}
    assert all(one.candidate.urls and one.candidate.outcome is None for one in owed)
    assert [group[0].key for group in rows_again(output, ledger, failing("failed"))] == ["t3_c/0"]


@pytest.mark.parametrize("text", ["accepted", "failed:", "failed:fits", "failed:timeuot", "gained:", ""])
def test_what_cannot_be_retried_is_told_with_what_can(text: str) -> None:
    with pytest.raises(RetryError, match=r"gained, failed, or failed:REASON.*timeout"):
        check_retry(text)
    for known in ("failed", "failed:timeout", "gained"):
        check_retry(known)
