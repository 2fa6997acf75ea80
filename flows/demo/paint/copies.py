"""Encoding, and the copies of a picture that go round: resized, recompressed, a little brighter."""

from __future__ import annotations

import io
import math

from PIL import Image, ImageEnhance

from flows.demo.paint.noise import generator

# The pipeline's default gate in area: a copy should be judged as a copy, not as too small.
MIN_PIXELS = 1280 * 1024


def jpeg(image: Image.Image, quality: int = 88) -> bytes:
    """The image as a baseline JPEG with 4:2:0 chroma."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality, subsampling=2)
    return buffer.getvalue()


def near_duplicate(image: Image.Image, seed: int) -> Image.Image:
    """A copy as reposts make them: scaled by 0.8–1.0, slightly brighter or darker, recompressed.

    It keeps at least 1280×1024 pixels in area where the source has them; the 64-bit pHash stays within 8 bits.
    """
    rng = generator("near_duplicate", seed)
    floor = math.sqrt(MIN_PIXELS / (image.width * image.height))
    scale = min(1.0, max(float(rng.uniform(0.8, 0.97)), floor))
    size = (math.ceil(image.width * scale), math.ceil(image.height * scale))
    copy = image.resize(size, Image.Resampling.LANCZOS) if scale < 1 else image
    copy = ImageEnhance.Brightness(copy).enhance(float(rng.uniform(0.95, 1.05)))
    copy = ImageEnhance.Color(copy).enhance(float(rng.uniform(0.92, 1.08)))
    with Image.open(io.BytesIO(jpeg(copy, int(rng.integers(60, 82))))) as decoded:
        return decoded.convert("RGB")
