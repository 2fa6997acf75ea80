"""The duplicate index: exact and near copies of what is kept, by sha256 and by perceptual hash.

A copy is judged against the kept images in commit order, and within a window greedily by (pixels descending,
created, key). A kept copy stays; a rejected one was never here, so it blocks nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from actors.shards import read_verdicts
from actors.storage import Output
from models.hashes import distances
from models.keys import key_hash, key_hashes
from models.reasons import Reason, Verdict

NEAR_BITS = 8
_HASHES = ["key", "sha256", "phash"]
_KEY_BYTES = 40
_COLUMNS = {"sha": "u8", "phash": "u8", "key": "u8", "name": f"S{_KEY_BYTES}"}
_SPARE = 1024
_FEW = 256


class Copy(NamedTuple):
    """Of which kept image (its key, cut to 40 bytes) something is a copy, and of which kind."""

    reason: Reason
    of: str


@dataclass(frozen=True, slots=True)
class Contender:
    """An image that passed everything else; ``created`` is in seconds since the epoch, UTC."""

    key: str
    sha256: str
    phash: str
    pixels: int
    created: float


class _Entries:
    """Columns of what is known, 64 bytes an entry: the most that the design's third law allows for a kept image.

    A column each, so that a search over a million reads 8 MB and not 64.
    """

    def __init__(self) -> None:
        self._rows = 0
        self._columns = {name: np.empty(_SPARE, kind) for name, kind in _COLUMNS.items()}

    def __len__(self) -> int:
        return self._rows

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        return self._columns[name][: self._rows]

    def add(self, kept: Sequence[tuple[str, str, str]]) -> None:
        """Put (key, sha256, phash) there, but keys that are there already."""
        hashed = key_hashes(pa.array([key for key, _, _ in kept], pa.string()))
        _, first = np.unique(hashed, return_index=True)
        new = np.sort(first[~self._has(hashed[first])]).tolist()
        self._make_room(len(new))
        rows = slice(self._rows, self._rows + len(new))
        self._columns["key"][rows] = hashed[new]
        self._columns["sha"][rows] = np.array([_short(kept[row][1]) for row in new], np.uint64)
        self._columns["phash"][rows] = np.array([int(kept[row][2], 16) for row in new], np.uint64)
        self._columns["name"][rows] = [kept[row][0].encode()[:_KEY_BYTES] for row in new]
        self._rows += len(new)

    def _has(self, hashed: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
        if len(hashed) > _FEW:
            return np.isin(hashed, self["key"])
        # Sorting all that is known takes a second for a million; a look at each takes half a millisecond a key.
        return np.array([(self["key"] == one).any() for one in hashed], bool)

    def _make_room(self, more: int) -> None:
        size = len(self._columns["key"])
        if self._rows + more <= size:
            return
        larger = max(self._rows + more, size + size // 4)
        for name, column in self._columns.items():
            self._columns[name] = np.concatenate([column, np.empty(larger - size, column.dtype)])

    def copy_of(self, key: str, sha256: str, phash: str | None, near_bits: int) -> Copy | None:
        """Find what an image is a copy of, exact copies before near ones; never of itself."""
        others = self["key"] != np.uint64(key_hash(key))
        exact = np.flatnonzero(others & (self["sha"] == np.uint64(_short(sha256))))
        if len(exact):
            return Copy(Reason.DUPLICATE, self._name(exact[0]))
        if phash is None:
            return None
        near = np.flatnonzero(others & (distances(int(phash, 16), self["phash"]) <= near_bits))
        return Copy(Reason.NEAR_DUPLICATE, self._name(near[0])) if len(near) else None

    def _name(self, row: np.intp) -> str:
        return bytes(self["name"][row]).decode("utf-8", "ignore")


class DuplicateIndex:
    """Knows every kept image, by key: an image is never its own duplicate, and adding it again changes nothing.

    What it holds follows from the verdict shards, and from ``known``, a table of (key, sha256, phash) in the output;
    it is loaded from them whenever it starts.
    """

    def __init__(self, output_uri: str, near_bits: int = NEAR_BITS, known: str | None = None) -> None:
        self._near_bits = near_bits
        self._entries = _Entries()
        output = Output(output_uri)
        tables = accepted_in(output)
        for table in tables if known is None else chain(tables, [output.read_table(known)]):
            columns = (table[name].to_pylist() for name in _HASHES)
            self.add(list(zip(*columns, strict=True)))

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def entry_bytes(self) -> int:
        """Bytes of memory an entry takes."""
        return sum(np.dtype(kind).itemsize for kind in _COLUMNS.values())

    def add(self, kept: Sequence[tuple[str, str, str]]) -> None:
        """Remember kept images: (key, sha256, phash), the hashes in hexadecimal."""
        self._entries.add(kept)

    def find(self, asked: Sequence[tuple[str, str, str | None]]) -> list[Copy | None]:
        """Look up (key, sha256, phash) against what is kept; exact copies before near ones."""
        return [self._entries.copy_of(*one, self._near_bits) for one in asked]

    def settle(self, contenders: Sequence[Contender]) -> dict[str, Copy]:
        """Choose among the images of one window: gives those that must go, as copies of one that stays.

        The largest stays, then the oldest, then the first by key. Nothing is remembered: ``add`` does that
        once the window is committed.
        """
        losers: dict[str, Copy] = {}
        winners = _Entries()
        for one in sorted(contenders, key=lambda image: (-image.pixels, image.created, image.key)):
            copy = winners.copy_of(one.key, one.sha256, one.phash, self._near_bits)
            if copy is None:
                winners.add([(one.key, one.sha256, one.phash)])
            else:
                losers[one.key] = copy
        return losers


def accepted_in(output: Output) -> Iterator[pa.Table]:
    """Read the key, sha256 and perceptual hash of all that an output accepted, a shard's rows each."""
    for _, table in read_verdicts(output, [*_HASHES, "verdict"]):
        yield table.filter(pc.equal(table["verdict"], Verdict.ACCEPTED.value)).select(_HASHES)


def _short(sha256: str) -> int:
    return int(sha256[:16], 16)
