from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from actors.scorer import Scorer
from actors.storage import Output
from models.fitting import fit_taste
from models.taste import EncoderMismatchError, Taste, TasteError


@pytest.fixture(scope="module")
def taste() -> Taste:
    liked = np.random.default_rng(0).normal(size=(60, 8)).astype(np.float16)
    return fit_taste(liked, encoder="gist", encoder_fingerprint="a" * 64)


def _scorer(taste: Taste, folder: Path, fingerprint: str = "a" * 64) -> Scorer:
    Output(str(folder)).write("state/taste", taste.to_bytes())
    return Scorer(str(folder), "state/taste", fingerprint)


def test_it_scores_as_the_taste_does_and_rejects_what_is_not_finite(taste: Taste, tmp_path: Path) -> None:
    embeddings = np.random.default_rng(1).normal(size=(50, 8)).astype(np.float16)
    embeddings[0, 0], embeddings[1] = np.nan, 60000
    scores, accepted = _scorer(taste, tmp_path)(embeddings)
    np.testing.assert_array_equal(scores, taste.score(embeddings))
    assert scores.dtype == np.float64
    assert accepted.dtype == np.bool_
    assert not accepted[:2].any()
    assert accepted[2:].mean() > 0.8
    np.testing.assert_array_equal(accepted, scores >= taste.threshold)


def test_another_encoders_taste_is_an_error(taste: Taste, tmp_path: Path) -> None:
    with pytest.raises(EncoderMismatchError):
        _scorer(taste, tmp_path, "b" * 64)


def test_bytes_that_are_no_taste_are_an_error(tmp_path: Path) -> None:
    Output(str(tmp_path)).write("state/taste", b"not a taste")
    with pytest.raises(TasteError):
        Scorer(str(tmp_path), "state/taste", "a" * 64)
