"""Close-ups of things: a product on white, food on a plate, a flower before blurred green."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

from flows.demo.paint.canvas import Size, blank, column, columns, finish, lay, mixed, rows, shape_of, varied
from flows.demo.paint.clutter.people import oval
from flows.demo.paint.noise import Floats, Random, field, line, step


def product(rng: Random, size: Size) -> Image.Image:
    """A bottle, a box or a mug on white, with its shadow."""
    shape = shape_of(size)
    height, width = shape
    canvas = blank(shape, (0.96, 0.96, 0.96))
    x, foot = width * rng.uniform(0.35, 0.65), height * rng.uniform(0.75, 0.92)
    tall, wide = height * rng.uniform(0.35, 0.7), width * rng.uniform(0.08, 0.22)
    colour = varied(rng, (0.5, 0.5, 0.5), 0.28)
    lay(canvas, 0.5 * oval(shape, foot, x + wide * 0.3, height * 0.035, wide * 1.5, 0.9), (0.4, 0.4, 0.42))
    half = silhouette(rng, shape, foot, tall, wide)
    across = (columns(shape) - np.float32(x)) / np.maximum(half, 1)
    mask = np.clip((1 - np.abs(across)) * np.maximum(half, 1), 0, 1) * (half > 0)
    gloss = 0.55 + 0.35 * np.cos(across * 1.4) + 0.5 * np.exp(-(((across + 0.45) / 0.1) ** 2))
    lay(canvas, mask.astype(np.float32), column(colour) * gloss.astype(np.float32))
    label = (
        mask
        * step(0, 2, rows(shape) - foot + tall * rng.uniform(0.45, 0.6))
        * step(0, 2, foot - tall * 0.15 - rows(shape))
    )
    lay(
        canvas,
        label.astype(np.float32),
        column(varied(rng, (0.8, 0.8, 0.75), 0.15)) * gloss.astype(np.float32),
    )
    return finish(rng, canvas, size, 2)


def silhouette(rng: Random, shape: tuple[int, int], foot: float, tall: float, wide: float) -> Floats:
    """Half the width of a turned thing in every row, (h, 1); 0 above and below it."""
    up = (np.float32(foot) - rows(shape)) / np.float32(tall)
    stops = np.linspace(0, 1, 6)
    profile = np.interp(up[:, 0], stops, rng.uniform(0.35, 1, 6) if rng.random() < 0.7 else np.ones(6))
    inside = ((up >= 0) & (up <= 1)).astype(np.float32)
    return (profile[:, None] * wide).astype(np.float32) * inside


def food(rng: Random, size: Size) -> Image.Image:
    """A plate from above with heaps of something on it, on a table."""
    shape = shape_of(size)
    height, width = shape
    table = varied(rng, (0.45, 0.32, 0.22), 0.12)
    grain = field(rng, shape, (8, width / 2), 4, 0.7)
    canvas = blank(shape, table) * (1 + 0.14 * grain)
    y, x = height * rng.uniform(0.4, 0.6), width * rng.uniform(0.4, 0.6)
    r = height * float(rng.uniform(0.34, 0.5))
    lay(canvas, 0.5 * oval(shape, y + r * 0.08, x + r * 0.08, r * 1.06, r * 1.06, 0.08), (0.05, 0.04, 0.03))
    lay(canvas, oval(shape, y, x, r, r, 0.01), varied(rng, (0.93, 0.93, 0.91), 0.04))
    lay(canvas, 0.25 * oval(shape, y, x, r * 0.74, r * 0.74, 0.03), (0.5, 0.5, 0.5))
    for _ in range(int(rng.integers(4, 14))):
        angle, reach = rng.uniform(0, 2 * math.pi), r * 0.5 * math.sqrt(rng.random())
        colour = varied(
            rng,
            ((0.75, 0.3, 0.16), (0.35, 0.5, 0.15), (0.9, 0.75, 0.35), (0.5, 0.28, 0.14))[
                int(rng.integers(4))
            ],
            0.06,
        )
        heap(
            rng,
            canvas,
            y + reach * math.sin(angle),
            x + reach * math.cos(angle),
            r * float(rng.uniform(0.12, 0.3)),
            colour,
        )
    return finish(rng, canvas, size)


def heap(
    rng: Random, canvas: Floats, y: float, x: float, r: float, colour: tuple[float, float, float]
) -> None:
    """A lump of food with a lit side and a shadow, drawn within its own square."""
    height, width = canvas.shape[1:]
    top, left = int(max(y - 1.5 * r, 0)), int(max(x - 1.5 * r, 0))
    part = canvas[:, top : int(min(y + 1.5 * r, height)), left : int(min(x + 1.5 * r, width))]
    shape = (part.shape[1], part.shape[2])
    dy, dx = (rows(shape) + top - y) / r, (columns(shape) + left - x) / r
    bumps = field(rng, shape, (r / 2, r / 2), 4, 0.7)
    reach = np.sqrt(dy * dy + dx * dx) + 0.14 * bumps
    lay(part, 0.5 * step(1.25, 0.85, np.roll(reach, 4, axis=(0, 1))), (0.08, 0.06, 0.04))
    lay(
        part,
        step(1.04, 0.96, reach),
        column(colour) * np.clip(0.95 - 0.3 * (dy + dx) + 0.25 * bumps, 0.3, 1.6),
    )


def flower(rng: Random, size: Size) -> Image.Image:
    """One flower up close before a blurred green background with light spots."""
    shape = shape_of(size)
    height, width = shape
    canvas = blank(shape, varied(rng, (0.2, 0.34, 0.14), 0.06)) * (
        1 + 0.4 * field(rng, shape, (height / 2, width / 3), 2)
    )
    for _ in range(int(rng.integers(3, 12))):
        r = height * float(rng.uniform(0.03, 0.1))
        lay(
            canvas,
            0.3 * oval(shape, rng.uniform(0, height), rng.uniform(0, width), r, r, 0.12),
            (0.8, 0.9, 0.6),
        )
    y, x = height * rng.uniform(0.35, 0.6), width * rng.uniform(0.32, 0.68)
    stem = 0.006 * width + 3
    bow = x + (rows(shape) - y) * float(rng.uniform(-0.3, 0.3))
    lay(canvas, step(stem + 1, stem - 1, np.abs(columns(shape) - bow)) * (rows(shape) > y), (0.2, 0.36, 0.12))
    petals(rng, canvas, y, x, height * float(rng.uniform(0.22, 0.42)))
    return finish(rng, canvas, size, 4)


def petals(rng: Random, canvas: Floats, y: float, x: float, r: float) -> None:
    """Petals around a heart, in polar coordinates."""
    shape = (canvas.shape[1], canvas.shape[2])
    dy, dx = rows(shape) - np.float32(y), columns(shape) - np.float32(x)
    reach = np.sqrt(dy * dy + dx * dx) / np.float32(r)
    count = int(rng.integers(5, 22))
    angle = np.arctan2(dy, dx) + np.float32(rng.uniform(0, 6))
    wave = np.abs(np.cos(angle * np.float32(count / 2)))
    colour = varied(
        rng,
        ((0.9, 0.35, 0.5), (0.95, 0.85, 0.3), (0.92, 0.92, 0.95), (0.55, 0.35, 0.8))[int(rng.integers(4))],
        0.05,
    )
    edge = 0.55 + 0.45 * wave ** np.float32(rng.uniform(0.4, 1.2))
    veins = 1 + 0.08 * line(rng, 721, 6, 2)[((angle + 7) * 50).astype(np.intp) % 721]
    tone = (0.6 + 0.4 * wave) * (0.7 + 0.3 * reach) * veins
    lay(canvas, step(0.02, -0.02, reach - edge), column(colour) * tone.astype(np.float32))
    heart = mixed((0.85, 0.6, 0.1), (0.3, 0.15, 0.05), float(rng.random()))
    lumps = 1 + 0.3 * field(rng, shape, (5, 5), 1)
    lay(canvas, step(0.24, 0.2, reach), column(heart) * lumps)
