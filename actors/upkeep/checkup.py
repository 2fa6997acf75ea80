"""An output compared with its laws: every row, file, shard and manifest."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from actors.ledger import STATE, HashSet, read_state
from actors.manifest import FOLDER, Manifest, read_manifest
from actors.shards import LEDGER, TABLES, Shard, current, listed_shards, read_verdicts
from actors.storage import Output
from models.keys import IMAGE_NAME, Hashes, image_stem, key_hashes
from models.reasons import Verdict

COLUMNS = ["key", "attempt", "window", "verdict", "sha256", "path"]
_READERS = 8
# Files at a time: to be looked for among the rows', and to be read.
_LISTED, _HASHED = 4096, 256
# Of a key's attempts each has a row of its own.
_ATTEMPT = np.uint64(0x9E3779B97F4A7C15)
_TRIES = 5
# Shows how far it is: gives the items back, told what they are and how many.
Watch = Callable[[Iterable[Any], str, int], Iterable[Any]]


class Fault(StrEnum):
    """What can be wrong with an output."""

    UNREADABLE_SHARD = "unreadable shard"
    UNREADABLE_MANIFEST = "unreadable manifest"
    NO_MANIFEST = "window without its manifest"
    LOST_SHARD = "window whose shard is gone, but not its files"
    MISSING_ROW = "candidate without a row"
    SECOND_ROW = "candidate with a second row"
    CHANGED_FILE = "file with other bytes than its row records"
    ORPHAN_FILE = "file that no row names"


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One fault, the file it is in, and what to know of it: an error, a window, a key."""

    fault: Fault
    path: str
    detail: str = ""


@dataclass(slots=True)
class Checkup:
    """What was found, and counted.

    ``named`` are the accepted rows' files, by hashes of their paths, ``absent`` those of them that are not there:
    deleted by their owner. ``waiting`` are manifests whose windows the next run judges, with ``kept_for`` files of
    theirs. ``foreign`` files under ``images/`` have no name that goldpan gives.
    """

    findings: list[Finding] = field(default_factory=list)
    rows: int = 0
    named: HashSet = field(default_factory=HashSet)
    absent: HashSet = field(default_factory=HashSet)
    manifests: int = 0
    shards: int = 0
    replaced: int = 0
    waiting: list[Manifest] = field(default_factory=list)
    kept_for: int = 0
    foreign: int = 0
    leftovers: int = 0

    def of(self, fault: Fault) -> list[Finding]:
        """Give the findings of one kind."""
        return [one for one in self.findings if one.fault is fault]


def examine(output: Output, watch: Watch) -> Checkup:
    """Compare everything that is there with the laws; only reads.

    A run may go on meanwhile: rows are read before files are listed, and those before manifests are. What a window
    leaves in between has its manifest, and no row that was read: it waits.
    """
    for _ in range(_TRIES):
        try:
            return _Examination(output, watch).run()
        except FileNotFoundError:
            # A shard was compacted while it was looked for.
            continue
    return _Examination(output, watch).run()


