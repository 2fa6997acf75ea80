"""A planar float canvas at half resolution, and its way to a finished photograph-like picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageChops

from flows.demo.paint.noise import Floats, Random, scaled

Colour = tuple[float, float, float]
Size = tuple[int, int]

# Soft fields lose nothing at half resolution; grain and lettering are put on at full resolution.
SHRINK = 2


def shape_of(size: Size) -> tuple[int, int]:
    """The (h, w) of the canvas on which a picture of (width, height) `size` is painted."""
    return -(-size[1] // SHRINK), -(-size[0] // SHRINK)


def column(colour: Sequence[float]) -> Floats:
    """A colour as a (3, 1, 1) array, to meet (h, w) masks."""
    return np.asarray(colour, dtype=np.float32).reshape(3, 1, 1)


def mixed(a: Sequence[float], b: Sequence[float], share: float) -> Colour:
    """The colour `share` of the way from a to b."""
    red, green, blue = (x + (y - x) * share for x, y in zip(a, b, strict=True))
    return red, green, blue


def varied(rng: Random, colour: Sequence[float], amount: float = 0.04) -> Colour:
    """The colour with every channel moved a little, within 0 and 1."""
    red, green, blue = (float(np.clip(x + rng.normal(0, amount), 0, 1)) for x in colour)
    return red, green, blue


def blank(shape: tuple[int, int], colour: Sequence[float]) -> Floats:
    """A (3, h, w) canvas of one colour."""
    return np.broadcast_to(column(colour), (3, *shape)).astype(np.float32)


def rows(shape: tuple[int, int]) -> Floats:
    """The y of every row as a (h, 1) array."""
    return np.arange(shape[0], dtype=np.float32)[:, None]


def columns(shape: tuple[int, int]) -> Floats:
    """The x of every column as a (1, w) array."""
    return np.arange(shape[1], dtype=np.float32)[None]


def lay(canvas: Floats, mask: Floats, colour: Sequence[float] | Floats) -> None:
    """Lay a colour (or a (3, h, w) layer) over the canvas in place, where the (h, w) mask says."""
    layer = colour if isinstance(colour, np.ndarray) else column(colour)
    canvas += mask * (layer - canvas)


def finish(rng: Random, canvas: Floats, size: Size, grain: float = 5.0) -> Image.Image:
    """The canvas at full size with film grain of `grain` grey levels, as an RGB image."""
    exposed = np.clip(canvas * 255, 0, 255).astype(np.uint8)
    bands = [Image.fromarray(band) for band in exposed]
    picture = Image.merge("RGB", bands).resize(size, Image.Resampling.BICUBIC)
    return grained(rng, picture, grain)


def grained(rng: Random, picture: Image.Image, grain: float) -> Image.Image:
    """The picture with film grain: mostly luminance, half of it a pixel wide and half of it two."""
    side = 384
    fine = rng.standard_normal((side, side), dtype=np.float32)
    coarse = scaled(rng.standard_normal((side // 2, side // 2), dtype=np.float32), (side, side))
    tile = np.clip(128 + grain * (0.6 * fine + 0.8 * coarse), 0, 255).astype(np.uint8)
    repeats = (-(-picture.height // side), -(-picture.width // side))
    sheet = Image.fromarray(np.tile(tile, repeats)[: picture.height, : picture.width])
    return ImageChops.add(picture, Image.merge("RGB", (sheet, sheet, sheet)), 1, -128)
