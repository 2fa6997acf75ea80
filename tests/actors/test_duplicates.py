"""Copies: judged against what is kept, greedily within a window, and never against oneself."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pyarrow as pa

from actors.duplicates import Contender, Copy, DuplicateIndex
from actors.storage import Output
from models.reasons import Reason, Verdict


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def flip(phash: str, bits: int) -> str:
    return f"{int(phash, 16) ^ ((1 << bits) - 1):016x}"


HASH = "0123456789abcdef"


def index(tmp_path: Path) -> DuplicateIndex:
    return DuplicateIndex(str(tmp_path))


def test_exact_before_near_and_neither_for_oneself(tmp_path: Path) -> None:
    kept = index(tmp_path)
    kept.add([("t3_a/0", sha("a"), HASH)])
    found = kept.find(
        [
            ("t3_a/0", sha("a"), HASH),
            ("t3_b/0", sha("a"), HASH),
            ("t3_b/0", sha("b"), flip(HASH, 8)),
            ("t3_b/0", sha("b"), flip(HASH, 9)),
            ("t3_b/0", sha("b"), None),
        ]
    )
    exact, near = Copy(Reason.DUPLICATE, "t3_a/0"), Copy(Reason.NEAR_DUPLICATE, "t3_a/0")
    assert found == [None, exact, near, None, None]


def test_adding_again_changes_nothing(tmp_path: Path) -> None:
    kept = index(tmp_path)
    for _ in range(3):
        kept.add([("t3_a/0", sha("a"), HASH)])
    assert len(kept) == 1


def test_the_largest_then_the_oldest_then_the_first_stays(tmp_path: Path) -> None:
    small, old, young, tied = (
        Contender("t3_a/0", sha("1"), HASH, 100, 1.0),
        Contender("t3_d/0", sha("2"), HASH, 200, 2.0),
        Contender("t3_b/0", sha("3"), HASH, 200, 3.0),
        Contender("t3_e/0", sha("4"), HASH, 200, 2.0),
    )
    for contenders in ([small, old, young, tied], [tied, young, old, small]):
        losers = index(tmp_path).settle(contenders)
        assert set(losers) == {"t3_a/0", "t3_b/0", "t3_e/0"}
        assert {copy.of for copy in losers.values()} == {"t3_d/0"}


def test_settling_remembers_nothing(tmp_path: Path) -> None:
    kept = index(tmp_path)
    kept.settle([Contender("t3_a/0", sha("a"), HASH, 1, 1.0)])
    assert kept.find([("t3_b/0", sha("a"), HASH)]) == [None]


def test_it_is_loaded_from_the_accepted_rows_of_the_shards(tmp_path: Path) -> None:
    rows = [
        {"key": "t3_a/0", "sha256": sha("a"), "phash": HASH, "verdict": Verdict.ACCEPTED.value},
        {"key": "t3_b/0", "sha256": sha("b"), "phash": flip(HASH, 40), "verdict": Verdict.REJECTED.value},
        {"key": "t3_c/-", "sha256": None, "phash": None, "verdict": Verdict.SKIPPED.value},
    ]
    Output(str(tmp_path)).write_table("verdicts/date=2026-01-01/00000001.parquet", pa.Table.from_pylist(rows))
    kept = index(tmp_path)
    assert len(kept) == 1
    asked = [("t3_x/0", sha("a"), HASH), ("t3_x/0", sha("b"), flip(HASH, 40))]
    assert kept.find(asked) == [Copy(Reason.DUPLICATE, "t3_a/0"), None]


def test_it_grows_and_stays_within_64_bytes_an_image(tmp_path: Path) -> None:
    kept = index(tmp_path)
    random = np.random.default_rng(0)
    hashes = random.integers(0, 2**63, 3000, np.uint64)
    kept.add([(f"t3_{n}/0", sha(str(n)), f"{value:016x}") for n, value in enumerate(hashes)])
    assert len(kept) == 3000
    assert kept.find([("t3_x/0", sha("2999"), None)])[0] == Copy(Reason.DUPLICATE, "t3_2999/0")
    assert kept.entry_bytes <= 64


def test_what_is_known_survives_a_restart_and_is_told_apart_from_the_runs_own(tmp_path: Path) -> None:
    known = {
        "key": ["known:t3_a/0", "known:b.jpg"],
        "sha256": [sha("a"), sha("b")],
        "phash": [HASH, flip(HASH, 40)],
    }
    Output(str(tmp_path)).write_table("state/known-1.parquet", pa.table(known))
    for _ in range(2):
        kept = DuplicateIndex(str(tmp_path), known="state/known-1.parquet")
        asked = [("t3_a/0", sha("a"), HASH), ("t3_x/0", sha("x"), flip(HASH, 40))]
        assert kept.find(asked) == [
            Copy(Reason.DUPLICATE, "known:t3_a/0"),
            Copy(Reason.NEAR_DUPLICATE, "known:b.jpg"),
        ]
    assert len(DuplicateIndex(str(tmp_path))) == 0


def test_a_key_twice_in_one_call_is_one_entry(tmp_path: Path) -> None:
    kept = index(tmp_path)
    kept.add([("t3_a/0", sha("a"), HASH), ("t3_b/0", sha("b"), HASH), ("t3_a/0", sha("c"), HASH)])
    assert len(kept) == 2
    assert kept.find([("t3_x/0", sha("a"), None)]) == [Copy(Reason.DUPLICATE, "t3_a/0")]
