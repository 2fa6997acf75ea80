"""The laws of an output, checked against the world's own manifest."""

from __future__ import annotations

import hashlib
import io
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from rich.console import Console

from actors.shards import read_verdicts
from actors.storage import Output
from flows.demo.truth import Truth
from flows.soundness import is_sound
from models.keys import NO_CANDIDATE, item_of
from models.reasons import Reason, Stage, Verdict
from tests.chaos.schedule import Poison, Schedule

Row = dict[str, Any]
# What becomes of an image that makes its decoder do this.
_ENDS = {
    Poison.CRASH: {Reason.CRASHED_WORKER},
    Poison.HANG: {Reason.CRASHED_WORKER},
    Poison.THROW: {Reason.BROKEN},
}
_COLUMNS = ["key", "verdict", "reason", "stage", "sha256", "path"]


def rows_of(output: Output) -> list[Row]:
    """Give every verdict row once."""
    return [row for _, table in read_verdicts(output, _COLUMNS) for row in table.to_pylist()]


def broken_laws(output: Output, truth: Truth, schedule: Schedule, poisoned: dict[str, Poison]) -> list[str]:
    """Name every breach of laws 1 and 2, and what `goldpan doctor` finds; nothing where they hold.

    ``poisoned`` are the keys of planted images.
    """
    rows = rows_of(output)
    found = [*_first_law(rows, truth, lies=schedule.lies), *_second_law(rows, output)]
    found += _poison_ends(rows, poisoned, schedule)
    said = io.StringIO()
    if not is_sound(output, Console(file=said, width=200), repair=False):
        found.append(f"goldpan doctor: {said.getvalue()}")
    return found


def _first_law(rows: list[Row], truth: Truth, *, lies: bool) -> Iterator[str]:
    """Every candidate of the world has one row, and there is no other.

    Where the server lied, a submission may not have come to its candidates: then it has the one row that says so.
    """
    expected, seen = defaultdict(set), defaultdict(list)
    for one in truth.rows:
        expected[item_of(one.key)].add(one.key)
    for row in rows:
        seen[item_of(row["key"])].append(row)
    for item in expected.keys() | seen.keys():
        keys = [row["key"] for row in seen[item]]
        if len(keys) != len(set(keys)):
            yield f"twice: {sorted(keys)}"
        if set(keys) == expected[item] or (lies and _is_given_up(item, seen[item])):
            continue
        yield f"missing: {sorted(expected[item] - set(keys))}, unexpected: {sorted(set(keys) - expected[item])}"


def _is_given_up(item: str, rows: list[Row]) -> bool:
    return [row["key"] for row in rows if row["verdict"] == Verdict.FAILED] == [f"{item}/{NO_CANDIDATE}"]


def _second_law(rows: list[Row], output: Output) -> Iterator[str]:
    """What is accepted has its file, with the bytes that the row records, and there is no other file."""
    named = {row["path"]: row["sha256"] for row in rows if row["verdict"] == Verdict.ACCEPTED}
    files = set(output.names("images"))
    if absent := named.keys() - files:
        yield f"accepted without a file: {sorted(absent)}"
    if orphans := files - named.keys():
        yield f"files without a row: {sorted(orphans)}"
    for path in files & named.keys():
        if hashlib.sha256(output.read(path)).hexdigest() != named[path]:
            yield f"other bytes than its row records: {path}"


def _poison_ends(rows: list[Row], poisoned: dict[str, Poison], schedule: Schedule) -> Iterator[str]:
    """What is poison ends as such, where it arrived as it was planted."""
    by_key = {row["key"]: row for row in rows}
    for key, poison in poisoned.items():
        row = by_key[key]
        arrived = not schedule.corrupt and row["stage"] not in {Stage.RESOLVE, Stage.FETCH}
        if row["reason"] not in _ENDS[poison] and (arrived or not schedule.lies):
            yield f"{key} makes its decoder {poison.value}, and is {row['reason']}"
