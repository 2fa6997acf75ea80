"""The scorer actor: embeddings in, log-likelihoods and verdicts of one taste out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.taste import Taste


class Scorer:
    """A taste, as ``Taste.to_bytes`` gave it, so that the actor may live on another node.

    Raises TasteError for bytes that are no taste and EncoderMismatchError for another encoder's.
    """

    def __init__(self, taste: bytes, encoder_fingerprint: str) -> None:
        self._taste = Taste.from_bytes(taste)
        self._taste.check_encoder(encoder_fingerprint)

    def __call__(
        self, embeddings: npt.NDArray[np.float16]
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
        """Score float16 [n, d]; returns log-likelihoods, float64 [n], and which are accepted, bool [n]."""
        scores = self._taste.score(embeddings)
        return scores, self._taste.accepts(scores)
