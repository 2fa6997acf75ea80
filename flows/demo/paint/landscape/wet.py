"""Water: the sea at the coast, a lake among mountains."""

from __future__ import annotations

import numpy as np
from PIL import Image

from flows.demo.paint.canvas import Colour, Size, finish, lay, mixed, rows, shape_of, varied
from flows.demo.paint.landscape.high import PINE, PINE_LIT, rock
from flows.demo.paint.landscape.ridges import Rock, land, mountain, ranges, rolling, skyline
from flows.demo.paint.landscape.sky import CLEAR, DAWN, GOLDEN, HAZY, OVERCAST, Light, choose, mist, sky
from flows.demo.paint.landscape.trees import conifers, crowns, wood
from flows.demo.paint.landscape.water import glitter, reflect, sea
from flows.demo.paint.noise import Floats, Random, line, step

WATERS: tuple[tuple[Colour, Colour], ...] = (
    ((0.2, 0.42, 0.56), (0.06, 0.27, 0.36)),
    ((0.24, 0.4, 0.5), (0.1, 0.24, 0.32)),
    ((0.3, 0.46, 0.52), (0.1, 0.36, 0.4)),
)


def coast(rng: Random, size: Size) -> Image.Image:
    """The sea under a wide sky, headlands at the side, sand or rocks with foam in front."""
    shape = shape_of(size)
    height, width = shape
    light = choose(rng, (CLEAR, CLEAR, HAZY, OVERCAST, GOLDEN, DAWN))
    horizon = int(height * rng.uniform(0.36, 0.58))
    canvas = sky(rng, shape, horizon, light)
    water = WATERS[int(rng.integers(len(WATERS)))]
    sea(rng, canvas, horizon, (varied(rng, water[0]), varied(rng, water[1])), light)
    if rng.random() < 0.4:
        glitter(rng, canvas, horizon, width * rng.uniform(0.2, 0.8), light.sun)
    for _ in range(int(rng.integers(1, 4))):
        headland(rng, canvas, horizon, light)
    beach(rng, canvas, horizon, light)
    return finish(rng, canvas, size)


def headland(rng: Random, canvas: Floats, horizon: int, light: Light) -> None:
    """A cliff that comes in from one side and ends in the water."""
    height, width = canvas.shape[1:]
    reach = width * rng.uniform(0.2, 0.65)
    distance = float(rng.uniform(0.05, 0.6))
    foot = horizon + height * 0.16 * (1 - distance) ** 2
    x = np.arange(width, dtype=np.float32)
    if rng.random() < 0.5:
        x = x[::-1]
    taper = step(1.0, float(rng.uniform(0.3, 0.9)), x / np.float32(reach))
    rise = height * rng.uniform(0.08, 0.3) * (1 - 0.5 * distance)
    crest = np.float32(foot) - taper * (np.float32(rise) * (0.75 + 0.3 * line(rng, width, width / 4, 8, 0.5)))
    stone = Rock(varied(rng, (0.5, 0.46, 0.36)), varied(rng, (0.17, 0.19, 0.16), 0.02))
    mountain(rng, canvas, crest, stone, light, distance=distance, until=foot)


def beach(rng: Random, canvas: Floats, horizon: int, light: Light) -> None:
    """Sand or rocks in the foreground, with a line of foam where the waves end."""
    height, width = canvas.shape[1:]
    tilt = np.linspace(-1, 1, width, dtype=np.float32) * np.float32(height * rng.uniform(-0.22, 0.22))
    rocky = rng.random() < 0.45
    relief = height * (0.05 if rocky else 0.02)
    outline = relief * line(rng, width, width / 5, 8 if rocky else 3, 0.55)
    edge = np.maximum(np.float32(height * rng.uniform(0.76, 0.96)) + tilt + outline, horizon + 8)
    lace = np.float32(height * 0.012) * (1.5 + line(rng, width, width / 9, 6, 0.6))
    surf = canvas[:, : int(min(edge.max() + 3, height))]
    white = ((0.8, 0.84, 0.85), (1.0, 1.0, 1.0))
    land(rng, surf, np.maximum(edge - lace, horizon + 4), white, light, cell=(3, 9))
    if rocky:
        mountain(rng, canvas, edge, Rock((0.42, 0.38, 0.33), (0.1, 0.1, 0.11)), light, distance=0)
    else:
        sand = varied(rng, (0.76, 0.66, 0.5))
        land(rng, canvas, edge, (mixed(sand, (0.0, 0.0, 0.1), 0.2), sand), light, cell=(10, 60))


def lake(rng: Random, size: Size) -> Image.Image:
    """Mountains and a wooded shore, and both again in the water."""
    shape = shape_of(size)
    height, width = shape
    light = choose(rng)
    shore = int(height * rng.uniform(0.46, 0.64))
    canvas = sky(rng, shape, shore * 0.9, light)
    scene = canvas[:, : shore + 1]
    stone, count = rock(rng, float(rng.uniform(0, 0.9))), int(rng.integers(1, 4))
    reach = (shore * rng.uniform(0.5, 0.7), shore * 0.85)
    ranges(rng, scene, light, stone, rows_from_to=reach, relief=height * 0.2, count=count)
    mist(scene, shore, height * 0.05, light.haze, strength=float(rng.uniform(0, 0.7)))
    bank(rng, canvas, shore)
    reflect(rng, canvas, shore, float(rng.uniform(0.3, 1.0)), varied(rng, (0.12, 0.24, 0.3)))
    glint = canvas[:, shore - 4 : shore + 5]
    lay(glint, np.float32(0.35) * np.exp(-(((rows((9, width)) - 4) / 1.5) ** 2)), light.horizon)
    if rng.random() < 0.45:
        near = skyline(rng, width, height * rng.uniform(0.95, 1.05), height * 0.1, 3)
        mountain(rng, canvas, near, Rock((0.38, 0.38, 0.28), (0.08, 0.1, 0.08)), light, distance=0)
    return finish(rng, canvas, size)


def bank(rng: Random, canvas: Floats, shore: int) -> None:
    """The far shore's trees, standing on row `shore`."""
    height, width = canvas.shape[1:]
    ground = np.minimum(rolling(rng, width, shore - height * 0.01, height * 0.02, 3), np.float32(shore))
    tall = height * rng.uniform(0.03, 0.13)
    outline = conifers(rng, ground, tall, 120) if rng.random() < 0.7 else crowns(rng, ground, tall, 60)
    gaps = rolling(rng, width, 0, 1, 4) > rng.uniform(-1.5, 0)
    colours = (varied(rng, PINE, 0.02), varied(rng, PINE_LIT))
    wood(rng, canvas, np.where(gaps, outline, ground - 2), colours, float(shore))
