"""Small shards are put together; whenever that dies, no reader has a row twice or misses one."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from actors.duplicates import DuplicateIndex
from actors.ledger import Ledger
from actors.retries import failing, rows_again
from actors.shards import LEDGER, TABLES, Shard, shard_path, shards
from actors.sink import Committed
from actors.storage import Output, OutputError
from actors.upkeep.checkup import examine
from actors.upkeep.compaction import Group, compact, groups
from actors.upkeep.repair import mend
from flows.compacting import Compacting
from flows.watching.events import News, Note, ShardsCompacted, WindowCommitted
from flows.yields import By, query
from tests.actors.upkeep.small_output import commit, facts, silent, small

DAY, NEXT = "2026-11-23", "2026-11-24"


def listed(*ranges: tuple[int, int], date: str = DAY, size: int = 10) -> list[Shard]:
    return [Shard(first, last, shard_path(LEDGER, date, first, last), size) for first, last in ranges]


def chosen(verdicts: list[Shard], vectors: list[Shard] | None = None, **how: int) -> list[tuple[int, int]]:
    found = groups({LEDGER: verdicts, "thumbs": vectors or []}, **how)
    return [(one.first, one.last) for one in found]


def singles(*numbers: int, date: str = DAY) -> list[Shard]:
    return listed(*((number, number) for number in numbers), date=date)


def test_windows_of_one_day_without_a_gap_are_put_together() -> None:
    assert chosen(singles(1, 2, 4, 5, 7)) == [(1, 2), (4, 5)], "3 and 6 are to be judged again"
    assert chosen(singles(1, 2) + singles(3, 4, date=NEXT)) == [(1, 2), (3, 4)]
    assert chosen(singles(1, 3) + singles(2, 4, date=NEXT)) == [], "the clock went back"
    assert chosen(listed((1, 3), (4, 4), (5, 9))) == [(1, 9)]
    assert chosen(singles(1, 2, 3, 4, 5), most=20) == [(1, 2), (3, 4)]
    assert chosen(listed((1, 2), (3, 4)), most=15) == [], "what is large enough is left alone"


def test_no_shard_of_vectors_is_cut() -> None:
    verdicts = singles(1, 2, 3, 4)
    assert chosen(verdicts, listed((1, 3)), most=20) == [(1, 3)], "4 does not fit in"
    assert chosen(verdicts, listed((2, 3)), through=2) == []
    assert chosen(singles(1, 2), listed((1, 1), (2, 2), (3, 3))) == [(1, 2)], "3 is not committed"


def test_what_was_left_between_two_tables_is_ended() -> None:
    assert chosen(singles(1, 2), listed((1, 2))) == [(1, 2)]
    assert chosen(singles(1, 2), listed((1, 2)), least=9) == [(1, 2)]
    assert chosen(listed((1, 2)), listed((1, 2))) == []


def test_a_day_that_is_not_over_waits_for_enough() -> None:
    assert chosen(singles(1, 2, 3), least=4) == []
    assert chosen(singles(1, 2, 3, 4), least=4) == [(1, 4)]
    assert chosen(listed((1, 4), (5, 5), (6, 6)), least=4) == [], (
        "what was put together today is not copied again"
    )
    assert chosen(singles(1, 2, 3), least=4, most=20) == [(1, 2)], "as many as fit"
    assert chosen(singles(1, 2) + singles(3, date=NEXT), least=4) == [(1, 2)]
    assert chosen(singles(1, 2, 3, 4), least=2, through=2) == [(1, 2)]


def test_every_reader_has_the_same_after_it(tmp_path: Path) -> None:
    output = small(str(tmp_path), windows=6, day_of={5: 1, 6: 1})
    before = all_answers(output)
    assert list(compact(output)) == [Group(DAY, 1, 4), Group(NEXT, 5, 6)]
    assert all_answers(output) == before
    assert [len(output.names(table)) for table in TABLES] == [2, 2, 2]
    assert not list(compact(output)), "there is nothing left to do"
    with duckdb.connect() as database:
        foreign = database.sql(f"SELECT count(*), count(DISTINCT key) FROM '{tmp_path}/verdicts/*/*.parquet'")
        assert foreign.fetchall() == [(18, 18)]


def all_answers(output: Output) -> dict[str, object]:
    ledger, index = Ledger(output), DuplicateIndex(output.uri)
    checkup = examine(output, silent)
    return {
        **facts(output),
        "ledger": [
            len(ledger.unfinished),
            ledger.next_window,
            *(f"t3_{n}a" in ledger.submissions for n in range(9)),
        ],
        "index": sorted(map(bytes, index._entries["name"])),
        "failed": sorted(group[0].key for group in rows_again(output, ledger, failing("failed"))),
        "yields": query(output.uri, By.REASON, 10),
        "doctor": (checkup.findings, checkup.rows, checkup.manifests),
    }


# Forks once for each place at which a compaction may die, copies the output for it, and dies there by SIGKILL: before
# a file gets its name, before one is removed. Forking spares a start of Python for each.
DIES_EVERYWHERE = """
import os, shutil, signal, sys
from actors.sink import Committed
from actors.storage import Output
from actors.upkeep.compaction import compact

source, copies = sys.argv[1:]

def dies_at(place, out):
    def step(name, arguments):
        nonlocal place
        if name == "os.rename":
            place -= 1
            if place < 0:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(step)
    class Dying(Output):
        def remove(self, path):
            step("os.rename", ())
            super().remove(path)
    for _ in compact(Dying(out)):
        pass

