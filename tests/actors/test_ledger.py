"""The ledger remembers exactly what manifests and verdict shards hold."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pyarrow as pa

from actors.deferred import Deferred
from actors.ledger import HashSet, Ledger, write_state
from actors.manifest import Manifest, SeenSubmission, facts_of, read_manifest
from actors.storage import Output
from models.reasons import Reason, Stage
from models.records import Candidate, Outcome, Ready, Submission
from models.schema import VERDICTS


def manifest(number: int, *rows: tuple[str, str, int]) -> Manifest:
    return Manifest(
        number=number,
        run="r",
        opened_at=datetime(2026, 11, 23, 23, 59, tzinfo=UTC),
        submissions={
            item: SeenSubmission(Submission(item, "reddit:r/x", {"secret": 1}, "x"), total)
            for item, _, total in rows
        },
        candidates=tuple(Candidate(item, media, ("https://a.test/ü.jpg",), 4, 5) for item, media, _ in rows),
        cursors={"reddit:r/x": {"after": "t3_9"}},
    )


def commit(output: Output, window: Manifest) -> None:
    rows = [
        dict.fromkeys(VERDICTS.names)
        | {
            "key": one.key,
            "submission": one.item,
            "candidates": window.submissions[one.item].candidates,
        }
        for one in window.candidates
    ]
    schema = pa.schema([field.with_nullable(True) for field in VERDICTS])
    output.write_table(window.shard("verdicts"), pa.Table.from_pylist(rows, schema=schema))


def test_a_manifest_reads_back_as_it_was_but_for_the_post(tmp_path: Path) -> None:
    output = Output(str(tmp_path))
    outcome = Outcome(Reason.NOT_FOUND, Stage.FETCH, "404")
    written = manifest(3, ("t3_a", "0", 2), ("url:x", "-", 1))
    ended = Candidate("t3_a", "1", (), outcome=outcome)
    written = Manifest(
        3, "r", written.opened_at, written.submissions, (*written.candidates, ended), written.cursors
    )
    written.write(output)
    found = read_manifest(output, written.path)
    assert found.candidates == written.candidates
    assert found.candidates[-1].outcome == outcome
    assert (found.window, found.opened_at, found.cursors) == ("00000003", written.opened_at, written.cursors)
    assert found.submissions["t3_a"].submission.post == {}
    assert found.shard("thumbs") == "thumbs/date=2026-11-23/00000003.parquet"


def test_a_manifest_holds_what_was_learned_of_final_failures(tmp_path: Path) -> None:
    output = Output(str(tmp_path))
    window = manifest(1, ("t3_a", "0", 3), ("t3_a", "1", 3), ("t3_a", "2", 3))
    gone = Outcome(Reason.NOT_FOUND, Stage.FETCH, "404")
    fetched, failed, text = window.candidates
    facts = facts_of(
        [
            Ready(fetched, None, 9, url="https://a.test/0", http_status=200, fetched_at=1.5),
            Ready(failed, gone, url="https://a.test/1", host="a.test", http_status=404, latency_ms=2.5),
            Ready(text, Outcome(Reason.SELF_POST, Stage.RESOLVE)),
        ]
    )
    learned = {"url": "https://a.test/1", "host": "a.test", "http_status": 404, "latency_ms": 2.5}
    assert facts == {"t3_a/1": learned}
    replace(window, facts=facts).write(output)
    assert read_manifest(output, window.path).facts == facts


def test_a_manifest_takes_text_that_utf8_cannot_hold(tmp_path: Path) -> None:
    output = Output(str(tmp_path))
    window = manifest(1, ("folder:a", "0", 1))
    odd = Submission("folder:a", "folder:\udcff", {}, title="\ud83d half", created=1.5)
    gone = Outcome(Reason.NOT_FOUND, Stage.FETCH, "\udcff")
    window = replace(
        window,
        submissions={"folder:a": SeenSubmission(odd, 1)},
        candidates=(Candidate("folder:a", "0", ("/\udcff/a.jpg",), outcome=gone),),
        cursors={"folder:\udcff": {"after": "\udcff"}},
    )
    window.write(output)
    assert read_manifest(output, window.path) == window, "a replay asks for the same file"


def test_shards_are_known_and_manifests_without_one_are_unfinished(tmp_path: Path) -> None:
    output = Output(str(tmp_path))
    done, dead = manifest(1, ("t3_a", "0", 1)), manifest(2, ("t3_b", "0", 2))
    for window in (done, dead):
        window.write(output)
    commit(output, done)
    ledger = Ledger(output)
    assert [one.number for one in ledger.unfinished] == [2]
    assert ledger.next_window == 3
    assert "t3_a" in ledger.submissions
    assert "t3_b" not in ledger.submissions, "only one of its two candidates was seen"
    assert ledger.knows("t3_b") and not ledger.knows("t3_c")
    assert ledger.seen_of("t3_b") == {"t3_b/0"}
    ledger.see(manifest(3, ("t3_b", "1", 2)))
    assert "t3_b" in ledger.submissions and not ledger.seen_of("t3_b")


def put_off(item: str, media: str = "0", *, tries: int = 1, attempt: int = 1) -> Deferred:
    waits = Outcome(Reason.NOT_READY, Stage.RESOLVE, "unprocessed", 30.0)
    submission = Submission(item, "reddit:r/x", {"id": item}, "x")
    return Deferred(submission, Candidate(item, media, outcome=waits), 12.5, tries, attempt, 2)


def test_what_is_put_off_is_owed_until_it_has_a_row(tmp_path: Path) -> None:
    output = Output(str(tmp_path))
    first = replace(manifest(1, ("t3_a", "0", 2)), deferred=(put_off("t3_a", "1"), put_off("t3_b", "-")))
    first.write(output)
    commit(output, first)
    assert read_manifest(output, first.path).deferred == first.deferred
    assert {one.key for one in Ledger(output).deferred} == {"t3_a/1", "t3_b/-"}
    second = replace(
        manifest(2, ("t3_a", "1", 2)), settled=("t3_a/1",), deferred=(put_off("t3_b", "-", tries=2),)
    )
    second.write(output)
    assert Ledger(output).deferred == [put_off("t3_b", "-", tries=2)], "the latest of each"
    third = replace(manifest(3, ("t3_b", "x", 1)), settled=("t3_b/-",), deferred=(put_off("t3_b", "y"),))
    third.write(output)
    ledger = Ledger(output)
    assert ledger.deferred == [put_off("t3_b", "y")], "it came to images, of which one is put off"
    assert ledger.written == {"t3_b/y": 3}


def test_the_state_spares_reading_old_manifests(tmp_path: Path) -> None:
    output = Output(str(tmp_path))
    first = replace(manifest(1, ("t3_a", "0", 1)), deferred=(put_off("t3_b"), put_off("t3_e")))
    second = replace(manifest(2, ("t3_e", "0", 1)), settled=("t3_e/0",))
    third = replace(manifest(3, ("t3_c", "0", 1)), deferred=(put_off("t3_d"),))
    for window in (first, second, third):
        window.write(output)
        commit(output, window)
    expected = {"t3_b/0": 1, "t3_d/0": 3}
    write_state(output, second, {"t3_b/0": 1})
    assert Ledger(output).written == expected
    output.remove("state/deferred.json")
    assert Ledger(output).written == expected, "the manifests alone tell it too"
    for broken in (b"", b"[]", b"{}", b'{"window": null, "owed": 1}'):
        output.write("state/deferred.json", broken)
        assert Ledger(output).written == expected


def test_cursors_are_the_newest_manifests(tmp_path: Path) -> None:
    output = Output(str(tmp_path))
    manifest(1, ("t3_a", "0", 1)).write(output)
    replace(manifest(2, ("t3_b", "0", 1)), cursors={"arctic:x": {"after": 7}}).write(output)
    assert Ledger(output).cursors == {"arctic:x": {"after": 7}}


def test_an_empty_output_starts_at_window_one(tmp_path: Path) -> None:
    ledger = Ledger(Output(str(tmp_path / "new")))
    assert ledger.next_window == 1 and not ledger.unfinished


def test_a_hash_set_holds_what_was_added_over_many_merges() -> None:
    known = HashSet()
    for start in range(0, 20_000, 500):
        known.add(f"key-{number}" for number in range(start, start + 500))
    assert all(f"key-{number}" in known for number in range(0, 20_000, 37))
    assert not any(f"other-{number}" in known for number in range(1000))


def test_a_hash_set_grows_by_what_is_new_only() -> None:
    known = HashSet()
    for _ in range(3):
        for start in range(0, 50_000, 100):
            known.add(f"key-{number}" for number in range(start, start + 100))
    runs = [len(run) for run in known._runs]
    assert 45_000 < sum(runs) <= 50_000
    assert all(longer >= 2 * shorter for longer, shorter in pairwise(runs))
