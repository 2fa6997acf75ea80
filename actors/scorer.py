"""The scorer actor: embeddings in, log-likelihoods and verdicts of one taste out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from actors.storage import Output
from models.taste import Taste


class Scorer:
    """A taste that an output holds: a restarted actor reads it again, where an argument might be gone by then.

    ``path`` is the file, relative to the output, that has what ``Taste.to_bytes`` gave. Raises TasteError for
    bytes that are no taste and EncoderMismatchError for another encoder's.
    """

    def __init__(self, output_uri: str, path: str, encoder_fingerprint: str) -> None:
        self._taste = Taste.from_bytes(Output(output_uri).read(path))
        self._taste.check_encoder(encoder_fingerprint)

    def __call__(
        self, embeddings: npt.NDArray[np.float16]
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
        """Score float16 [n, d]; returns log-likelihoods, float64 [n], and which are accepted, bool [n]."""
        return self._taste.judge(embeddings)