place, status = 0, 1
while status:
    out = f"{copies}/{place:03d}"
    shutil.copytree(source, out)
    child = os.fork()
    if not child:
        dies_at(place, out)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    place += 1
"""


def test_wherever_it_dies_no_reader_is_wrong_and_the_next_one_ends_it(tmp_path: Path) -> None:
    source = small(str(tmp_path / "out"), windows=3, day_of={3: 1})
    before = all_answers(source)
    (tmp_path / "copies").mkdir()
    subprocess.run([sys.executable, "-c", DIES_EVERYWHERE, source.uri, str(tmp_path / "copies")], check=True)
    *died, ended = [Output(str(path)) for path in sorted((tmp_path / "copies").iterdir())]
    assert len(died) == 3 * (1 + 2), "three tables, each with a file that is named and two that are removed"
    assert any(examine(output, silent).replaced for output in died)
    for output in (*died, ended):
        assert all_answers(output) == before
    for output in died[1:4]:
        list(compact(output))
        output.remove_leftovers()
        assert output.sizes("") == ended.sizes("") and all_answers(output) == before


def test_a_reader_that_is_overtaken_reads_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = small(str(tmp_path))
    before = query(output.uri, By.REASON, 10)
    asked = Output.dataset

    def overtaken(self: Output, paths: list[str], schema: pa.Schema) -> Any:
        monkeypatch.setattr(Output, "dataset", asked)
        list(compact(output))
        return asked(self, paths, schema)

    monkeypatch.setattr(Output, "dataset", overtaken)
    assert query(output.uri, By.REASON, 10) == before and len(shards(output, LEDGER)) == 1


def test_what_lacks_a_row_replaces_nothing(tmp_path: Path) -> None:
    output = small(str(tmp_path))
    table = output.read_table(shards(output, LEDGER)[0].path)
    output.write_table(shard_path(LEDGER, DAY, 1, 3), table)
    with pytest.raises(OutputError, match="lacks some of its rows"):
        list(compact(output))
    assert len(output.names(LEDGER)) == 4


def test_a_window_that_is_set_aside_is_judged_again_with_its_group(tmp_path: Path) -> None:
    output = small(str(tmp_path))
    list(compact(output))
    output.write(shards(output, LEDGER)[0].path, b"broken")
    list(mend(output, examine(output, silent)))
    assert not examine(output, silent).findings and not any(map(output.names, TABLES))
    ledger = Ledger(output)
    assert [one.number for one in ledger.unfinished] == [1, 2, 3]
    for window in ledger.unfinished:
        commit(output, window)
    assert examine(output, silent).rows == 9


def test_a_broken_compacted_shard_gives_way_to_what_it_replaced(tmp_path: Path) -> None:
    output = small(str(tmp_path))
    before = facts(output)
    output.write(shard_path(LEDGER, DAY, 1, 3), b"broken")
    list(mend(output, examine(output, silent)))
    assert facts(output) == before and not Ledger(output).unfinished


def test_vectors_of_two_lengths_stay_apart_and_are_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = small(str(tmp_path), windows=5)
    for number in (3, 4, 5):
        longer = pa.FixedSizeListArray.from_arrays(pa.array(np.ones(8, np.float16)), 8)
        table = pa.table({"key": [f"t3_{number}a/0"], "embedding": longer})
        output.write_table(shard_path("embeddings", DAY, number, number), table)
    before = all_answers(output)
    list(compact(output))
    assert all_answers(output) == before
    assert [one.path for one in shards(output, "embeddings")] == [
        shard_path("embeddings", DAY, 1, 2),
        shard_path("embeddings", DAY, 3, 5),
    ]
    assert [len(output.names(table)) for table in TABLES] == [2, 1, 1]
    read: list[str] = []
    monkeypatch.setattr(Output, "read_table", lambda _, path, columns=None: read.append(path))
    assert not list(compact(output)) and not read


def test_a_run_puts_together_as_it_goes_on(tmp_path: Path) -> None:
    output = small(str(tmp_path), windows=9)
    before = all_answers(output)
    told: list[News] = []
    with Compacting(output, 4, told.append) as compacting:
        for number in range(1, 10):
            compacting.told(committed(number))
    assert told and all(isinstance(one, ShardsCompacted) and one.shards == 1 for one in told)
    # How many a pass finds depends on when it begins.
    assert len(shards(output, LEDGER)) < 9 and all_answers(output) == before
    output.write(shards(output, LEDGER)[-1].path, b"broken")
    told.clear()
    with Compacting(output, 1, told.append) as compacting:
        compacting.told(committed(9))
    assert isinstance(told[0], Note) and "could not be put together" in told[0].text


@pytest.mark.parametrize("broken", [{"other": ["x"]}, {"key": [1]}])
def test_a_pass_that_fails_is_said_and_ends_no_run(tmp_path: Path, broken: dict[str, list[Any]]) -> None:
    output = small(str(tmp_path))
    output.write_table(shard_path(LEDGER, DAY, 1, 3), pa.table(broken))
    told: list[News] = []
    with Compacting(output, 1, told.append) as compacting:
        compacting.told(committed(3))
    (note,) = told
    assert isinstance(note, Note) and "could not be put together" in note.text
    assert len(output.names(LEDGER)) == 4


def committed(number: int) -> WindowCommitted:
    return WindowCommitted(Committed(f"{number:08d}", Counter(), (), 0))
