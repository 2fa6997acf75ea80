"""What ``goldpan doctor OUT --repair`` does: mends what a checkup found, and never throws original bytes away.

Whatever it takes out of its place goes to the folder ``aside``.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sized
from datetime import UTC, datetime
from operator import itemgetter
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from actors.ledger import forget_owed, read_state
from actors.manifest import FOLDER, Manifest, manifest_path, read_manifest
from actors.shards import LEDGER, TABLES, Shard, current, listed_shards, read_verdicts, shards
from actors.storage import ASIDE, Output
from actors.upkeep.checkup import Checkup, Fault, Finding, file_sha256, keys_of, stems_of
from actors.upkeep.rebuild import rebuilt_manifest, still_owed
from models.keys import IMAGE_NAME
from models.reasons import Verdict

Row = dict[str, Any]


def mend(output: Output, checkup: Checkup) -> Iterator[str]:
    """Mend what can be mended, and say what was done; only the holder of the output's lock may."""
    steps: tuple[tuple[Fault, Callable[[Output, Checkup, list[Finding]], Iterator[str]]], ...] = (
        (Fault.SECOND_ROW, _drop_second_rows),
        (Fault.UNREADABLE_SHARD, _set_shards_aside),
        (Fault.LOST_SHARD, _make_room_for_lost),
        (Fault.UNREADABLE_MANIFEST, _set_manifests_aside),
        (Fault.NO_MANIFEST, _write_manifests),
        (Fault.MISSING_ROW, _owe_rows),
        (Fault.CHANGED_FILE, _set_files_aside),
        (Fault.ORPHAN_FILE, _adopt),
    )
    for fault, step in steps:
        if found := checkup.of(fault):
            yield from step(output, checkup, found)
    if checkup.leftovers:
        output.remove_leftovers()
        yield f"removed {checkup.leftovers} temporary files of a writer that died"


def _set_shards_aside(output: Output, checkup: Checkup, found: list[Finding]) -> Iterator[str]:
    for finding in found:
        table = finding.path.partition("/")[0]
        listed = listed_shards(output, table)
        shard = next((one for one in listed if one.path == finding.path), None)
        if shard is None:
            continue
        if table == LEDGER:
            # A compaction that died may have left what it had replaced.
            again = {number for one in current(set(listed) - {shard}) for number in one.windows}
            lost = [number for number in shard.windows if number not in again]
            # The shard goes last: without it the next run judges its windows, and removes what they do not name.
            yield from _make_room(output, checkup, shard, lost)
            yield f"{shard.path} is in {output.set_aside(shard.path)}; {_count(lost, 'window')} to be judged again"
        else:
            yield f"{shard.path} is in {output.set_aside(shard.path)}: these {table} are lost, and nothing else"


def _make_room(output: Output, checkup: Checkup, shard: Shard, lost: list[int]) -> Iterator[str]:
    """Move what is there of a shard's windows that are judged again aside."""
    yield from _set_images_aside(output, checkup, lost)
    for table in TABLES[:-1]:
        for one in listed_shards(output, table):
            if one.is_within(shard.first, shard.last) and not set(lost).isdisjoint(one.windows):
                output.set_aside(one.path)


def _make_room_for_lost(output: Output, checkup: Checkup, found: list[Finding]) -> Iterator[str]:
    lost = [int(PurePosixPath(finding.path).stem) for finding in found]
    for table in TABLES[:-1]:
        for one in listed_shards(output, table):
            if set(lost).issuperset(one.windows):
                output.set_aside(one.path)
    yield from _set_images_aside(output, checkup, lost)
    yield f"{_count(lost, 'window')} without a shard: to be judged again"


def _set_images_aside(output: Output, checkup: Checkup, lost: list[int]) -> Iterator[str]:
    """Move the images of windows that are judged again: where a host has one no more, it is not lost."""
    unreadable = {one.path for one in checkup.of(Fault.UNREADABLE_MANIFEST)}
    for number in lost:
        path = manifest_path(number)
        if path in unreadable or not output.exists(path):
            yield f"window {number} has no manifest: what was in it is not known any more"
            continue
        stems = stems_of(read_manifest(output, path))
        folders = {stem.rpartition("/")[0] for stem in stems}
        held = (name for folder in sorted(folders) for name in output.names(folder))
        of_it = (name for name in held if (image := IMAGE_NAME.fullmatch(name)) and image["stem"] in stems)
        images = [name for name in of_it if name not in checkup.named]
        for name in images:
            output.set_aside(name)
        if images:
            yield f"{_count(images, 'image')} of window {number} moved to {ASIDE}/images"


