"""Green country: rolling fields, a forest from inside."""

from __future__ import annotations

import numpy as np
from PIL import Image

from flows.demo.paint.canvas import (
    Colour,
    Size,
    blank,
    column,
    columns,
    finish,
    lay,
    mixed,
    rows,
    shape_of,
    varied,
)
from flows.demo.paint.landscape.ridges import below, land, rolling
from flows.demo.paint.landscape.sky import Light, choose, sky
from flows.demo.paint.landscape.trees import crowns, wood
from flows.demo.paint.noise import Floats, Random, field, line, step

FIELDS: tuple[Colour, ...] = (
    (0.36, 0.5, 0.18),
    (0.24, 0.4, 0.14),
    (0.62, 0.62, 0.26),
    (0.78, 0.68, 0.34),
    (0.45, 0.36, 0.24),
    (0.82, 0.74, 0.2),
)
AIRS: tuple[Colour, ...] = ((0.8, 0.86, 0.78), (0.86, 0.84, 0.7), (0.74, 0.79, 0.8))
LEAVES: tuple[Colour, ...] = ((0.2, 0.34, 0.1), (0.3, 0.38, 0.1), (0.5, 0.32, 0.08))
LEAF: Colour = (0.07, 0.13, 0.05)
LEAF_LIT: Colour = (0.24, 0.36, 0.12)


def hills(rng: Random, size: Size) -> Image.Image:
    """Rolling farmland: fields in strips, hedges and copses, hills behind hills in the haze."""
    shape = shape_of(size)
    height, width = shape
    light = choose(rng)
    far = height * rng.uniform(0.34, 0.52)
    canvas = sky(rng, shape, far, light)
    count = int(rng.integers(4, 7))
    for i in range(count):
        near = i / (count - 1)
        base = far + (height * 0.9 - far) * near**1.3
        crest = rolling(rng, width, base, height * (0.035 + 0.04 * near), 3 - 1.5 * near)
        if rng.random() < 0.75 and i:
            hedge(
                rng,
                canvas,
                crest,
                height * (0.015 + 0.06 * near * rng.random()),
                light,
                distance=0.6 * (1 - near),
            )
        hidden = int(height * (0.25 + 0.75 * near + 0.5 / count) + far) if i + 1 < count else height
        farmland(rng, canvas[:, : min(hidden, height)], crest, near, light)
    return finish(rng, canvas, size)


def farmland(rng: Random, canvas: Floats, crest: Floats, near: float, light: Light) -> None:
    """A hill of fields: bands of different crops with furrows that follow the slope."""
    top, mask, depth = below(crest, canvas.shape[1])
    shape = (depth.shape[0], depth.shape[1])
    width = shape[1]
    slant = np.float32(rng.uniform(-1.5, 1.5))
    across = (columns(shape) + slant * depth + 20 * field(rng, shape, (60, 120), 2)) / np.float32(width)
    edges = np.sort(rng.uniform(-0.2, 1.2, int(rng.integers(2, 7)))).astype(np.float32)
    veil = 0.65 * (1 - near) ** 1.4
    crops = [varied(rng, FIELDS[int(rng.integers(len(FIELDS)))]) for _ in range(8)]
    palette = np.array([mixed(crop, light.haze, veil) for crop in crops], np.float32)
    layer = np.ascontiguousarray(palette.T)[:, np.searchsorted(edges, across)]
    furrows = np.sin(across * np.float32(width * rng.uniform(0.25, 0.6)))
    rough = field(rng, shape, (10 + 12 * near, 40), 5, 0.75)
    tone = 1 + 0.05 * near * furrows + 0.09 * rough - 0.25 * depth / np.float32(max(depth.max(), 1.0))
    lay(canvas[:, top:], mask, layer * (tone * np.float32(light.ambient)))


def hedge(rng: Random, canvas: Floats, crest: Floats, tall: float, light: Light, *, distance: float) -> None:
    """Trees along a crest, in clumps."""
    outline = crowns(rng, crest, tall, int(rng.integers(10, 60)))
    clumps = rolling(rng, crest.size, 0, 1, 6) > rng.uniform(-0.5, 0.8)
    dark, pale = (mixed(varied(rng, colour, 0.02), light.haze, distance) for colour in (LEAF, LEAF_LIT))
    wood(rng, canvas, np.where(clumps, outline, crest + 1), (dark, pale), crest + 3)


