"""The ledger: which submissions were seen before, read from verdict shards and manifests.

It is never a second source of truth: all of it can be read again. In memory it is 8 bytes a submission, as sorted
64-bit hashes; among ten million items two share a hash with probability 3e-6.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from actors.deferred import Deferred
from actors.manifest import FOLDER, Manifest, manifest_path, read_manifest
from actors.shards import read_verdicts
from actors.storage import Output
from models.keys import Hashes, key_hash, key_hashes

Flags = np.ndarray[tuple[int], np.dtype[np.bool_]]
STATE = "state/deferred.json"
_RECENT = 4096
# Counted at a time when it is loaded: columns of small shards cost more calls than rows.
_ROWS = 1 << 17
_log = logging.getLogger(__name__)


class HashSet:
    """A set of strings as 64-bit hashes: recent ones, and sorted runs, each at most half as long as the one before.

    8 bytes an entry; an entry is merged some 20 times at most, however many there are.
    """

    def __init__(self) -> None:
        self._runs: list[Hashes] = []
        self._recent: set[int] = set()

    def add(self, texts: Iterable[str]) -> None:
        """Remember these."""
        self._recent.update(map(key_hash, texts))
        if len(self._recent) >= _RECENT:
            recent = np.fromiter(self._recent, np.uint64, len(self._recent))
            self._recent.clear()
            self.add_hashes(recent)

    def add_hashes(self, hashes: Hashes) -> None:
        """Remember many, by their hashes."""
        new = np.sort(hashes)
        new = new[np.flatnonzero(np.diff(new, prepend=~new[:1]))]
        for run in self._runs:
            new = new[~_is_in(run, new)]
        if len(new):
            self._runs.append(new)
        while len(self._runs) > 1 and len(self._runs[-2]) < 2 * len(self._runs[-1]):
            last = self._runs.pop()
            # The stable sort merges what is sorted already.
            self._runs[-1] = np.sort(np.concatenate([self._runs[-1], last]), kind="stable")

    def have(self, hashes: Hashes) -> Flags:
        """Tell of many, by their hashes, which of them are remembered."""
        recent = np.fromiter(self._recent, np.uint64, len(self._recent))
        found: Flags = np.isin(hashes, recent) | self._are_in_runs(hashes)
        return found

    @property
    def count(self) -> int:
        """Count them, near enough: one that was added again a while later may count twice until it is merged."""
        return sum(map(len, self._runs)) + len(self._recent)

    def __contains__(self, text: str) -> bool:
        value = key_hash(text)
        if value in self._recent:
            return True
        return bool(self._are_in_runs(np.array([value], np.uint64))[0])

    def _are_in_runs(self, hashes: Hashes) -> Flags:
        found = np.zeros(len(hashes), np.bool_)
        for run in self._runs:
            found |= _is_in(run, hashes)
        return found


def _number(path: str) -> int:
    return int(PurePosixPath(path).stem)


def _is_in(run: Hashes, values: Hashes) -> Flags:
    found: Flags = run.take(run.searchsorted(values), mode="clip") == values
    return found


def write_state(output: Output, manifest: Manifest, owed: dict[str, int]) -> None:
    """Note, once a window is committed, which manifest holds what is owed; the manifests alone tell it too."""
    output.write_json(STATE, {"window": manifest.number, "owed": owed})


def read_state(output: Output) -> tuple[int, dict[str, int]]:
    """Give the window at which the state was written, 0 where none can be read, and what was owed then."""
    if not output.exists(STATE):
        return 0, {}
    try:
        fields = output.read_json(STATE)
        return int(fields["window"]), dict(fields["owed"])
    except (ValueError, KeyError, TypeError) as error:
        _log.warning("%s cannot be read: %s; all manifests are, in its place", STATE, error)
        return 0, {}


def forget_owed(output: Output, windows: set[int]) -> None:
    """Let the state name nothing that was owed by these windows, the manifests of which are gone."""
    last, owed = read_state(output)
    if not windows.isdisjoint(owed.values()):
        left = {key: number for key, number in owed.items() if number not in windows}
        output.write_json(STATE, {"window": last, "owed": left})


class Ledger:
    """What manifests and verdict shards hold: submissions seen, whole or in part, and the next window's number.

    ``unfinished`` are the manifests without a shard, in order: a restart replays them first. ``cursors`` are the
    newest manifest's; ``deferred`` what was put off and has no row yet, ``written`` the windows that hold it, by key.
    """

    def __init__(self, output: Output) -> None:
        self.submissions = HashSet()
        self._partly: dict[str, set[str]] = {}
        done: set[int] = set()
        held: list[pa.Table] = []
        for shard, table in read_verdicts(output, ["key", "submission", "candidates"]):
            done.update(shard.windows)
            held.append(table)
            if sum(map(len, held)) >= _ROWS:
                self._load(pa.concat_tables(held))
                held.clear()
        if held:
            self._load(pa.concat_tables(held))
        manifests = output.names(FOLDER, ".json")
        self.unfinished = [read_manifest(output, path) for path in manifests if _number(path) not in done]
        for manifest in self.unfinished:
            self.see(manifest)
        self.next_window = max([*done, *map(_number, manifests)], default=0) + 1
        self.cursors: dict[str, Any] = read_manifest(output, manifests[-1]).cursors if manifests else {}
        self.written, self.deferred = self._owed(output, manifests)

    def _owed(self, output: Output, manifests: list[str]) -> tuple[dict[str, int], list[Deferred]]:
        """Give what was put off and has no row: as the state knew it, and what manifests added and settled since."""
        last, written = read_state(output)
        held = {
            number: read_manifest(output, manifest_path(number)) for number in sorted(set(written.values()))
        }
        found = {
            one.key: one for number in held for one in held[number].deferred if written.get(one.key) == number
        }
        for path in manifests:
            if _number(path) > last:
                manifest = read_manifest(output, path)
                for one in manifest.deferred:
                    found[one.key], written[one.key] = one, manifest.number
                for key in manifest.settled:
                    found.pop(key, None)
        return {key: written[key] for key in found}, list(found.values())

    def see(self, manifest: Manifest) -> None:
        """Remember a window's submissions: those of which it has the last candidate, and the parts of others."""
        for candidate in manifest.candidates:
            self._count(candidate.item, candidate.key, manifest.submissions[candidate.item].candidates)

    def _load(self, table: pa.Table) -> None:
        """Count a shard's rows: most submissions are whole in it, and are told by columns, not one by one."""
        alone = pc.equal(table["candidates"], 1)
        self.submissions.add_hashes(key_hashes(table.filter(alone)["submission"]))
        others = table.filter(pc.invert(alone))
        found = others.group_by("submission").aggregate([("key", "count_distinct"), ("candidates", "max")])
        is_whole = pc.greater_equal(found["key_count_distinct"], found["candidates_max"])
        whole = found.filter(is_whole)["submission"]
        self.submissions.add_hashes(key_hashes(whole))
        parts = others.filter(pc.invert(pc.is_in(others["submission"], whole.combine_chunks())))
        columns = [parts[name].to_pylist() for name in ("submission", "key", "candidates")]
        for row in zip(*columns, strict=True):
            self._count(*row)

    def _count(self, item: str, key: str, total: int) -> None:
        if item in self.submissions:
            return  # a later attempt
        # Only submissions that are split over windows wait here, so this stays small.
        seen = self._partly.setdefault(item, set())
        seen.add(key)
        if len(seen) >= total:
            del self._partly[item]
            self.submissions.add([item])

    def knows(self, item: str) -> bool:
        """Tell whether some candidate of this submission was seen."""
        return item in self.submissions or item in self._partly

    def seen_of(self, item: str) -> frozenset[str]:
        """Give the keys already seen of a submission that was not seen whole."""
        return frozenset(self._partly.get(item, ()))
