"""The watermark actor: pictures that the taste accepted in, the probability of a mark out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.registry import resolve_weights, watermark_row
from models.session import Device, Session
from models.watermark import SIZE, probability, to_input

# A 512² picture is 3 MiB of float32 input, and a network's first layers a multiple of that.
_BATCH = 4


class Watermark:
    """One detector's session; the caller decides where it runs and with how many threads.

    Raises a ModelError for an unknown name, missing weights, a broken file or an absent device.
    """

    def __init__(self, threads: int, device: Device, name: str = "watermark") -> None:
        row = watermark_row(name)
        self._session = Session(resolve_weights(row), row, threads=threads, device=device)

    def __call__(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Judge uint8 [n, 512, 512, 3]; returns probabilities, float32 [n], more than 0.5 means marked."""
        if pixels.shape[1:] != (SIZE, SIZE, 3):
            raise ValueError(f"the watermark detector takes [n, {SIZE}, {SIZE}, 3], not {pixels.shape}")
        marked = np.empty(len(pixels), np.float32)
        for start in range(0, len(pixels), _BATCH):
            part = slice(start, start + _BATCH)
            marked[part] = probability(self._session.run(to_input(pixels[part])))
        return marked
