"""Photographs made worse on purpose: what the quality gates should tell from good ones."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter, ImageOps

LONGEST = 1920
QUALITY = 90


def photograph(path: Path) -> Image.Image:
    """Open a photograph, at most 1920 pixels a side: larger originals are soft at full size as they are."""
    with Image.open(path) as image:
        image.draft("RGB", (LONGEST, LONGEST))
        rgb = image.convert("RGB")
    rgb.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
    return rgb


def jpeg(image: Image.Image, quality: int = QUALITY) -> bytes:
    """Save as JPEG, and give the bytes."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _blurred(image: Image.Image, radius: float) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(radius))


def _exposed(image: Image.Image, gain: float) -> Image.Image:
    return image.point(lambda value: min(255, value * gain))


def _noised(image: Image.Image, deviation: float) -> Image.Image:
    pixels = np.asarray(image, np.float32)
    noise = np.random.default_rng(0).normal(0, deviation, pixels.shape)
    return Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8))


def _compressed(image: Image.Image, quality: int) -> Image.Image:
    return Image.open(io.BytesIO(jpeg(image, quality))).convert("RGB")


def _letterboxed(image: Image.Image, share: float, colour: str) -> Image.Image:
    return ImageOps.expand(image, (0, round(image.height * share)), colour)


def _upscaled(image: Image.Image, factor: float) -> Image.Image:
    small = image.resize(
        (round(image.width / factor), round(image.height / factor)), Image.Resampling.LANCZOS
    )
    return small.resize(image.size, Image.Resampling.BICUBIC)


# By the measure that should tell it; all are saved as a JPEG of quality 90 in the end, as on the web.
DEGRADATIONS: dict[str, tuple[str, Callable[[Image.Image], Image.Image]]] = {
    "one colour": ("contrast", lambda image: Image.new("RGB", image.size, image.getpixel((9, 9)))),
    "a sixth of the light": ("dark", lambda image: _exposed(image, 1 / 6)),
    "2.5 times the light": ("bright", lambda image: _exposed(image, 2.5)),
    "letterbox, black, 2 × 12 %": ("border", lambda image: _letterboxed(image, 0.12, "black")),
    "frame, white, 4 × 4 %": (
        "border",
        lambda image: ImageOps.expand(image, round(image.height * 0.04), "white"),
    ),
    "blurred, σ 1.5": ("sharpness", lambda image: _blurred(image, 1.5)),
    "blurred, σ 3": ("sharpness", lambda image: _blurred(image, 3)),
    "noise, σ 8": ("noise", lambda image: _noised(image, 8)),
    "noise, σ 20": ("noise", lambda image: _noised(image, 20)),
    "JPEG 25, saved again": ("blockiness", lambda image: _compressed(image, 25)),
    "JPEG 10, saved again": ("blockiness", lambda image: _compressed(image, 10)),
    "enlarged 1.5 times": ("resolution", lambda image: _upscaled(image, 1.5)),
    "enlarged twice": ("resolution", lambda image: _upscaled(image, 2)),
    "enlarged 3 times": ("resolution", lambda image: _upscaled(image, 3)),
}
