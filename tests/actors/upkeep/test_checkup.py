"""Every fault is found and named, and mended without a byte of an original lost."""

from __future__ import annotations

import hashlib
import os
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from actors.deferred import Deferred
from actors.ledger import Ledger, write_state
from actors.manifest import manifest_path, read_manifest
from actors.shards import LEDGER
from actors.storage import TEMPORARY, Output
from actors.upkeep.checkup import Checkup, Fault, examine
from actors.upkeep.compaction import compact
from actors.upkeep.repair import mend
from models.reasons import Reason, Stage
from models.records import Candidate, Outcome, Submission
from models.schema import VERDICTS
from tests.actors.upkeep.small_output import commit, facts, manifest, silent, small

SHARD = "verdicts/date=2026-11-23/00000002.parquet"


@pytest.fixture
def output(tmp_path: Path) -> Output:
    return small(str(tmp_path))


def found_in(output: Output) -> list[tuple[Fault, str]]:
    return [(one.fault, one.path) for one in examine(output, silent).findings]


def mended(output: Output) -> tuple[list[str], Checkup]:
    before = originals(output)
    lines = list(mend(output, examine(output, silent)))
    assert not before - originals(output), "every original is still somewhere"
    return lines, examine(output, silent)


def originals(output: Output) -> Counter[str]:
    held = [*output.names("images"), *output.names("aside/images")]
    return Counter(hashlib.sha256(output.read(name)).hexdigest() for name in held)


def kept(output: Output, number: int) -> str:
    (path,) = (name for name in output.names("images") if name.startswith(f"images/Pics/t3_{number}a_"))
    return path


def test_what_a_run_leaves_is_sound(output: Output) -> None:
    found = examine(output, silent)
    assert not found.findings
    assert (found.rows, found.named.count, found.shards, found.manifests) == (9, 3, 9, 3)


def test_a_file_that_its_owner_deleted_is_counted_and_no_fault(output: Output) -> None:
    output.remove(kept(output, 2))
    found = examine(output, silent)
    assert not found.findings and found.absent.count == 1


def test_a_last_window_without_a_shard_waits_with_its_files(output: Output) -> None:
    output.remove(SHARD.replace("2.parquet", "3.parquet"))
    found = examine(output, silent)
    assert not found.findings
    assert [one.number for one in found.waiting] == [3] and found.kept_for == 1


@pytest.mark.parametrize("with_image", [True, False])
def test_a_shard_that_is_gone_from_between_others_is_told_and_its_files_make_room(
    output: Output, with_image: bool
) -> None:
    output.remove(SHARD)
    image = kept(output, 2)
    if not with_image:
        output.remove(image)
    assert found_in(output) == [(Fault.LOST_SHARD, manifest_path(2))]
    lines, after = mended(output)
    assert not after.findings, lines
    assert [one.number for one in after.waiting] == [2] and not after.kept_for
    assert output.exists(f"aside/{image}") is with_image and not output.exists(image)
    assert output.exists("aside/thumbs/date=2026-11-23/00000002.parquet")


def test_what_is_kept_of_accepted_images_is_little(tmp_path: Path) -> None:
    output, a_shard, shards_of_it = small(str(tmp_path), windows=1), 100, 10
    (row, *_) = output.read_table(SHARD.replace("2.parquet", "1.parquet")).to_pylist()
    for number in range(2, 2 + shards_of_it):
        window = manifest(number, [f"t3_{number:03d}_{place:03d}/0" for place in range(a_shard)])
        window.write(output)
        sha256 = hashlib.sha256(b"x").hexdigest()
        rows = [
            row | {"key": one.key, "window": window.window, "submission": one.item, "sha256": sha256}
            | {"path": f"images/Pics/{one.item}_0_{sha256[:8]}.jpg"}
            for one in window.candidates
        ]  # fmt: skip
        for one in rows:
            (tmp_path / one["path"]).write_bytes(b"x")
        output.write_table(window.shard("verdicts"), pa.Table.from_pylist(rows, schema=VERDICTS))
    held: list[int] = []

    def weighed(items: Iterable[Any], what: str, total: int) -> Iterator[Any]:
        yield from items
        held.append(tracemalloc.get_traced_memory()[0])

    examine(output, silent)
    tracemalloc.start()
    try:
        found = examine(output, weighed)
    finally:
        tracemalloc.stop()
    count = a_shard * shards_of_it
    assert not found.findings and found.named.count == 1 + count
    # Those that are read together take some room, however many there are.
    assert held[-1] < 64 * count + (1 << 17), f"{held[-1] / count} bytes an accepted image, with its row"


