"""The encoder actor: pictures in, embeddings out."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from models.batch_size import quickest_batch
from models.inference import infer, unit
from models.precision import Precision, precise_weights
from models.registry import encoder_row, fingerprint_of
from models.session import Device, Session

_CPU_BATCH = 32


class Encoder:
    """One encoder's session; the caller decides where it runs and with how many threads.

    ``row`` is the encoder's, whether it was named by its name or by a path. Without a ``batch`` the quickest is
    searched on a GPU. In another ``precision`` it still counts as the fp32 model that it was made of.
    Raises a ModelError for an unknown name, missing weights, a broken file or an absent device.
    """

    def __init__(
        self,
        name: str,
        threads: int,
        device: Device,
        batch: int | None = None,
        precision: Precision = Precision.FP32,
    ) -> None:
        self.row = encoder_row(name)
        self._precision = precision
        path, source = precise_weights(self.row, precision)
        self._fingerprint = fingerprint_of(self.row, source)
        self._session = Session(path, self.row, threads=threads, device=device)
        # On a CPU any batch from 8 on is as good as another (docs/models.md); on a GPU that depends on the card.
        self._batch = batch or (quickest_batch(self._session) if device == "cuda" else _CPU_BATCH)

    def __call__(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float16]:
        """Embed uint8 [n, size, size, 3]; returns float16 [n, dimension], the values that are stored."""
        raw = infer(self._session, pixels, self._batch)
        vectors = unit(raw) if self.row.normalise else raw
        with np.errstate(over="ignore"):
            return vectors.astype(np.float16)

    def describe(self) -> dict[str, Any]:
        """Return name, fingerprint, dimension, precision, batch and the provider that really runs."""
        return {
            "name": self.row.name,
            "fingerprint": self._fingerprint,
            "dimension": self.row.dimension,
            "precision": self._precision.value,
            "batch": self._batch,
            "provider": self._session.provider,
        }
