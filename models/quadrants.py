"""The ancestors' first detector: an encoder on the four quadrants of a 448² picture, and a small classifier.

At 224² subtle marks are gone, so the picture is halved each way and each part is seen at the encoder's full size.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from models import preprocess
from models.registry import BrokenModelError, ModelRow
from models.taste import UNREADABLE, EncoderMismatchError

Vectors = npt.NDArray[np.float32]
WHOLE, QUADRANT = 448, 224
_ARRAYS = {"mean": 1, "scale": 1, "hidden": 2, "hidden_bias": 1, "output": 1, "output_bias": 0}


def quadrants(image: Image.Image, row: ModelRow) -> npt.NDArray[np.uint8]:
    """A picture's four quadrants as the encoder's squares, uint8 [4, size, size, 3]: above left, right, below."""
    whole = image.convert("RGB").resize((WHOLE, WHOLE), Image.Resampling.LANCZOS)
    corners = [(x, y) for y in (0, QUADRANT) for x in (0, QUADRANT)]
    parts = (whole.crop((x, y, x + QUADRANT, y + QUADRANT)) for x, y in corners)
    return np.stack([preprocess.resize(part, row) for part in parts])


@dataclass(frozen=True, slots=True, eq=False)
class QuadrantHead:
    """The classifier over four concatenated embeddings [n, 4 d]: whitened, one hidden layer, one logit.

    It belongs to the encoder of that name and fingerprint. All arrays are float32.
    """

    encoder: str
    encoder_fingerprint: str
    mean: Vectors
    scale: Vectors
    hidden: Vectors
    hidden_bias: Vectors
    output: Vectors
    output_bias: Vectors

    def logits(self, embeddings: npt.NDArray[np.floating[Any]]) -> Vectors:
        """The logits, float32 [n], of concatenated embeddings [n, 4 d]."""
        scaled = (embeddings.astype(np.float32) - self.mean) / self.scale
        found: Vectors = (
            np.maximum(scaled @ self.hidden + self.hidden_bias, 0) @ self.output + self.output_bias
        )
        return found

    def check_encoder(self, fingerprint: str) -> None:
        """Raise EncoderMismatchError unless the encoder that runs is the one the head was trained on."""
        if fingerprint != self.encoder_fingerprint:
            raise EncoderMismatchError(
                f"this head was trained on {self.encoder} ({self.encoder_fingerprint[:12]}), and the encoder that "
                f"runs is {fingerprint[:12]}; choose that encoder, or train the head again on this one"
            )

    def to_bytes(self) -> bytes:
        """The head as one npz file: arrays and two names, nothing executable."""
        buffer = io.BytesIO()
        arrays: dict[str, Any] = {name: getattr(self, name) for name in _ARRAYS}
        np.savez(buffer, encoder=self.encoder, fingerprint=self.encoder_fingerprint, **arrays)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> QuadrantHead:
        """Read what ``to_bytes`` gave; BrokenModelError says what is wrong with it."""
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as stored:
                arrays = {name: np.asarray(stored[name], np.float32) for name in _ARRAYS}
                encoder, fingerprint = str(stored["encoder"]), str(stored["fingerprint"])
        except UNREADABLE as error:
            raise BrokenModelError(f"this is no quadrants head ({error}); train it again") from error
        if any(arrays[name].ndim != axes for name, axes in _ARRAYS.items()):
            raise BrokenModelError("the arrays of this quadrants head have other shapes; train it again")
        return cls(encoder, fingerprint, **arrays)
