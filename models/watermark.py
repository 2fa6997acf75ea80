"""The watermark detector's contract: 512×512 in, one logit a picture out, as the ancestors had it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from models import preprocess
from models.registry import resolve_weights, watermark_row

ROW = watermark_row("watermark")
SIZE = ROW.size
THRESHOLD = 0.5


def prepare(image: Image.Image) -> npt.NDArray[np.uint8]:
    """A picture of any shape as the network's square, uint8 [512, 512, 3].

    The whole picture is stretched, never cropped, by the registry row's filter (Lanczos, antialiased): a
    credit in a corner counts as much as a banner in the middle.
    """
    return preprocess.resize(image.convert("RGB"), ROW)


def to_input(batch: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Prepared pictures, uint8 [n, 512, 512, 3], as float32 [n, 3, 512, 512] from -1 to 1 (x/127.5 - 1)."""
    return preprocess.to_input(batch, ROW)


def probability(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The logistic function of logits [n, 1] or [n], as float32 [n]; marked means more than `THRESHOLD`."""
    # tanh saturates where exp overflows.
    flat = logits.reshape(len(logits)).astype(np.float32)
    marked: npt.NDArray[np.float32] = np.float32(0.5) * (1 + np.tanh(np.float32(0.5) * flat))
    return marked


def weights_path() -> Path:
    """The committed network; WeightsMissingError says how to restore it."""
    return resolve_weights(ROW)