class _Examination:
    def __init__(self, output: Output, watch: Watch) -> None:
        self._output, self._watch = output, watch
        self._found = Checkup()
        self._hashes: dict[Shard, Hashes] = {}
        self._broken: list[Shard] = []
        # Manifests of windows whose rows cannot be read: whether a row names their files is not known.
        self._unread: list[Manifest] = []
        # Manifests of windows before a judged one: commits are in order, so each had a shard.
        self._lost: list[Manifest] = []

    def run(self) -> Checkup:
        vectors = self._read_shards()
        unnamed = self._list_unnamed()
        self._read_manifests(vectors)
        self._look_for_second_rows()
        self._read_files()
        self._look_at_unnamed(unnamed)
        self._look_for_lost_shards(unnamed, vectors)
        self._found.leftovers = len(self._output.leftovers())
        # Of two rows that name one file each finds what is wrong with it.
        self._found.findings = sorted(set(self._found.findings))
        return self._found

    def _fault(self, fault: Fault, path: str, detail: str = "") -> None:
        self._found.findings.append(Finding(fault, path, detail))

    def _read_shards(self) -> list[Shard]:
        """Read every shard to its end; gives those of vectors."""
        listed = {table: listed_shards(self._output, table) for table in TABLES}
        counting = {table: current(found) for table, found in listed.items()}
        self._found.replaced = sum(len(listed[table]) - len(counting[table]) for table in TABLES)
        shards = [(table, shard) for table in reversed(TABLES) for shard in counting[table]]
        for table, shard in self._watch(shards, "shards", len(shards)):
            self._found.shards += 1
            try:
                rows = read_whole(self._output, shard, COLUMNS if table == LEDGER else ["key"])
                if table == LEDGER:
                    self._take_rows(shard, rows)
            except ValueError as error:
                self._fault(Fault.UNREADABLE_SHARD, shard.path, _line(error))
                self._broken += [shard] if table == LEDGER else []
        return [shard for table, shard in shards if table != LEDGER]

    def _take_rows(self, shard: Shard, rows: pa.Table) -> None:
        kept = rows.filter(pc.equal(rows["verdict"], Verdict.ACCEPTED.value))
        if kept["path"].null_count or kept["sha256"].null_count:
            raise ValueError("an accepted row names no file")
        self._found.rows += len(rows)
        self._hashes[shard] = row_hashes(rows)
        self._found.named.add_hashes(key_hashes(kept["path"]))

    def _list_unnamed(self) -> list[str]:
        """List the files that no row names; of the others, a million perhaps, no name is kept."""
        listed, unnamed = self._output.each("images"), list[str]()
        while some := list(islice(listed, _LISTED)):
            has_row = self._found.named.have(key_hashes(pa.array(some)))
            unnamed += (path for path, is_named in zip(some, has_row, strict=True) if not is_named)
        return unnamed

    def _read_manifests(self, vectors: list[Shard]) -> None:
        rows = _together(self._hashes.values())
        judged = {number for shard in (*self._hashes, *self._broken) for number in shard.windows}
        newest = max(judged, default=0)
        owed: list[tuple[str, str]] = []
        there: set[int] = set()
        owing = set(read_state(self._output)[1].values())
        paths = self._output.names(FOLDER, ".json")
        for path in self._watch(paths, "manifests", len(paths)):
            there.add(int(PurePosixPath(path).stem))
            try:
                manifest = read_manifest(self._output, path)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                self._fault(Fault.UNREADABLE_MANIFEST, path, _line(error))
                continue
            self._found.manifests += 1
            if manifest.number not in judged:
                self._found.waiting.append(manifest)
                self._lost += [manifest] if manifest.number < newest else []
            elif any(manifest.number in shard.windows for shard in self._broken):
                self._unread.append(manifest)
            else:
                owed += ((path, key) for key in _without_row(manifest, rows))
        waiting = {key for manifest in self._found.waiting for key in keys_of(manifest)}
        for path, key in owed:
            if key not in waiting:
                self._fault(Fault.MISSING_ROW, path, key)
        for shard in (*self._hashes, *vectors):
            if lone := [str(number) for number in shard.windows if number not in there]:
                self._fault(Fault.NO_MANIFEST, shard.path, f"window {', '.join(lone)}")
        for number in owing - there:
            self._fault(Fault.NO_MANIFEST, STATE, f"window {number}")

    def _look_for_second_rows(self) -> None:
        values = _together(self._hashes.values())
        twice = values[1:][values[1:] == values[:-1]]
        suspects = [shard for shard, hashes in self._hashes.items() if np.isin(hashes, twice).any()]
        places: dict[tuple[str, int], list[str]] = {}
        for shard in suspects:
            rows = self._output.read_table(shard.path, ["key", "attempt"])
            some = rows.filter(pa.array(np.isin(row_hashes(rows), twice)))
            for row in some.to_pylist():
                places.setdefault((row["key"], row["attempt"]), []).append(shard.path)
        for (key, _), paths in places.items():
            for path in paths[1:]:
                self._fault(Fault.SECOND_ROW, path, key)

    def _read_files(self) -> None:
        """Compare every file with the row that names it, by the rows again: to keep all their names takes too much."""
        named, absent = self._accepted(), self._found.absent
        with ThreadPoolExecutor(_READERS) as readers:
            watched = iter(self._watch(named, "files", self._found.named.count))
            while some := list(islice(watched, _HASHED)):
                read = readers.map(lambda one: file_sha256(self._output, one[0]), some)
                for (path, recorded), sha256 in zip(some, read, strict=True):
                    if sha256 is None and path not in absent:
                        absent.add([path])
                    elif sha256 not in (None, recorded):
                        self._fault(Fault.CHANGED_FILE, path, f"sha256 {sha256}, not {recorded}")

    def _accepted(self) -> Iterator[tuple[str, str]]:
        """Give the path and the sha256 of each accepted row."""
        unreadable = frozenset(shard.path for shard in self._broken)
        for _, rows in read_verdicts(self._output, ["verdict", "path", "sha256"], without=unreadable):
            kept = rows.filter(pc.equal(rows["verdict"], Verdict.ACCEPTED.value))
            yield from zip(kept["path"].to_pylist(), kept["sha256"].to_pylist(), strict=True)

    def _look_at_unnamed(self, unnamed: list[str]) -> None:
        stems, unread = (
            {stem for manifest in manifests for stem in stems_of(manifest)}
            for manifests in (self._found.waiting, self._unread)
        )
        for path in unnamed:
            name = IMAGE_NAME.fullmatch(path)
            if name and name["stem"] in unread:
                continue
            if name is not None and name["stem"] in stems:
                self._found.kept_for += 1
            elif name is not None and (file_sha256(self._output, path) or "").startswith(name["digits"]):
                self._fault(Fault.ORPHAN_FILE, path)
            else:  # a user's own: what goldpan writes carries the digits of its bytes
                self._found.foreign += 1

    def _look_for_lost_shards(self, unnamed: list[str], vectors: list[Shard]) -> None:
        """Name the windows that are judged again over what is there of them; one without files only waits."""
        stems = {image["stem"] for path in unnamed if (image := IMAGE_NAME.fullmatch(path))}
        lost = {manifest.number for manifest in self._lost}
        scored = {number for one in vectors if lost.issuperset(one.windows) for number in one.windows}
        for manifest in self._lost:
            if manifest.number in scored or not stems.isdisjoint(stems_of(manifest)):
                self._fault(Fault.LOST_SHARD, manifest.path, f"window {manifest.number}")


