"""The duplicate index: exact and near copies of what is kept, by sha256 and by perceptual hash.

A copy is judged against the kept images in commit order, and within a window greedily by (pixels descending,
created, key). A kept copy stays; a rejected one was never here, so it blocks nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow.compute as pc

from actors.shards import read_verdicts
from actors.storage import Output
from models.hashes import distances
from models.keys import key_hash
from models.reasons import Reason, Verdict

NEAR_BITS = 8
_KEY_CHARACTERS = 40
# 64 bytes an accepted image, the most that the design's third law allows.
_ENTRY = np.dtype([("sha", "u8"), ("phash", "u8"), ("key", "u8"), ("name", f"S{_KEY_CHARACTERS}")])
_SPARE = 1024


class Copy(NamedTuple):
    """Of which kept image (its key, cut to 40 characters) something is a copy, and of which kind."""

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


class DuplicateIndex:
    """Knows every kept image, by key: an image is never its own duplicate, and adding it again changes nothing.

    What it holds follows from the verdict shards, from which it is loaded whenever it starts.
    """

    def __init__(self, output_uri: str, near_bits: int = NEAR_BITS) -> None:
        self._near_bits = near_bits
        self._entries = np.empty(_SPARE, _ENTRY)
        self._count = 0
        for _, table in read_verdicts(Output(output_uri), ["key", "sha256", "phash", "verdict"]):
            kept = table.filter(pc.equal(table["verdict"], Verdict.ACCEPTED.value))
            columns = (kept[name].to_pylist() for name in ("key", "sha256", "phash"))
            self.add(list(zip(*columns, strict=True)))

    def __len__(self) -> int:
        return self._count

    @property
    def entry_bytes(self) -> int:
        """Bytes of memory an entry takes."""
        return _ENTRY.itemsize

    def add(self, kept: Sequence[tuple[str, str, str]]) -> None:
        """Remember kept images: (key, sha256, phash), the hashes in hexadecimal."""
        for key, sha256, phash in kept:
            hashed = np.uint64(key_hash(key))
            if (self._kept["key"] == hashed).any():
                continue
            if self._count == len(self._entries):
                spare = np.empty(max(_SPARE, self._count // 4), _ENTRY)
                self._entries = np.concatenate([self._entries, spare])
            self._entries[self._count] = (_short(sha256), int(phash, 16), hashed, key.encode())
            self._count += 1

    def find(self, asked: Sequence[tuple[str, str, str | None]]) -> list[Copy | None]:
        """Look up (key, sha256, phash) against what is kept; exact copies before near ones."""
        return [self._find(self._kept, *one) for one in asked]

    def settle(self, contenders: Sequence[Contender]) -> dict[str, Copy]:
        """Choose among the images of one window: gives those that must go, as copies of one that stays.

        The largest stays, then the oldest, then the first by key. Nothing is remembered: ``add`` does that
        once the window is committed.
        """
        losers: dict[str, Copy] = {}
        winners = np.empty(0, _ENTRY)
        for one in sorted(contenders, key=lambda image: (-image.pixels, image.created, image.key)):
            copy = self._find(winners, one.key, one.sha256, one.phash)
            if copy is None:
                entry = (_short(one.sha256), int(one.phash, 16), key_hash(one.key), one.key.encode())
                winners = np.append(winners, np.array([entry], _ENTRY))
            else:
                losers[one.key] = copy
        return losers

    @property
    def _kept(self) -> np.ndarray[tuple[int], np.dtype[np.void]]:
        return self._entries[: self._count]

    def _find(
        self,
        entries: np.ndarray[tuple[int], np.dtype[np.void]],
        key: str,
        sha256: str,
        phash: str | None,
    ) -> Copy | None:
        others = entries["key"] != np.uint64(key_hash(key))
        exact = np.flatnonzero(others & (entries["sha"] == np.uint64(_short(sha256))))
        if len(exact):
            return Copy(Reason.DUPLICATE, _name(entries[exact[0]]))
        if phash is None:
            return None
        near = np.flatnonzero(others & (distances(int(phash, 16), entries["phash"]) <= self._near_bits))
        return Copy(Reason.NEAR_DUPLICATE, _name(entries[near[0]])) if len(near) else None


def _short(sha256: str) -> int:
    return int(sha256[:16], 16)


def _name(entry: np.void) -> str:
    return bytes(entry["name"]).decode("utf-8", "ignore")
