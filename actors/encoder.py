"""The encoder actor: pictures in, embeddings out."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from models.inference import infer
from models.registry import encoder_row, resolve_weights
from models.session import Device, Session


class Encoder:
    """One encoder's session; the caller decides where it runs and with how many threads.

    ``row`` is the encoder's, whether it was named by its name or by a path.
    Raises a ModelError for an unknown name, missing weights, a broken file or an absent device.
    """

    def __init__(self, name: str, threads: int, device: Device, batch: int = 32) -> None:
        self.row = encoder_row(name)
        self._batch = batch
        self._session = Session(resolve_weights(self.row), self.row, threads=threads, device=device)

    def __call__(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float16]:
        """Embed uint8 [n, size, size, 3]; returns float16 [n, dimension], the values that are stored."""
        raw = infer(self._session, pixels, self._batch)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            if self.row.normalise:
                raw = raw / np.linalg.norm(raw, axis=1, keepdims=True)
            return raw.astype(np.float16)

    def describe(self) -> dict[str, Any]:
        """Return name, fingerprint, dimension and the provider that really runs."""
        return {
            "name": self.row.name,
            "fingerprint": self._session.fingerprint,
            "dimension": self.row.dimension,
            "provider": self._session.provider,
        }
