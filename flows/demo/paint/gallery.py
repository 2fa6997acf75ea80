"""One painting of any kind from its seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PIL import Image

from flows.demo.paint import clutter, landscape
from flows.demo.paint.canvas import Size
from flows.demo.paint.kinds import Kind
from flows.demo.paint.noise import Random, generator

Painter = Callable[[Random, Size], Image.Image]
PAINTERS: Mapping[Kind, Painter] = {**landscape.PAINTERS, **clutter.PAINTERS}

WIDE: tuple[Size, ...] = ((1280, 1024), (1440, 1080), (1600, 1067), (1536, 1024), (1920, 1080))
TALL: tuple[Size, ...] = ((1080, 1350), (1080, 1440), (1200, 1500), (1024, 1280))
# Landscapes are seldom held upright; phones make screenshots of everything else.
TALL_SHARE: Mapping[Kind, float] = dict.fromkeys(landscape.PAINTERS, 0.08) | {
    Kind.CHAT: 0.8,
    Kind.ARTICLE: 0.6,
    Kind.POSTER: 0.9,
    Kind.FACE: 0.6,
    Kind.SPREADSHEET: 0.0,
    Kind.DASHBOARD: 0.0,
}


def size_of(kind: Kind, seed: int) -> Size:
    """(width, height) in pixels of the picture `paint` would make, without painting it."""
    rng = generator(f"size of {kind}", seed)
    sizes = TALL if rng.random() < TALL_SHARE.get(kind, 0.3) else WIDE
    return sizes[int(rng.integers(len(sizes)))]


def paint(kind: Kind, seed: int) -> Image.Image:
    """The picture of that kind and seed: RGB, at least 1280×1024 pixels in area, always the same one."""
    return PAINTERS[kind](generator(kind, seed), size_of(kind, seed))
