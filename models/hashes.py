"""Perceptual hashes: near-duplicates are pictures whose hashes differ in few of 64 bits."""

from __future__ import annotations

import imagehash
import numpy as np
import numpy.typing as npt
from PIL import Image

Hashes = npt.NDArray[np.uint64]


def perceptual_hash(image: Image.Image) -> int:
    """Hash a picture's low frequencies to 64 bits (the DCT hash: https://phash.org, through imagehash)."""
    bits = imagehash.phash(image).hash
    return int.from_bytes(np.packbits(bits.ravel()).tobytes(), "big")


def distances(hash_value: int, others: Hashes) -> npt.NDArray[np.uint8]:
    """Count the bits in which one hash differs from each of the others, uint8 [n]."""
    differing: npt.NDArray[np.uint8] = np.bitwise_count(others ^ np.uint64(hash_value))
    return differing
