"""What is compacted is read once, whatever else is still there."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from actors.shards import (
    LEDGER,
    Shard,
    current,
    listed_shards,
    read_verdicts,
    shard_path,
    shards,
    window_name,
)
from actors.storage import Output

DAY, NEXT = "2026-11-23", "2026-11-24"


def put(output: Output, first: int, last: int, date: str = DAY) -> str:
    path = shard_path(LEDGER, date, first, last)
    windows = [window_name(number) for number in range(first, last + 1)]
    output.write_table(path, pa.table({"key": [f"k{int(name)}" for name in windows], "window": windows}))
    return path


def test_a_shard_within_another_of_its_day_is_replaced(tmp_path: Path) -> None:
    output = Output(str(tmp_path))
    for first, last in ((1, 1), (2, 2), (3, 3), (1, 2), (4, 4)):
        put(output, first, last)
    put(output, 5, 5, NEXT)
    output.write("verdicts/date=2026-11-23/mine.parquet", b"somebody's")
    assert [(one.first, one.last) for one in shards(output, LEDGER)] == [(1, 2), (3, 3), (4, 4), (5, 5)]
    assert len(listed_shards(output, LEDGER)) == 6
    twice = [Shard(1, 1, shard_path(LEDGER, day, 1, 1)) for day in (DAY, NEXT)]
    assert current(twice) == twice, "the same window on two days is a fault, which nothing hides"


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("after", [1, 2, 3])
def test_a_compaction_between_two_reads_loses_and_repeats_nothing(
    tmp_path: Path, after: int, newest_first: bool
) -> None:
    output = Output(str(tmp_path))
    single = [put(output, number, number) for number in range(1, 5)]
    found: list[str] = []
    for place, (_, table) in enumerate(read_verdicts(output, ["key"], newest_first=newest_first), 1):
        found += table["key"].to_pylist()
        if place == after:
            put(output, 1, 4)
            for path in single:
                output.remove(path)
    assert sorted(found) == ["k1", "k2", "k3", "k4"]


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("merged", [(1, 3), (1, 5)])
def test_what_is_committed_meanwhile_is_not_given(
    tmp_path: Path, merged: tuple[int, int], newest_first: bool
) -> None:
    output = Output(str(tmp_path))
    single = [put(output, number, number) for number in range(1, 4)]
    reading = read_verdicts(output, ["key"], newest_first=newest_first)
    found = [next(reading)]
    single += [put(output, number, number) for number in range(4, 6)]
    put(output, *merged)
    for path in single[: merged[1]]:
        output.remove(path)
    found += reading
    assert sorted(key for _, table in found for key in table["key"].to_pylist()) == ["k1", "k2", "k3"]
    assert {number for shard, _ in found for number in shard.windows} == {1, 2, 3}


def test_a_shard_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    output = Output(str(tmp_path))
    output.write(put(output, 1, 1), b"no Parquet")
    with pytest.raises(pa.ArrowInvalid):
        list(read_verdicts(output, ["key"]))