def forest(rng: Random, size: Size) -> Image.Image:
    """Among trunks: pale light between the far ones, dark near ones, a floor of moss or leaves."""
    shape = shape_of(size)
    height, width = shape
    haze = varied(rng, AIRS[int(rng.integers(len(AIRS)))], 0.02)
    leaf = varied(rng, LEAVES[int(rng.integers(len(LEAVES)))], 0.05)
    air = Light(haze, haze, haze, haze, 0.95)
    canvas = blank(shape, haze) * (0.9 + 0.12 * field(rng, shape, (height / 2, width / 3), 3))
    floor = height * rng.uniform(0.6, 0.8)
    layers = int(rng.integers(4, 6))
    for i in range(layers):
        near = i / (layers - 1)
        ground = rolling(rng, width, floor + (height * 0.97 - floor) * near**1.5, height * 0.025, 3)
        foliage(rng, canvas, near, leaf, haze)
        bark = mixed(haze, varied(rng, (0.13, 0.1, 0.07), 0.02), 0.25 + 0.7 * near)
        trunks(rng, canvas, ground, near, bark)
        moss = mixed(haze, leaf, 0.35 + 0.6 * near)
        land(rng, canvas, ground, (mixed(moss, (0, 0, 0), 0.6), moss), air, cell=(14, 30))
    return finish(rng, canvas, size)


def foliage(rng: Random, canvas: Floats, near: float, leaf: Colour, haze: Colour) -> None:
    """Leaves that hang in from above, and thin out downwards."""
    reach = canvas.shape[1] * float(rng.uniform(0.25, 0.6))
    part = canvas[:, : int(min(1.5 * reach, canvas.shape[1]))]
    shape = (part.shape[1], part.shape[2])
    clumps = field(rng, shape, (canvas.shape[1] / 5, shape[1] / 7), 6, 0.74)
    mask = step(0.1, 0.5, clumps + 0.9 - 1.9 * rows(shape) / np.float32(reach)) * np.float32(0.85)
    shade = column(mixed(haze, mixed(leaf, (0, 0, 0), 0.5), 0.2 + 0.75 * near))
    lit = column(mixed(haze, leaf, 0.5 + 0.5 * near))
    tone = np.clip(0.5 + 0.5 * np.roll(clumps, -3, axis=0), 0, 1)
    lay(part, mask, shade + tone * (lit - shade))


def trunks(rng: Random, canvas: Floats, ground: Floats, near: float, bark: Colour) -> None:
    """Upright trunks with a lit side, standing on the ground (w,): many thin far ones, a few thick near ones."""
    height, width = canvas.shape[1:]
    thick = width * (0.006 + 0.035 * near**1.5)
    furrows = field(rng, (height, int(4 * thick + 0.3 * height)), (40, 5), 2, 0.7)
    for centre in rng.uniform(0, width, int(26 - 20 * near)):
        half = thick * float(rng.uniform(0.5, 1.2)) / 2
        lean = float(np.clip(rng.normal(0, 0.04), -0.1, 0.1)) * height
        left = int(np.clip(centre - half * 1.6 - max(lean, 0) - 3, 0, width - 1))
        right = int(np.clip(centre + half * 1.6 - min(lean, 0) + 4, left + 1, width))
        foot = int(min(ground[min(int(centre), width - 1)] + half * 0.6, height))
        y = rows((foot, 1)) / np.float32(height)
        bow = np.float32(centre - left) + np.float32(lean) * (y - 1) + 1.5 * line(rng, foot, 60, 3)[:, None]
        girth = np.float32(half) * (0.7 + 0.3 * y + 0.8 * np.maximum(y - foot / height + 0.04, 0))
        across = (columns((1, right - left)) - bow) / girth
        texture = 1 - 0.35 * across + 0.25 * furrows[:foot, : right - left]
        lay(
            canvas[:, :foot, left:right],
            np.clip((1.05 - np.abs(across)) * np.float32(half), 0, 1),
            column(bark) * texture,
        )
