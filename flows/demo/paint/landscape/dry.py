"""Dry country: dunes and canyons."""

from __future__ import annotations

import numpy as np
from PIL import Image

from flows.demo.paint.canvas import Colour, Size, column, finish, lay, shape_of, varied
from flows.demo.paint.landscape.ridges import Rock, below, land, mountain, rolling
from flows.demo.paint.landscape.sky import CLEAR, DAWN, GOLDEN, HAZY, Light, choose, sky
from flows.demo.paint.noise import Floats, Random, field, line, step


def dunes(rng: Random, size: Size) -> Image.Image:
    """Dunes behind dunes, each with a lit flank, a sharp crest and a shadow."""
    shape = shape_of(size)
    height, _ = shape
    light = choose(rng, (CLEAR, CLEAR, HAZY, GOLDEN, GOLDEN, DAWN))
    far = height * rng.uniform(0.28, 0.5)
    canvas = sky(rng, shape, far + height * 0.05, light)
    sand = varied(rng, (0.87, 0.62, 0.36), 0.05)
    count = int(rng.integers(4, 7))
    for i in range(count):
        near = i / (count - 1)
        dune(rng, canvas, far + (height * 0.92 - far) * near**1.4, near, sand, light)
    return finish(rng, canvas, size)


def dune(rng: Random, canvas: Floats, base: float, near: float, sand: Colour, light: Light) -> None:
    """One dune: which flank is in shadow changes where its crest bends."""
    height, width = canvas.shape[1:]
    crest = rolling(rng, width, base, height * (0.03 + 0.07 * near), 2.2 - near) + np.float32(
        height * 0.012
    ) * np.abs(line(rng, width, width / 5, 2, 0.4, smooth=True))
    top, mask, depth = below(crest.astype(np.float32), height)
    shape = (depth.shape[0], depth.shape[1])
    # The foot of the slip face wanders down from the crest: above it shadow, below it light.
    foot = height * (0.05 + 0.22 * near) * line(rng, width, width / 3, 3, 0.4, smooth=True)[None]
    wander = 6 * field(rng, shape, (40, 80), 2)
    shadow = step(3, -3, depth - foot + wander) * np.float32(0.75)
    ripples = np.sin((depth + 5 * field(rng, shape, (20, 90), 3)) * np.float32(1.3 - 0.55 * near))
    tone = 1 + 0.035 * near * ripples + 0.05 * field(rng, shape, (60, 150), 3)
    lit = column(sand) * tone * np.float32(light.ambient + 0.12)
    lay(lit, shadow, (sand[0] * 0.5, sand[1] * 0.42, sand[2] * 0.42))
    lay(lit, np.broadcast_to(np.float32(0.45 * (1 - near) ** 1.5), shape), light.haze)
    lay(canvas[:, top:], mask, lit)


def canyon(rng: Random, size: Size) -> Image.Image:
    """Mesas and buttes of layered red rock over a dry plain."""
    shape = shape_of(size)
    height, width = shape
    light = choose(rng, (CLEAR, CLEAR, HAZY, GOLDEN, DAWN))
    floor = height * rng.uniform(0.5, 0.68)
    canvas = sky(rng, shape, floor, light)
    count = int(rng.integers(2, 5))
    for i in range(count):
        near = (i + 1) / count
        mesa(
            rng,
            canvas,
            floor + height * 0.16 * near**2,
            height * (0.12 + 0.26 * near),
            light,
            0.5 * (1 - near),
        )
    plain = rolling(rng, width, floor + height * 0.2, height * 0.03, 3)
    colours = (varied(rng, (0.5, 0.3, 0.2)), varied(rng, (0.74, 0.55, 0.38)))
    land(rng, canvas, plain, colours, light, 0.0, (8, 30))
    if rng.random() < 0.5:
        edge = rolling(rng, width, height * 0.98, height * 0.1, 2) + 6 * line(rng, width, 40, 6, 0.7)
        mountain(rng, canvas, edge, Rock((0.6, 0.36, 0.24), (0.2, 0.1, 0.09)), light, 0.0)
    return finish(rng, canvas, size)


def mesa(rng: Random, canvas: Floats, foot: float, rise: float, light: Light, distance: float) -> None:
    """A row of flat-topped rocks with strata, vertical cracks and slopes of debris."""
    height, width = canvas.shape[1:]
    plateau = step(
        -0.1, 0.16, line(rng, width, width / rng.uniform(2, 5), 5, 0.45) - np.float32(rng.uniform(-0.3, 0.6))
    )
    low = step(-0.6, 0.1, line(rng, width, width / 4, 4, 0.5))
    top_of_rock = plateau * (0.8 + 0.12 * np.round(2 * line(rng, width, width / 4, 2))) + 0.3 * low
    crest = np.float32(foot) - np.float32(rise) * top_of_rock + 1.5 * line(rng, width, 12, 3, 0.8)
    top, mask, depth = below(crest.astype(np.float32), height)
    shape = (depth.shape[0], depth.shape[1])
    y = np.arange(top, top + shape[0], dtype=np.float32)[:, None]
    bend = 3 * field(rng, shape, (60, 200), 3)
    bands = line(rng, 2048, 14, 4, 0.7)
    strata = bands[np.clip(y + bend + 40, 0, 2047).astype(np.intp)]
    cracks = field(rng, shape, (shape[0] * 0.8, 14), 4, 0.7)
    slope = np.tanh(np.gradient(np.convolve(crest, np.ones(15) / 15, "same")) * 0.8).astype(np.float32)[None]
    bright = np.clip(0.5 + 0.2 * strata + 0.17 * cracks - 0.35 * slope, 0, 1)
    dark, pale = column(varied(rng, (0.36, 0.15, 0.1))), column(varied(rng, (0.9, 0.58, 0.38)))
    layer = (dark + bright * (pale - dark)) * np.float32(light.ambient + 0.08)
    debris = step(0.25, 0.6, (y - np.float32(foot - rise * 0.4)) / np.float32(rise)) * np.float32(0.7)
    lay(layer, np.broadcast_to(debris, shape), varied(rng, (0.62, 0.38, 0.26)))
    lay(layer, np.broadcast_to(np.float32(distance), shape), light.haze)
    lay(canvas[:, top:], mask, layer)
