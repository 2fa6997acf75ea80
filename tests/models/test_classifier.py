"""A gate's row: what it takes, how a score is made of outputs, and what passes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from models.classifier import GateRow, scores
from models.session import Session
from tests.models.graphs import mean_colour


def row(**changes: Any) -> GateRow:
    return GateRow(**({"name": "red", "model": "red.onnx", "size": 8, "outputs": 3} | changes))


PIXELS = np.zeros((10, 8, 8, 3), np.uint8)
PIXELS[:, :, :, 0], PIXELS[3:, :, :, 2] = 255, 51


@pytest.mark.parametrize(
    ("changes", "first", "last"),
    [
        ({}, 1.0, 1.0),
        ({"index": 2}, 0.0, 0.2),
        ({"mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)}, 1.0, 1.0),
        ({"index": 1, "mean": (0.5, 0.5, 0.5), "std": (0.25, 0.25, 0.25)}, -2.0, -2.0),
        ({"activation": "sigmoid"}, 0.7310586, 0.7310586),
        ({"activation": "softmax"}, 0.5761169, 0.5502946),
    ],
)
def test_scores_are_the_chosen_output(
    tmp_path: Path, changes: dict[str, Any], first: float, last: float
) -> None:
    gate = row(**changes)
    session = Session(mean_colour(tmp_path / "red.onnx"), gate.model_row(), threads=1)
    found = scores(session, gate, PIXELS)
    assert found.shape == (10,)
    np.testing.assert_allclose([found[0], found[-1]], [first, last], atol=2e-5)


@pytest.mark.parametrize("batch", [1, 4])
def test_a_model_of_a_fixed_batch_is_given_that(tmp_path: Path, batch: int) -> None:
    gate = row(index=2)
    session = Session(mean_colour(tmp_path / "red.onnx", batch=batch), gate.model_row(), threads=1)
    np.testing.assert_allclose(scores(session, gate, PIXELS), [0.0] * 3 + [0.2] * 7, atol=1e-6)


def test_limits_are_inclusive_and_nan_passes_none() -> None:
    assert row(keep_above=0.5).keeps(0.5) and not row(keep_above=0.5).keeps(0.4)
    assert row(keep_below=0.5).keeps(0.5) and not row(keep_below=0.5).keeps(0.6)
    assert row(keep_above=0.2, keep_below=0.5).keeps(0.3)
    for score in (float("nan"), float("inf"), float("-inf")):
        assert not row().keeps(score)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"index": 3}, "not among 3 outputs"),
        ({"model": "https://models.example/a.onnx"}, "needs its sha256"),
        ({"std": (1, 0, 1)}, "std must be above 0"),
        ({"outputs": 1, "activation": "softmax"}, "always 1"),
        ({"name": "No good"}, "name"),
        ({"keep_abvoe": 1}, "keep_abvoe"),
        ({"sha256": "abc"}, "sha256"),
        ({"keep_above": float("nan")}, "finite"),
    ],
)
def test_a_row_that_cannot_be_meant_is_refused(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        row(**changes)
