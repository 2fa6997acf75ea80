"""A taste's density beside PyOD's detectors: the same splits for each, and clear errors for names."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest

from models.detectors import TASTE, DetectorError, area, compare, detector_kind
from models.mixture import Vectors

FACTS = {"components": 1, "covariance": "shared", "projection": 16, "shrinkage": 0.1}
needs_pyod = pytest.mark.skipif(find_spec("pyod") is None, reason="PyOD, an extra, is not installed")


def _vectors(n: int, seed: int, apart: float = 0.0) -> Vectors:
    return np.random.default_rng(seed).normal(size=(n, 12)) + apart


def test_the_area_counts_ties_for_half() -> None:
    assert area(np.array([2.0, 3.0]), np.array([1.0, 0.0])) == 1
    assert area(np.array([1.0, 1.0]), np.array([1.0, 0.0])) == 0.75
    assert area(np.array([-1.0]), np.array([0.0, 5.0])) == 0


def test_a_taste_tells_what_is_far_and_guesses_at_what_is_alike() -> None:
    (far,) = compare(_vectors(80, 0), _vectors(50, 1, apart=2.0), FACTS, [])
    (alike,) = compare(_vectors(80, 0), _vectors(50, 1), FACTS, [])
    assert far["by"] == TASTE and far["auc"] > 0.99
    assert abs(alike["auc"] - 0.5) < 0.1
    assert [far] == compare(_vectors(80, 0), _vectors(50, 1, apart=2.0), FACTS, [])


@pytest.mark.skipif(find_spec("pyod") is not None, reason="PyOD is installed")
def test_without_pyod_the_extra_is_named() -> None:
    with pytest.raises(DetectorError, match=r"goldpan\[pyod\]"):
        detector_kind("KNN")


@needs_pyod
def test_detectors_score_as_the_taste_does() -> None:
    rows = compare(_vectors(80, 0), _vectors(50, 1, apart=2.0), FACTS, ["knn", "IForest"])
    assert [row["by"] for row in rows] == [TASTE, "knn", "IForest"]
    assert all(row["auc"] > 0.9 for row in rows)
    assert rows == compare(_vectors(80, 0), _vectors(50, 1, apart=2.0), FACTS, ["knn", "IForest"])


@needs_pyod
@pytest.mark.parametrize("name", ["KMN", "base", "", "../knn", "knn.KNN"])
def test_what_is_no_detector_is_told(name: str) -> None:
    with pytest.raises(DetectorError, match="no detector of PyOD"):
        detector_kind(name)
