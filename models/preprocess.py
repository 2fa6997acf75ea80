"""From a picture to a model's input, as its row says: one path for every encoder."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

from models.registry import Layout, ModelRow, ResizeRule

_VIA = 512
_LONGEST = 8  # sides of this ratio and more


def shortest_side(row: ModelRow) -> int:
    """Return the pixels a decoder must keep on the shorter side for the row's square to be the same to an encoder.

    Twice the square's: a JPEG decoded at a coarser scale shows in it (benchmarks/preprocessing.py).
    """
    return 2 * row.size


def resize(image: Image.Image, row: ModelRow) -> npt.NDArray[np.uint8]:
    """Return an RGB picture as the row's square, uint8 [size, size, 3]."""
    side = (row.size, row.size)
    match row.resize:
        case ResizeRule.STRETCH_QUICK:
            squared = image.resize(side, Image.Resampling.BICUBIC, reducing_gap=2.0)
        case ResizeRule.STRETCH_BICUBIC:
            squared = image.resize(side, Image.Resampling.BICUBIC)
        case ResizeRule.STRETCH_LANCZOS:
            squared = image.resize(side, Image.Resampling.LANCZOS)
        case ResizeRule.STRETCH_LANCZOS_VIA_512:
            via = image.resize((_VIA, _VIA), Image.Resampling.LANCZOS)
            squared = via.resize(side, Image.Resampling.LANCZOS)
        case ResizeRule.CROP_BICUBIC:
            squared = _middle(image, row.size)
    return np.asarray(squared, np.uint8)


def _middle(image: Image.Image, size: int) -> Image.Image:
    """Scale the shorter side to ``size`` and crop the middle, rounding down as CLIP's image processor does."""
    # Of what is longer than that, only the middle is ever seen, and all of it would be scaled up.
    longest = _LONGEST * min(image.size)
    if max(image.size) > longest:
        left, top = (max(0, side - longest) // 2 for side in image.size)
        image = image.crop((left, top, image.width - left, image.height - top))
    width, height = (side * size // min(image.size) for side in image.size)
    scaled = image.resize((width, height), Image.Resampling.BICUBIC)
    left, top = (width - size) // 2, (height - size) // 2
    return scaled.crop((left, top, left + size, top + size))


def to_input(batch: npt.NDArray[np.uint8], row: ModelRow) -> npt.NDArray[np.float32]:
    """Return uint8 [n, size, size, 3] as float32 in the row's layout, scaled by its mean and std."""
    std = np.asarray(row.std, np.float32)
    scale = np.float32(1 / 255) / std
    shift = np.asarray(row.mean, np.float32) / std
    if row.layout is Layout.NCHW:
        # Plane by plane: numpy is many times slower where its inmost axis is the three channels.
        batch, scale, shift = batch.transpose(0, 3, 1, 2), scale.reshape(3, 1, 1), shift.reshape(3, 1, 1)
    scaled: npt.NDArray[np.float32] = np.multiply(batch, scale, dtype=np.float32, order="C")
    scaled -= shift
    return scaled
