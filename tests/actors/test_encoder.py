from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from actors.encoder import Encoder
from models.registry import UnknownModelError, WeightsMissingError, file_sha256, resolve_weights
from models.registry import encoder_row as row_of
from tests.models.graphs import pooled


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GOLDPAN_CACHE", str(tmp_path))
    return tmp_path


def _pixels(n: int, size: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.random.default_rng(n).integers(0, 256, (n, size, size, 3), np.uint8)


def test_gist_embeds_pictures_as_the_float16_that_is_stored() -> None:
    encoder = Encoder("gist", 1, "cpu", batch=4)
    embeddings = encoder(_pixels(10, 128))
    assert embeddings.shape == (10, 560)
    assert embeddings.dtype == np.float16
    assert np.isfinite(embeddings).all()


def test_the_batch_a_picture_is_in_changes_nothing_that_matters() -> None:
    pixels = _pixels(7, 128)
    whole, split = Encoder("gist", 1, "cpu", batch=32)(pixels), Encoder("gist", 1, "cpu", batch=3)(pixels)
    # One unit in the last place of float16.
    np.testing.assert_allclose(split.astype(float), whole.astype(float), rtol=1e-3, atol=1e-4)


def test_clip_vectors_have_length_one(cache: Path) -> None:
    pooled(cache / "models" / "clip_visual.onnx", size=224, dimension=512)
    encoder = Encoder("clip", 1, "cpu")
    embeddings = encoder(_pixels(3, 224))
    np.testing.assert_allclose(np.linalg.norm(embeddings.astype(np.float64), axis=1), 1, atol=1e-3)


def test_it_describes_the_encoder_that_really_runs() -> None:
    described = Encoder("gist-grey", 1, "cpu").describe()
    assert described == {
        "name": "gist-grey",
        "fingerprint": file_sha256(resolve_weights(row_of("gist-grey"))),
        "dimension": 512,
        "precision": "fp32",
        "batch": 32,
        "provider": "CPUExecutionProvider",
    }


def test_no_pictures_give_no_embeddings() -> None:
    assert Encoder("gist", 1, "cpu")(_pixels(0, 128)).shape == (0, 560)


def test_unknown_and_missing_encoders_are_clear_errors() -> None:
    with pytest.raises(UnknownModelError, match="gist"):
        Encoder("gits", 1, "cpu")
    with pytest.raises(WeightsMissingError, match=r"clip_visual\.onnx"):
        Encoder("clip", 1, "cpu")


def test_what_float32_cannot_square_still_has_length_one(tmp_path: Path) -> None:
    pooled(tmp_path / "models" / "clip_visual.onnx", size=224, dimension=512, scale=1e25)
    vectors = Encoder("clip", 1, "cpu")(_pixels(2, 224)).astype(np.float64)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