def read_whole(output: Output, shard: Shard, columns: list[str]) -> pa.Table:
    """Read all of a shard, and give some columns; ValueError where it cannot be read, or is no such shard."""
    data = output.read(shard.path)
    try:
        table = pq.ParquetFile(pa.BufferReader(data)).read()
    except (pa.ArrowException, OSError) as error:
        # The bytes are here already: it is they that are wrong, not the disk or the network.
        raise ValueError(str(error)) from error
    if missing := set(columns) - set(table.column_names):
        raise ValueError(f"it has no column {', '.join(sorted(missing))}")
    rows = table.select(columns)
    if any(rows[name].null_count for name in columns if name not in ("sha256", "path")):
        raise ValueError("a row has no key, window or verdict")
    return rows


def file_sha256(output: Output, path: str) -> str | None:
    """Hash a file; None where it is not there."""
    try:
        return hashlib.sha256(output.read(path)).hexdigest()
    except FileNotFoundError:
        return None


def row_hashes(rows: pa.Table) -> Hashes:
    """Hash each row's key and attempt, which name it."""
    attempts = rows["attempt"].to_numpy().astype(np.uint64)
    hashed: Hashes = key_hashes(rows["key"]) + attempts * _ATTEMPT
    return hashed


def keys_of(manifest: Manifest) -> list[str]:
    """Give the keys of a manifest's candidates as their rows have them."""
    return [one.key.encode("utf-8", "backslashreplace").decode() for one in manifest.candidates]


def stems_of(manifest: Manifest) -> set[str]:
    """Give how the names of a window's image files begin."""
    seen = manifest.submissions
    return {image_stem(seen[one.item].submission, one.media) for one in manifest.candidates}


def _without_row(manifest: Manifest, rows: Hashes) -> list[str]:
    keys = keys_of(manifest)
    attempts = [manifest.attempts.get(one.key, 1) for one in manifest.candidates]
    expected = pa.table({"key": pa.array(keys, pa.string()), "attempt": pa.array(attempts, pa.int16())})
    places = rows.searchsorted(hashes := row_hashes(expected))
    there = rows.take(places, mode="clip") == hashes if len(rows) else np.zeros(len(keys), np.bool_)
    return [key for key, has_row in zip(keys, there, strict=True) if not has_row]


def _together(hashes: Iterable[Hashes]) -> Hashes:
    return np.sort(np.concatenate([np.empty(0, np.uint64), *hashes]))


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:200]
