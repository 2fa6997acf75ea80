from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from models.calibration import At, BestF, Calibration, Keep, PerThousand, Rule
from models.registry import ModelError


@pytest.fixture
def calibration() -> Calibration:
    # Liked: 0…999. Unfiltered: a tenth like them, the others far below.
    unfiltered = np.concatenate([np.arange(0, 1000, 10), np.linspace(-9000, -1, 900)])
    return Calibration.of(np.random.default_rng(0).permutation(np.arange(1000.0))).against(
        unfiltered, "sample"
    )


def test_each_rule_keeps_what_it_says(calibration: Calibration) -> None:
    threshold, told = Keep(0.9).choose(calibration)
    assert calibration.kept_liked(threshold) == pytest.approx(0.9, abs=2e-3)
    assert told == "keep 0.9 of liked images"
    threshold, told = PerThousand(50).choose(calibration)
    assert calibration.kept_unfiltered(threshold) == 0.05
    assert told == "50 per 1,000 of sample"
    assert At(-3.5).choose(calibration) == (-3.5, "given by hand")


def test_the_best_f_is_the_best_of_all_thresholds_and_beta_moves_it(calibration: Calibration) -> None:
    def f(threshold: float, beta: float) -> float:
        recall, passed = calibration.kept_liked(threshold), calibration.kept_unfiltered(threshold) or 0.0
        precision = recall / (recall + passed)
        return (1 + beta**2) * precision * recall / (beta**2 * precision + recall)

    for beta in (0.5, 1.0, 2.0):
        threshold, told = BestF(beta).choose(calibration)
        best = max(f(at, beta) for at in calibration.liked)
        assert f(threshold, beta) == pytest.approx(best)
        assert f"({best:.3f}) against sample" in told


def test_the_table_falls_with_the_threshold(calibration: Calibration) -> None:
    rows = calibration.table()
    assert [round(row["liked"] or 0, 2) for row in rows] == [0.99, 0.97, 0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5]
    assert [row["unfiltered"] for row in rows] == sorted(
        (row["unfiltered"] or 0 for row in rows), reverse=True
    )
    assert Calibration.of(np.arange(40.0)).table()[0]["unfiltered"] is None


def test_the_histogram_clips_what_lies_far_below(calibration: Calibration) -> None:
    counted = calibration.histogram()
    assert sum(counted["liked"]) == sum(counted["unfiltered"]) == 1000
    assert counted["unfiltered"][0] > 700
    assert counted["unfiltered_clipped"]["below"] > 700
    assert (counted["edges"][0], counted["edges"][-1]) == (-999, 999)


def test_of_many_scores_the_shares_stay() -> None:
    scores = np.random.default_rng(1).normal(size=300_000)
    many = Calibration.of(scores)
    assert (len(many.liked), many.liked_count) == (10_000, 300_000)
    threshold, _ = Keep(0.95).choose(many)
    assert (scores >= threshold).mean() == pytest.approx(0.95, abs=3e-4)


def test_a_score_that_is_no_number_is_never_let_through() -> None:
    found = Calibration.of(np.arange(40.0)).against(np.array([np.nan, 5.0, -np.inf, 50.0]), "sample")
    assert found.kept_unfiltered(-1e300) == 0.5


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (lambda: Keep(1.5), "between 0 and 1"),
        (lambda: BestF(0), "above 0"),
        (lambda: BestF(1e200), "1000 at most"),
        (lambda: BestF(1), "--against"),
        (lambda: PerThousand(50), "--against"),
        (lambda: PerThousand(1000), "some can be let through"),
        (lambda: At(float("nan")), "is a number"),
    ],
)
def test_a_rule_that_cannot_be_followed_says_why(rule: Callable[[], Rule], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        rule().choose(Calibration.of(np.arange(40.0)))


def test_of_a_small_sample_one_is_let_through_at_least(calibration: Calibration) -> None:
    assert PerThousand(1e-9).choose(calibration)[0] == calibration.unfiltered[-1]


def test_scores_that_cannot_calibrate_are_errors() -> None:
    with pytest.raises(ModelError, match="not a number"):
        Calibration.of(np.array([1.0, np.nan]))
    with pytest.raises(ModelError, match="name another sample"):
        Calibration.of(np.arange(40.0)).against(np.array([np.nan]), "sample")
