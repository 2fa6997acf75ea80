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
LEAF: Colour = (0.07, 0.13, 0.05)
LEAF_LIT: Colour = (0.24, 0.36, 0.12)


def hills(rng: Random, size: Size) -> Image.Image:
    """Rolling farmland: fields in strips, hedges and copses, a blue range far behind."""
    shape = shape_of(size)
    height, width = shape
    light = choose(rng)
    far = height * rng.uniform(0.34, 0.52)
    canvas = sky(rng, shape, far, light)
    count = int(rng.integers(4, 7))
    for i in range(count):
        near = i / (count - 1)
        crest = rolling(
            rng, width, far + (height * 0.9 - far) * near**1.3, height * (0.035 + 0.04 * near), 3 - 1.5 * near
        )
        crest = crest.astype(np.float32)
        if rng.random() < 0.75 and i:
            hedge(rng, canvas, crest, height * (0.015 + 0.06 * near * rng.random()), light, 0.6 * (1 - near))
        farmland(rng, canvas, crest, near, light)
    return finish(rng, canvas, size)


def farmland(rng: Random, canvas: Floats, crest: Floats, near: float, light: Light) -> None:
    """A hill of fields: bands of different crops with furrows that follow the slope."""
    top, mask, depth = below(crest, canvas.shape[1])
    shape = (depth.shape[0], depth.shape[1])
    width = shape[1]
    slant = np.float32(rng.uniform(-1.5, 1.5))
    across = (columns(shape) + slant * depth + 20 * field(rng, shape, (60, 120), 2)) / width
    edges = np.sort(rng.uniform(-0.2, 1.2, int(rng.integers(2, 7))))
    crop = np.searchsorted(edges, across).astype(np.intp)
    palette = np.array([varied(rng, FIELDS[int(rng.integers(len(FIELDS)))]) for _ in range(8)], np.float32)
    layer = np.ascontiguousarray(palette[crop].transpose(2, 0, 1))
    furrows = np.sin(across * np.float32(width * rng.uniform(0.25, 0.6)))
    rough = field(rng, shape, (10 + 12 * near, 40), 5, 0.75)
    tone = 1 + 0.05 * furrows * near + 0.09 * rough - 0.25 * depth / max(float(depth.max()), 1.0)
    layer *= tone * np.float32(light.ambient)
    lay(layer, np.broadcast_to(np.float32(0.65 * (1 - near) ** 1.4), shape), light.haze)
    lay(canvas[:, top:], mask, layer)


def hedge(rng: Random, canvas: Floats, crest: Floats, tall: float, light: Light, distance: float) -> None:
    """Trees along a crest, in clumps."""
    outline = crowns(rng, crest, tall, int(rng.integers(10, 60)))
    clumps = rolling(rng, crest.size, 0, 1, 6) > rng.uniform(-0.5, 0.8)
    outline = np.where(clumps, outline, crest + 1).astype(np.float32)
    dark, pale = (mixed(varied(rng, c, 0.02), light.haze, distance) for c in (LEAF, LEAF_LIT))
    wood(rng, canvas, outline, dark, pale, crest + 3)


def forest(rng: Random, size: Size) -> Image.Image:
    """Among trunks: pale light between the far ones, dark near ones, a floor of moss or leaves."""
    shape = shape_of(size)
    height, width = shape
    haze = varied(rng, ((0.8, 0.86, 0.78), (0.86, 0.84, 0.7), (0.72, 0.78, 0.8))[int(rng.integers(3))])
    leaf = varied(rng, ((0.2, 0.34, 0.1), (0.3, 0.38, 0.1), (0.5, 0.32, 0.08))[int(rng.integers(3))], 0.05)
    canvas = blank(shape, haze)
    glow = field(rng, shape, (height / 2, width / 3), 3)
    canvas *= 0.9 + 0.12 * glow
    floor = height * rng.uniform(0.6, 0.8)
    layers = int(rng.integers(4, 7))
    for i in range(layers):
        near = i / (layers - 1)
        ground = rolling(rng, width, floor + (height * 0.97 - floor) * near**1.5, height * 0.025, 3).astype(
            np.float32
        )
        foliage(rng, canvas, near, leaf, haze)
        bark = mixed(haze, varied(rng, (0.13, 0.1, 0.07), 0.02), 0.25 + 0.7 * near)
        trunks(rng, canvas, ground, near, bark, int(26 - 20 * near))
        moss = mixed(haze, leaf, 0.35 + 0.6 * near)
        light = Light(haze, haze, haze, haze, 0.95)
        land(rng, canvas, ground, (mixed(moss, (0, 0, 0), 0.6), moss), light, 0.0, (14, 30))
    return finish(rng, canvas, size)


def foliage(rng: Random, canvas: Floats, near: float, leaf: Colour, haze: Colour) -> None:
    """Leaves that hang in from above, and thin out downwards."""
    shape = (canvas.shape[1], canvas.shape[2])
    reach = shape[0] * float(rng.uniform(0.25, 0.6))
    clumps = field(rng, shape, (shape[0] / 5, shape[1] / 7), 7, 0.72)
    mask = step(0.1, 0.5, clumps + 0.9 - 1.9 * rows(shape) / np.float32(reach)) * np.float32(0.85)
    dark, pale = (
        mixed(haze, mixed(leaf, (0, 0, 0), 0.5), 0.2 + 0.75 * near),
        mixed(haze, leaf, 0.5 + 0.5 * near),
    )
    tone = np.clip(0.5 + 0.5 * np.roll(clumps, -3, axis=0), 0, 1)
    lay(canvas, mask, column(dark) + tone * (column(pale) - column(dark)))


def trunks(rng: Random, canvas: Floats, ground: Floats, near: float, bark: Colour, count: int) -> None:
    """Upright trunks with a lit side, standing on the ground (w,)."""
    height, width = canvas.shape[1:]
    thick = width * (0.006 + 0.035 * near**1.5)
    for centre in rng.uniform(0, width, count):
        half = thick * float(rng.uniform(0.5, 1.2)) / 2
        lean = float(rng.normal(0, 0.04)) * height
        left = int(np.clip(centre - half * 2 - abs(lean) - 3, 0, width - 1))
        right = int(np.clip(centre + half * 2 + abs(lean) + 4, left + 1, width))
        foot = int(min(ground[min(int(centre), width - 1)] + half * 0.6, height))
        part = canvas[:, :foot, left:right]
        y = rows((foot, 1)) / height
        middle = (
            np.float32(centre - left) + np.float32(lean) * (y - 1) + 1.5 * line(rng, foot, 60, 3)[:, None]
        )
        across = (columns((1, right - left)) - middle) / (
            half * (0.7 + 0.3 * y + 0.8 * np.maximum(y - foot / height + 0.04, 0))
        )
        mask = np.clip((1.05 - np.abs(across)) * np.float32(half), 0, 1)
        texture = 1 - 0.35 * across + 0.25 * field(rng, (foot, right - left), (40, 5), 2, 0.7)
        lay(part, mask, column(bark) * texture)
