"""The watermark actor: pictures in, the probability of a visible mark out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.registry import resolve_weights, watermark_row
from models.session import Device, Session
from models.watermark import probability, to_input


class Watermark:
    """One detector's session; the caller decides where it runs and with how many threads.

    Raises a ModelError for an unknown name, missing weights, a broken file or an absent device.
    """

    def __init__(self, threads: int, device: Device, name: str = "watermark", batch: int = 16) -> None:
        row = watermark_row(name)
        self._batch = batch
        self._session = Session(resolve_weights(row), row, threads=threads, device=device)

    def __call__(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Look at uint8 [n, 512, 512, 3]; returns probabilities, float32 [n]."""
        # In parts: a picture is 3 MB as floats.
        found = np.empty(len(pixels), np.float32)
        for start in range(0, len(pixels), self._batch):
            part = slice(start, start + self._batch)
            found[part] = probability(self._session.run(to_input(pixels[part])))
        return found