def _set_manifests_aside(output: Output, checkup: Checkup, found: list[Finding]) -> Iterator[str]:
    for finding in found:
        yield f"{finding.path} is in {output.set_aside(finding.path)}"
    unreadable = {int(PurePosixPath(finding.path).stem) for finding in found}
    # All at once: where the sources are read again from goes by the first of them.
    yield from _rebuild(output, unreadable | _missing(output, checkup))


def _write_manifests(output: Output, checkup: Checkup, found: list[Finding]) -> Iterator[str]:
    yield from _rebuild(output, _missing(output, checkup))
    judged, wanted = _judged(output), _without_manifest(checkup)
    for table in TABLES[:-1]:
        for shard in shards(output, table):
            if judged.isdisjoint(shard.windows) and wanted.issuperset(shard.windows):
                yield f"{shard.path} is in {output.set_aside(shard.path)}: no window has it"


def _judged(output: Output) -> set[int]:
    return {number for one in shards(output, LEDGER) for number in one.windows}


def _without_manifest(checkup: Checkup) -> set[int]:
    told = (finding.detail.removeprefix("window ") for finding in checkup.of(Fault.NO_MANIFEST))
    return {int(text) for numbers in told for text in numbers.split(", ")}


def _missing(output: Output, checkup: Checkup) -> set[int]:
    """Give the windows of which a manifest is missed: they were judged, or owe something."""
    wanted = _without_manifest(checkup) & (_judged(output) | set(read_state(output)[1].values()))
    return {number for number in wanted if not output.exists(manifest_path(number))}


def _rebuild(output: Output, numbers: set[int]) -> Iterator[str]:
    there = output.names(FOLDER, ".json")
    lost = dict.fromkeys(sorted(numbers), "has no rows either")
    for shard in shards(output, LEDGER):
        wanted = sorted(numbers.intersection(shard.windows))
        rows = output.read_table(shard.path).to_pylist() if wanted else []
        for number in wanted:
            cursors = _cursors_before(output, there, number)
            of_it = [row for row in rows if int(row["window"]) == number]
            deferred, is_all = still_owed(output, there, number)
            rebuilt_manifest(shard, number, of_it, cursors, deferred).write(output)
            yield f"{manifest_path(number)} is written anew from the window's rows"
            lost[number] = "had put off what is not known any more"
            if is_all:
                del lost[number]
        numbers = numbers.difference(wanted)
    forget_owed(output, numbers)
    if lost:
        yield from _read_again(output, there, lost)


def _read_again(output: Output, there: list[str], lost: dict[int, str]) -> Iterator[str]:
    """Let the next run read the sources from before these windows: what later ones have of it is known, and skipped.

    ``lost`` says of each window, in order, what is lost of it.
    """
    newest = read_manifest(output, there[-1]) if there else None
    first, last = min(lost), max(lost)
    if newest is not None and newest.number > first:
        going_back = Manifest(
            number=max(newest.number, last, *_judged(output)) + 1,
            run=newest.run,
            opened_at=datetime.now(UTC),
            submissions={},
            candidates=(),
            cursors=_cursors_before(output, there, first),
        )
        going_back.write(output)
        yield f"{going_back.path} is an empty window, with the sources' places as they were before {first}"
    for number, what in lost.items():
        yield f"window {number} {what}: its sources are read again from where they were before it"


def _cursors_before(output: Output, there: list[str], number: int) -> dict[str, Any]:
    before = there[: bisect_left(there, manifest_path(number))]
    return read_manifest(output, before[-1]).cursors if before else {}


