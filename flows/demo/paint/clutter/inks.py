"""Colours as Pillow wants them, and the palettes of screens, charts and toys."""

from __future__ import annotations

import colorsys

from flows.demo.paint.noise import Random

Ink = tuple[int, int, int]

BRIGHT: tuple[Ink, ...] = (
    (66, 133, 244),
    (219, 68, 55),
    (244, 180, 0),
    (15, 157, 88),
    (171, 71, 188),
    (0, 172, 193),
    (255, 112, 67),
    (158, 157, 36),
)


def hued(rng: Random, saturation: tuple[float, float], value: tuple[float, float]) -> Ink:
    """Any hue, with saturation and value (0–1) from those ranges."""
    red, green, blue = colorsys.hsv_to_rgb(rng.random(), rng.uniform(*saturation), rng.uniform(*value))
    return round(255 * red), round(255 * green), round(255 * blue)


def bright(rng: Random) -> Ink:
    """One of the colours that charts and apps use."""
    return BRIGHT[int(rng.integers(len(BRIGHT)))]


def toned(ink: Ink, factor: float) -> Ink:
    """The ink, so many times as bright."""
    red, green, blue = (min(255, round(value * factor)) for value in ink)
    return red, green, blue
