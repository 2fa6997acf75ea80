from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from actors.watermark import Watermark
from models.registry import WeightsMissingError
from tests.models.graphs import pooled


def _pixels(n: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    levels = np.linspace(0, 255, max(n, 1)).astype(np.uint8)[:n]
    return np.broadcast_to(levels[:, None, None, None], (n, 512, 512, 3)).copy()


@pytest.fixture
def detector(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Watermark:
    monkeypatch.setenv("GOLDPAN_CACHE", str(tmp_path))
    pooled(tmp_path / "models" / "model_wat.onnx", size=512, dimension=1)
    return Watermark(1, "cpu", "watermark-anti-sus")


def test_it_gives_the_logistic_of_the_networks_logit(detector: Watermark) -> None:
    weight = float(np.random.default_rng(1).normal(size=(3, 1)).astype(np.float32).sum())
    marked = detector(_pixels(6))
    levels = np.linspace(0, 255, 6).astype(np.uint8) / 127.5 - 1
    # The tiny network sums 262,144 floats, which is where the difference comes from.
    np.testing.assert_allclose(marked, 1 / (1 + np.exp(-weight * levels)), atol=1e-3)
    assert marked.dtype == np.float32
    assert marked.shape == (6,)


def test_no_pictures_give_no_probabilities(detector: Watermark) -> None:
    assert detector(_pixels(0)).shape == (0,)


def test_pictures_of_another_size_are_an_error(detector: Watermark) -> None:
    with pytest.raises(ValueError, match="512"):
        detector(np.zeros((2, 224, 224, 3), np.uint8))


def test_missing_weights_say_where_they_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOLDPAN_CACHE", str(tmp_path))
    with pytest.raises(WeightsMissingError, match=r"model_wat\.onnx"):
        Watermark(1, "cpu", "watermark-anti-sus")