def test_files_of_others_and_of_dead_writers_are_counted(output: Output) -> None:
    output.write("images/Pics/holiday.jpg", b"mine")
    assert output.local is not None
    (output.local / "images" / f"{TEMPORARY}{'0' * 32}").write_bytes(b"half")
    found = examine(output, silent)
    assert (found.foreign, found.leftovers, found.findings) == (1, 1, [])
    no_text = output.local / "images" / os.fsdecode(b"\xff_01234567.jpg")
    no_text.write_bytes(b"mine")
    assert examine(output, silent).foreign == 2
    no_text.unlink()
    lines, after = mended(output)
    assert lines == ["removed 1 temporary files of a writer that died"] and not after.leftovers
    assert output.read("images/Pics/holiday.jpg") == b"mine"


@pytest.mark.parametrize("data", [b"", b"PAR1 no more", "cut", "flipped", pa.table({"key": ["t3_2a/0"]})])
def test_a_shard_that_cannot_be_read_is_judged_again(output: Output, data: object) -> None:
    whole = output.read(SHARD)
    match data:
        case bytes():
            output.write(SHARD, data)
        case pa.Table():
            output.write_table(SHARD, data)
        case "cut":
            output.write(SHARD, whole[: len(whole) // 2])
        case _:
            middle = len(whole) // 3
            output.write(
                SHARD,
                whole[:middle]
                + bytes(byte ^ 255 for byte in whole[middle : middle + 64])
                + whole[middle + 64 :],
            )
    image = kept(output, 2)
    assert (Fault.UNREADABLE_SHARD, SHARD) in found_in(output)
    lines, after = mended(output)
    assert not after.findings, lines
    assert [one.number for one in Ledger(output).unfinished] == [2]
    assert output.exists(f"aside/{image}") and not output.exists(image), (
        "the replay removes what is in its way"
    )
    assert not output.exists("thumbs/date=2026-11-23/00000002.parquet")


def test_vectors_that_cannot_be_read_are_all_that_is_lost(output: Output) -> None:
    path, before = "thumbs/date=2026-11-23/00000002.parquet", facts(output)
    output.write(path, b"no")
    assert found_in(output) == [(Fault.UNREADABLE_SHARD, path)]
    _, after = mended(output)
    assert not after.findings and facts(output)["rows"] == before["rows"]
    assert output.read(f"aside/{path}") == b"no"


@pytest.mark.parametrize("break_it", [lambda o, p: o.remove(p), lambda o, p: o.write(p, b'{"number": 2')])
def test_a_manifest_is_written_anew_from_its_rows(
    output: Output, break_it: Callable[[Output, str], None]
) -> None:
    path = manifest_path(2)
    was = read_manifest(output, path)
    break_it(output, path)
    faults = {fault for fault, _ in found_in(output)}
    assert faults in ({Fault.NO_MANIFEST}, {Fault.UNREADABLE_MANIFEST})
    _, after = mended(output)
    assert not after.findings
    now = read_manifest(output, path)
    assert [one.key for one in now.candidates] == [one.key for one in was.candidates]
    assert now.candidates[0].urls == was.candidates[0].urls
    assert now.submissions["t3_2a"].submission == was.submissions["t3_2a"].submission
    assert now.cursors == {"s": {"after": 1}} and now.opened_at.date() == was.opened_at.date()


def put_off(item: str, tries: int = 1) -> Deferred:
    outcome = Outcome(Reason.RATE_LIMITED, Stage.FETCH, retry_after=9.0)
    candidate = Candidate(item, "0", (f"https://a.test/{item}",), outcome=outcome)
    return Deferred(Submission(item, "s", {}, "Pics"), candidate, 5.0, tries, candidates=1)


@pytest.mark.parametrize("break_it", [lambda o, p: o.remove(p), lambda o, p: o.write(p, b"{")])
def test_what_a_lost_manifest_put_off_is_owed_still(
    output: Output, break_it: Callable[[Output, str], None]
) -> None:
    replace(manifest(1, ["t3_1a/0", "t3_1b/0", "t3_1c/0"]), deferred=(put_off("t3_x"),)).write(output)
    window = manifest(2, ["t3_2a/0", "t3_2b/0", "t3_2c/0"])
    window = replace(window, deferred=(put_off("t3_x", tries=2), put_off("t3_y")))
    window.write(output)
    newest = manifest(3, ["t3_3a/0", "t3_3b/0", "t3_3c/0"])

    # Of both it is known that they are owed; the one that was put off before is in the manifest before, as it was.
    write_state(output, newest, {"t3_x/0": 2, "t3_y/0": 2})
    break_it(output, window.path)
    lines, after = mended(output)
    assert not after.findings and lines[-1] == (
        "window 2 had put off what is not known any more: its sources are read again from where they were before it"
    )
    ledger = Ledger(output)
    assert ledger.deferred == [put_off("t3_x")] and ledger.written == {"t3_x/0": 2}
    assert not ledger.knows("t3_y") and ledger.cursors == {"s": {"after": 1}}

    # What is owed is known, and in the manifest before: nothing is read again.
    output.remove(manifest_path(4))
    write_state(output, newest, {"t3_x/0": 2})
    break_it(output, window.path)
    assert not mended(output)[1].findings
    ledger = Ledger(output)
    assert ledger.deferred == [put_off("t3_x")] and ledger.cursors == {"s": {"after": 3}}


def test_a_state_that_is_lost_with_a_manifest_has_nothing_asked_for_again_that_has_its_row(
    output: Output,
) -> None:
    replace(manifest(1, ["t3_1a/0", "t3_1b/0"]), deferred=(put_off("t3_2a"), put_off("t3_x"))).write(output)
    output.write("state/deferred.json", b"{")
    output.remove(manifest_path(2))
    mended(output)
    assert Ledger(output).deferred == [put_off("t3_x")]


def test_of_manifests_that_are_lost_in_two_ways_the_first_says_where_to_read_again(output: Output) -> None:
    commit(output, manifest(4, ["t3_4a/0", "t3_4b/0"]))
    manifest(5, ["t3_5a/0"]).write(output)
    output.write(manifest_path(2), b"{")
    lines, after = mended(output)
    assert not after.findings, lines
    ledger = Ledger(output)
    assert [one.number for one in ledger.unfinished] == [5, 6] and ledger.cursors == {"s": {"after": 1}}


@pytest.mark.parametrize("data", [b"{", None])
def test_a_window_that_is_gone_with_what_it_put_off_lets_a_run_start(
    output: Output, data: bytes | None
) -> None:
    write_state(output, manifest(3, []), {"t3_x/0": 4})
    if data is not None:
        output.write(manifest_path(4), data)
    assert (Fault.NO_MANIFEST, "state/deferred.json") in found_in(output) or data
    lines, after = mended(output)
    assert not after.findings and "window 4 has no rows either" in lines[-1]
    ledger = Ledger(output)
    assert not ledger.deferred and ledger.cursors == {"s": {"after": 3}}


def test_a_manifest_of_nothing_that_cannot_be_read_lets_a_run_start(output: Output) -> None:
    output.write(manifest_path(4), b"\0" * 100)
    lines, after = mended(output)
    assert not after.findings and "no rows either" in lines[-1]
    assert Ledger(output).cursors == {"s": {"after": 3}}


def test_a_manifest_of_nothing_before_others_has_the_sources_read_from_before_it(output: Output) -> None:
    output.remove(SHARD)
    for table in ("embeddings", "thumbs"):
        output.remove(SHARD.replace(LEDGER, table))
    output.remove(kept(output, 2))
    output.write(manifest_path(2), b"{")
    lines, after = mended(output)
    assert not after.findings and "read again from where they were before it" in lines[-1]
    ledger = Ledger(output)
    assert ledger.cursors == {"s": {"after": 1}} and not ledger.knows("t3_2a") and ledger.knows("t3_3a")
    (empty,) = ledger.unfinished
    assert empty.number == 4 and not empty.candidates
    output.write_table(empty.shard(LEDGER), VERDICTS.empty_table())
    list(compact(output))
    after = examine(output, silent)
    assert (after.findings, after.waiting, after.rows) == ([], [], 6) and Ledger(output).next_window == 5


def test_a_candidate_without_a_row_gets_a_window(output: Output) -> None:
    table = output.read_table(SHARD)
    output.write_table(SHARD, table.slice(0, 2))
    assert found_in(output) == [(Fault.MISSING_ROW, manifest_path(2))]
    _, after = mended(output)
    assert not after.findings
    (owed,) = Ledger(output).unfinished
    assert owed.number == 4 and [one.key for one in owed.candidates] == ["t3_2c/0"]
    assert owed.cursors == {"s": {"after": 3}}
    commit(output, replace(owed, candidates=owed.candidates))
    assert examine(output, silent).rows == 9


def test_of_two_rows_the_one_with_its_file_stays(output: Output) -> None:
    before = facts(output)
    # The same again, and a failed row of what is kept, which came first.
    again = manifest(4, ["t3_3a/0", "t3_3b/0"])
    again.write(output)
    commit(output, again)
    first = output.read_table("verdicts/date=2026-11-23/00000001.parquet")
    row = first.slice(1, 1).to_pylist()[0] | {"key": "t3_2a/0", "submission": "t3_2a"}
    output.write_table(
        "verdicts/date=2026-11-23/00000001.parquet",
        pa.concat_tables([first, pa.Table.from_pylist([row], schema=VERDICTS)]),
    )
    assert [fault for fault, _ in found_in(output)] == [Fault.SECOND_ROW] * 3
    lines, after = mended(output)
    assert not after.findings, lines
    assert facts(output)["rows"] == before["rows"]
    assert len(output.names(f"aside/{LEDGER}")) == 2, "as they were before"


def test_a_second_row_is_dropped_beside_a_shard_that_cannot_be_read(output: Output) -> None:
    again = manifest(4, ["t3_3a/0"])
    again.write(output)
    commit(output, again)
    output.write(SHARD, b"no")
    assert found_in(output) == [
        (Fault.SECOND_ROW, "verdicts/date=2026-11-23/00000004.parquet"),
        (Fault.UNREADABLE_SHARD, SHARD),
    ]
    lines, after = mended(output)
    assert not after.findings and after.rows == 6, lines


def test_another_attempt_is_no_second_row(output: Output) -> None:
    retried = replace(manifest(4, ["t3_2b/0"]), attempts={"t3_2b/0": 2})
    retried.write(output)
    commit(output, retried)
    assert not examine(output, silent).findings


def test_a_changed_file_makes_room_for_the_original(output: Output) -> None:
    path = kept(output, 2)
    whole = output.read(path)
    output.write(path, b"edited")
    output.write(f"images/Pics/t3_9_0_{hashlib.sha256(whole).hexdigest()[:8]}.jpg", whole)
    assert {fault for fault, _ in found_in(output)} == {Fault.CHANGED_FILE, Fault.ORPHAN_FILE}
    _, after = mended(output)
    assert not after.findings and not after.absent.count
    assert output.read(path) == whole and output.read(f"aside/{path}") == b"edited"


def test_a_file_that_no_row_names_goes_aside_and_replaces_nothing_there(output: Output) -> None:
    path = f"images/Pics/t3_9_0_{hashlib.sha256(b'one').hexdigest()[:8]}.jpg"
    for _ in range(2):
        output.write(path, b"one")
        assert found_in(output) == [(Fault.ORPHAN_FILE, path)]
        _, after = mended(output)
        assert not after.findings
    assert [output.read(name) for name in output.names("aside")] == [b"one", b"one"]


def test_a_file_of_the_users_is_let_be_though_its_name_ends_in_eight_digits(output: Output) -> None:
    path = "images/Pics/holiday_20240101.jpg"
    output.write(path, b"mine")
    assert not found_in(output)
    assert mended(output)[1].foreign == 1 and output.read(path) == b"mine"


def test_a_shard_of_vectors_of_no_window_goes_aside(output: Output) -> None:
    path = "thumbs/date=2026-11-23/00000009.parquet"
    output.write_table(path, pa.table({"key": ["x"], "thumb": [b"x"]}))
    assert found_in(output) == [(Fault.NO_MANIFEST, path)]
    _, after = mended(output)
    assert not after.findings and output.exists(f"aside/{path}")
