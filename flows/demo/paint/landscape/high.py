"""Mountains by day, in winter and against the evening sky."""

from __future__ import annotations

import numpy as np
from PIL import Image

from flows.demo.paint.canvas import Colour, Size, finish, mixed, shape_of, varied
from flows.demo.paint.landscape.ridges import Rock, land, mountain, ranges, rolling, skyline
from flows.demo.paint.landscape.sky import (
    CLEAR,
    DAWN,
    DUSK,
    HAZY,
    OVERCAST,
    Light,
    choose,
    mist,
    sky,
    stars,
    sun,
)
from flows.demo.paint.landscape.trees import conifers, wood
from flows.demo.paint.noise import Floats, Random

GRANITE = Rock((0.66, 0.6, 0.54), (0.24, 0.25, 0.31))
SLATE = Rock((0.54, 0.56, 0.56), (0.18, 0.21, 0.27))
LOAM = Rock((0.55, 0.54, 0.36), (0.2, 0.23, 0.22))
PINE: Colour = (0.05, 0.1, 0.08)
PINE_LIT: Colour = (0.16, 0.25, 0.14)
WHITE: Colour = (0.95, 0.96, 0.98)
BLUE_SHADE: Colour = (0.66, 0.74, 0.86)


def rock(rng: Random, snow: float) -> Rock:
    """One of the rocks, varied, with so much snow on it."""
    kind = (GRANITE, SLATE, LOAM)[int(rng.integers(3))]
    return Rock(varied(rng, kind.lit), varied(rng, kind.shade, 0.02), snow)


def mountains(rng: Random, size: Size) -> Image.Image:
    """Ranges behind ranges, snow on the high ones, a wood or a meadow in front."""
    shape = shape_of(size)
    height, width = shape
    light = choose(rng)
    far, last = height * rng.uniform(0.3, 0.5), height * rng.uniform(0.7, 0.85)
    canvas = sky(rng, shape, far + height * 0.1, light)
    ground = rolling(rng, width, height * rng.uniform(0.8, 0.97), height * 0.04, 2.5)
    stone = rock(rng, float(rng.uniform(0, 0.9)))
    scene = canvas[:, : int(min(float(ground.max()) + 2, height))]
    count = int(rng.integers(2, 5))
    ranges(rng, scene, light, stone, rows_from_to=(far, last), relief=height * 0.22, count=count)
    veil = float(rng.uniform(0, 0.6))
    mist(scene, height * rng.uniform(0.6, 0.8), height * 0.08, light.haze, strength=veil)
    if rng.random() < 0.7:
        outline = conifers(rng, ground, height * rng.uniform(0.08, 0.26), int(rng.integers(40, 110)))
        wood(rng, canvas, outline, (varied(rng, PINE, 0.02), varied(rng, PINE_LIT)), height)
    else:
        land(rng, canvas, ground, (varied(rng, (0.22, 0.3, 0.12)), varied(rng, (0.5, 0.52, 0.25))), light)
    return finish(rng, canvas, size)


def snow(rng: Random, size: Size) -> Image.Image:
    """A winter valley: white slopes, dark conifers scattered in rows over them."""
    shape = shape_of(size)
    height = shape[0]
    light = choose(rng, (CLEAR, CLEAR, HAZY, OVERCAST, DAWN))
    far = height * rng.uniform(0.28, 0.42)
    canvas = sky(rng, shape, far + height * 0.12, light)
    stone, count = rock(rng, float(rng.uniform(0.8, 2.5))), int(rng.integers(1, 4))
    scene = canvas[:, : int(height * 0.75)]
    ranges(rng, scene, light, stone, rows_from_to=(far, height * 0.55), relief=height * 0.2, count=count)
    rows_of_trees = int(rng.integers(2, 5))
    for i in range(rows_of_trees):
        slope(rng, canvas, light, (i + 1) / rows_of_trees)
    return finish(rng, canvas, size)


def slope(rng: Random, canvas: Floats, light: Light, near: float) -> None:
    """A slope of snow, and conifers in clumps along its edge."""
    height, width = canvas.shape[1:]
    ground = rolling(rng, width, height * (0.48 + 0.38 * near), height * 0.06, rng.uniform(1.5, 4))
    tall = height * (0.04 + 0.2 * near**2) * rng.uniform(0.6, 1.5)
    clumps = rolling(rng, width, 0, 1, rng.uniform(2, 6)) > rng.uniform(-0.7, 0.5)
    outline = np.where(clumps, conifers(rng, ground, tall, int(90 - 50 * near)), ground + 1)
    pine = mixed(PINE, light.haze, 0.5 * (1 - near))
    wood(rng, canvas, outline, (pine, mixed(pine, WHITE, 0.45)), ground + 2)
    land(rng, canvas, ground, (BLUE_SHADE, WHITE), light, distance=0.25 * (1 - near), cell=(40, 160))


def sunset(rng: Random, size: Size) -> Image.Image:
    """A low sun or its afterglow over dark ridges, sometimes with the first stars."""
    shape = shape_of(size)
    height, width = shape
    light = choose(rng, (DUSK,))
    horizon = height * rng.uniform(0.5, 0.72)
    canvas = sky(rng, shape, horizon, light)
    if rng.random() < 0.4:
        stars(rng, canvas, horizon * 0.7, int(rng.integers(150, 700)))
    at = (horizon - height * rng.uniform(0.0, 0.12), width * rng.uniform(0.15, 0.85))
    sun(canvas, at, height * rng.uniform(0.02, 0.045), light.sun, glow=float(rng.uniform(0.5, 0.9)))
    count = int(rng.integers(2, 5))
    for i in range(count):
        near = (i + 1) / count
        base, relief = horizon + height * 0.3 * near**1.3, height * rng.uniform(0.08, 0.16)
        crest = skyline(rng, width, base, relief, rng.uniform(2, 5), rough=0.45)
        dark = mixed(light.haze, (0.03, 0.025, 0.05), 0.35 + 0.6 * near)
        dim = Rock(mixed(dark, light.sun, 0.12), dark)
        mountain(rng, canvas, crest, dim, light, distance=0.35 * (1 - near))
    if rng.random() < 0.5:
        ground = rolling(rng, width, height * 0.93, height * 0.03, 2)
        outline = conifers(rng, ground, height * rng.uniform(0.1, 0.22), int(rng.integers(20, 70)))
        wood(rng, canvas, outline, ((0.015, 0.015, 0.025), (0.03, 0.03, 0.04)), height)
    return finish(rng, canvas, size)