def _drop_second_rows(output: Output, checkup: Checkup, found: list[Finding]) -> Iterator[str]:
    """Of two rows let the one stay that has its file, else the first."""
    keys = pa.array({finding.detail for finding in found})
    unreadable = {one.path for one in checkup.of(Fault.UNREADABLE_SHARD)}
    places: dict[tuple[str, int], list[tuple[bool, str, int]]] = {}
    for shard in shards(output, LEDGER):
        if shard.path in unreadable:
            continue
        rows = output.read_table(shard.path, ["key", "attempt", "verdict", "path"])
        for place in np.flatnonzero(pc.is_in(rows["key"], keys)).tolist():
            (row,) = rows.slice(place, 1).to_pylist()
            name = (row["key"], row["attempt"])
            places.setdefault(name, []).append((not _is_kept(checkup, row), shard.path, place))
    dropped: dict[str, set[int]] = {}
    for rows_of_it in places.values():
        for _, path, place in sorted(rows_of_it, key=itemgetter(0))[1:]:
            dropped.setdefault(path, set()).add(place)
    for path, second in dropped.items():
        table = output.read_table(path)
        output.copy_aside(path)
        output.write_table(path, table.filter(pa.array(n not in second for n in range(len(table)))))
        yield f"{path}: dropped {_count(second, 'second row')}"


def _is_kept(checkup: Checkup, row: Row) -> bool:
    return row["verdict"] == Verdict.ACCEPTED.value and row["path"] not in checkup.absent


def _owe_rows(output: Output, checkup: Checkup, found: list[Finding]) -> Iterator[str]:
    """Write a manifest for what has no row; the next run judges it as it judges any that a crash left."""
    keys = {finding.detail for finding in found}
    newest = read_manifest(output, output.names(FOLDER, ".json")[-1])
    owing = [read_manifest(output, path) for path in sorted({finding.path for finding in found})]
    candidates = {
        name: one
        for manifest in owing
        for name, one in zip(keys_of(manifest), manifest.candidates, strict=True)
        if name in keys
    }
    items = {one.item for one in candidates.values()}
    number = max(newest.number, *(shard.last for shard in shards(output, LEDGER))) + 1
    Manifest(
        number=number,
        run=newest.run,
        opened_at=datetime.now(UTC),
        submissions={item: seen for one in owing for item, seen in one.submissions.items() if item in items},
        candidates=tuple(candidates.values()),
        cursors=newest.cursors,
        attempts={key: value for one in owing for key, value in one.attempts.items() if key in keys},
        facts={key: value for one in owing for key, value in one.facts.items() if key in keys},
    ).write(output)
    yield f"{_count(candidates, 'candidate')} without a row: in {manifest_path(number)}, to be judged"


def _set_files_aside(output: Output, checkup: Checkup, found: list[Finding]) -> Iterator[str]:
    for finding in found:
        yield f"{finding.path} is in {output.set_aside(finding.path)}: its bytes are not the original's"
        checkup.absent.add([finding.path])


def _adopt(output: Output, checkup: Checkup, found: list[Finding]) -> Iterator[str]:
    held = {one.path: sha256 for one in found if (sha256 := file_sha256(output, one.path)) is not None}
    wanted = _missed(output, checkup, set(held.values()))
    for path, sha256 in held.items():
        place = wanted.pop(sha256, None)
        if place is None:
            yield f"{path} is in {output.set_aside(path)}: no row names it"
        else:
            output.move(path, place)
            yield f"{path} is {place}: that row's file was missing, and has these bytes"


def _missed(output: Output, checkup: Checkup, digests: set[str]) -> dict[str, str]:
    """Give where a row misses the file of these bytes, by their sha256."""
    wanted = pa.array(sorted(digests), pa.string())
    found: dict[str, str] = {}
    for _, rows in read_verdicts(output, ["verdict", "path", "sha256"]):
        kept = pc.and_(pc.equal(rows["verdict"], Verdict.ACCEPTED.value), pc.is_in(rows["sha256"], wanted))
        for row in rows.filter(kept).to_pylist():
            if row["path"] in checkup.absent:
                found[row["sha256"]] = row["path"]
    return found


def _count(things: Sized, what: str) -> str:
    return f"{len(things)} {what}{'' if len(things) == 1 else 's'}"
