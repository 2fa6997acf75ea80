"""The ledger: which submissions were seen before, read from verdict shards and manifests.

It is never a second source of truth: all of it can be read again. In memory it is 8 bytes a submission, as sorted
64-bit hashes; among ten million items two share a hash with probability 3e-6.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pyarrow as pa

from actors.deferred import Deferred, deferred_of
from actors.manifest import FOLDER, Manifest, read_manifest
from actors.storage import Output
from models.keys import key_hash

Hashes = np.ndarray[tuple[int], np.dtype[np.uint64]]
Flags = np.ndarray[tuple[int], np.dtype[np.bool_]]
STATE = "state/deferred.json"
_RECENT = 4096


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
            recent = np.sort(np.fromiter(self._recent, np.uint64, len(self._recent)))
            self._recent.clear()
            for run in self._runs:
                recent = recent[~_is_in(run, recent)]
            if len(recent):
                self._runs.append(recent)
            while len(self._runs) > 1 and len(self._runs[-2]) < 2 * len(self._runs[-1]):
                last = self._runs.pop()
                # The stable sort merges what is sorted already.
                self._runs[-1] = np.sort(np.concatenate([self._runs[-1], last]), kind="stable")

    def __contains__(self, text: str) -> bool:
        value = key_hash(text)
        if value in self._recent:
            return True
        hashed = np.array([value], np.uint64)
        return any(_is_in(run, hashed)[0] for run in self._runs)


def _is_in(run: Hashes, values: Hashes) -> Flags:
    found: Flags = run.take(run.searchsorted(values), mode="clip") == values
    return found


def write_state(output: Output, manifest: Manifest, deferred: list[Deferred]) -> None:
    """Note, once a window is committed, what is put off; all of it can be read from the manifests again."""
    output.write_json(STATE, {"window": manifest.number, "deferred": deferred})


def read_state(output: Output) -> tuple[int, list[Deferred]]:
    """Give the window at which the state was written, 0 where there is none, and what was put off then."""
    if not output.exists(STATE):
        return 0, []
    fields = output.read_json(STATE)
    return fields["window"], [deferred_of(one) for one in fields["deferred"]]


class Ledger:
    """What manifests and verdict shards hold: submissions seen, whole or in part, and the next window's number.

    ``unfinished`` are the manifests without a shard, in order: a restart replays them first. ``cursors`` are the
    newest manifest's, and ``deferred`` what was put off and has no row yet.
    """

    def __init__(self, output: Output) -> None:
        self.submissions = HashSet()
        self._partly: dict[str, set[str]] = {}
        shards = output.names("verdicts", ".parquet")
        for shard in shards:
            self._load(output.read_table(shard, ["key", "submission", "candidates"]))
        done = {PurePosixPath(shard).stem for shard in shards}
        manifests = output.names(FOLDER, ".json")
        self.unfinished = [
            read_manifest(output, path) for path in manifests if PurePosixPath(path).stem not in done
        ]
        for manifest in self.unfinished:
            self.see(manifest)
        numbers = done | {PurePosixPath(path).stem for path in manifests}
        self.next_window = max(map(int, numbers), default=0) + 1
        self.cursors: dict[str, Any] = read_manifest(output, manifests[-1]).cursors if manifests else {}
        self.deferred = [one for one in self._put_off(output, manifests) if not self._has_row(one)]

    def _put_off(self, output: Output, manifests: list[str]) -> list[Deferred]:
        """Give what was put off, the latest of each: as the state knew it, and what manifests added since."""
        last, known = read_state(output)
        found = {one.key: one for one in known}
        for path in manifests:
            if int(PurePosixPath(path).stem) > last:
                found |= {one.key: one for one in read_manifest(output, path).deferred}
        return list(found.values())

    def _has_row(self, deferred: Deferred) -> bool:
        item = deferred.submission.item
        # Of what --retry put off the row of an earlier attempt stands; it can be retried again.
        return deferred.attempt > 1 or item in self.submissions or deferred.key in self._partly.get(item, ())

    def see(self, manifest: Manifest) -> None:
        """Remember a window's submissions: those of which it has the last candidate, and the parts of others."""
        for candidate in manifest.candidates:
            self._count(candidate.item, candidate.key, manifest.submissions[candidate.item].candidates)

    def _load(self, table: pa.Table) -> None:
        columns = [table[name].to_pylist() for name in ("submission", "key", "candidates")]
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
