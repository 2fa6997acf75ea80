"""The encoder actor: pictures in, embeddings out."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from models.preprocess import to_input
from models.registry import encoder_row, resolve_weights
from models.session import Device, Session


class Encoder:
    """One encoder's session; the caller decides where it runs and with how many threads.

    Raises a ModelError for an unknown name, missing weights, a broken file or an absent device.
    """

    def __init__(self, name: str, threads: int, device: Device, batch: int = 32) -> None:
        self._row = encoder_row(name)
        self._batch = batch
        self._session = Session(resolve_weights(self._row), self._row, threads=threads, device=device)

    def __call__(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float16]:
        """Embed uint8 [n, size, size, 3]; returns float16 [n, dimension], the values that are stored."""
        embeddings = np.empty((len(pixels), self._row.dimension), np.float16)
        for start in range(0, len(pixels), self._batch):
            part = slice(start, start + self._batch)
            raw = self._session.run(to_input(pixels[part], self._row))
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                if self._row.normalise:
                    raw = raw / np.linalg.norm(raw, axis=1, keepdims=True)
                embeddings[part] = raw.astype(np.float16)
        return embeddings

    def describe(self) -> dict[str, Any]:
        """Return name, fingerprint, dimension and the provider that really runs."""
        return {
            "name": self._row.name,
            "fingerprint": self._session.fingerprint,
            "dimension": self._row.dimension,
            "provider": self._session.provider,
        }
