from __future__ import annotations

from pathlib import Path

from flows.demo.truth import Expected, Truth, score
from flows.demo.world import World
from models.reasons import Reason, Verdict

ONE = Expected("t3_a/0", "hills", (Reason.FITS, Reason.DUPLICATE), True, True, "hill")
COPY = Expected("t3_b/0", "hills", (Reason.DUPLICATE, Reason.FITS), True, False, "hill")
MARKED = Expected("t3_c/0", "hills", (Reason.WATERMARK,), False, False, "hill")
OTHER = Expected("t3_d/x", "hills", (Reason.FITS,), True, True, "lake")
MEME = Expected("t3_e/0", "memes", (Reason.UNLIKE_TASTE,))
TEXT = Expected("t3_f/-", "memes", (Reason.SELF_POST,))
TRUTH = Truth(1, (ONE, COPY, MARKED, OTHER, MEME, TEXT))
KEYS = [row.key for row in TRUTH.rows]


def rows(*accepted: str) -> list[tuple[str, str]]:
    return [(key, Verdict.ACCEPTED if key in accepted else Verdict.REJECTED) for key in KEYS]


def test_a_perfect_run() -> None:
    found = score(TRUTH, rows("t3_a/0", "t3_d/x"))
    assert (found.precision, found.recall, found.complete) == (1.0, 1.0, True)
    assert not found.wrong and not found.missed


def test_either_member_of_a_set_is_right_and_a_second_is_wrong() -> None:
    assert score(TRUTH, rows("t3_b/0", "t3_d/x")).recall == 1.0
    both = score(TRUTH, rows("t3_a/0", "t3_b/0", "t3_d/x"))
    assert both.precision == 2 / 3
    assert both.wrong == ("t3_b/0",)


def test_a_marked_member_of_a_set_is_not_right() -> None:
    found = score(TRUTH, rows("t3_c/0", "t3_d/x"))
    assert (found.precision, found.recall) == (0.5, 0.5)
    assert (found.wrong, found.missed) == (("t3_c/0",), ("t3_a/0",))


def test_what_is_missing_unexpected_or_there_twice() -> None:
    found = score(TRUTH, [*rows()[1:], ("t3_b/0", "rejected"), ("t3_z/0", "accepted")])
    assert (found.missing, found.unexpected, found.twice) == (("t3_a/0",), ("t3_z/0",), ("t3_b/0",))
    assert found.wrong == ("t3_z/0",)
    assert not found.complete


def test_an_empty_run_finds_nothing_and_claims_nothing() -> None:
    found = score(TRUTH, [])
    assert (found.precision, found.recall, found.accepted, found.wanted) == (1.0, 0.0, 0, 2)
    assert found.missing == tuple(KEYS)


def test_save_and_load(tmp_path: Path) -> None:
    truth = World.build(3, scale=0.05).truth
    truth.save(tmp_path / "truth.json")
    assert Truth.load(tmp_path / "truth.json") == truth
