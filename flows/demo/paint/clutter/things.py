"""Close-ups of things: a product on white, food on a plate, a flower before blurred green."""

from __future__ import annotations

import math

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
from flows.demo.paint.clutter.people import oval
from flows.demo.paint.noise import Floats, Random, field, line, step

TABLES: tuple[Colour, ...] = ((0.42, 0.28, 0.17), (0.62, 0.48, 0.34), (0.2, 0.17, 0.15), (0.75, 0.72, 0.68))
MEALS: tuple[Colour, ...] = ((0.75, 0.3, 0.16), (0.35, 0.5, 0.15), (0.9, 0.75, 0.35), (0.5, 0.28, 0.14))


def product(rng: Random, size: Size) -> Image.Image:
    """One to three bottles, boxes or mugs on white, with their shadows."""
    shape = shape_of(size)
    height, width = shape
    canvas = blank(shape, varied(rng, (0.94, 0.94, 0.94), 0.02))
    canvas *= 1 - 0.05 * np.abs(field(rng, shape, (height / 1.5, width / 1.5), 2))
    count = int(rng.integers(1, 4))
    for i in range(count):
        x = width * (0.5 + (i - (count - 1) / 2) * 0.28 + rng.uniform(-0.1, 0.1))
        ware(rng, canvas, height * rng.uniform(0.7, 0.94), x, width * rng.uniform(0.05, 0.3) / count**0.5)
    return finish(rng, canvas, size, 2)


def ware(rng: Random, canvas: Floats, foot: float, x: float, wide: float) -> None:
    """One turned thing with a gloss and a label."""
    shape = (canvas.shape[1], canvas.shape[2])
    tall = shape[0] * float(rng.uniform(0.25, 0.65))
    aside = float(rng.uniform(-0.6, 0.6))
    lay(
        canvas,
        0.5 * oval(shape, foot, x + wide * aside, shape[0] * 0.035, wide * 1.5, soft=0.9),
        (0.4, 0.4, 0.42),
    )
    half = silhouette(rng, shape, foot, tall, wide)
    across = (columns(shape) - np.float32(x)) / np.maximum(half, 1)
    mask = np.clip((1 - np.abs(across)) * np.maximum(half, 1), 0, 1) * (half > 0)
    gloss = 0.55 + 0.35 * np.cos(across * 1.4) + 0.5 * np.exp(-(((across + 0.45) / 0.1) ** 2))
    lay(canvas, mask, column(varied(rng, (0.5, 0.5, 0.5), 0.28)) * gloss)
    upper, lower = foot - tall * float(rng.uniform(0.4, 0.8)), foot - tall * float(rng.uniform(0.1, 0.3))
    label = mask * step(0, 2, rows(shape) - np.float32(upper)) * step(0, 2, np.float32(lower) - rows(shape))
    lay(canvas, label, column(varied(rng, (0.7, 0.7, 0.65), 0.2)) * gloss)


def silhouette(rng: Random, shape: tuple[int, int], foot: float, tall: float, wide: float) -> Floats:
    """Half the width of a turned thing in every row, (h, 1); 0 above and below it."""
    up = (np.float32(foot) - rows(shape)) / np.float32(tall)
    stops = np.linspace(0, 1, 6)
    profile = np.interp(up[:, 0], stops, rng.uniform(0.35, 1, 6) if rng.random() < 0.7 else np.ones(6))
    inside = ((up >= 0) & (up <= 1)).astype(np.float32)
    half: Floats = (profile[:, None] * wide).astype(np.float32) * inside
    return half


def food(rng: Random, size: Size) -> Image.Image:
    """A plate from above with heaps of something on it, a glass and a napkin beside it, on a table."""
    shape = shape_of(size)
    height, width = shape
    table = mixed(TABLES[int(rng.integers(len(TABLES)))], (0.5, 0.45, 0.4), float(rng.uniform(0, 0.4)))
    along = (8.0, width / 2) if rng.random() < 0.5 else (height / 2, 8.0)
    canvas = blank(shape, table) * (1 + 0.14 * field(rng, shape, along, 4, 0.7))
    cloth = oval(shape, rng.uniform(0, height), rng.uniform(0, width), height * 0.5, width * 0.2, soft=0.02)
    lay(canvas, cloth, varied(rng, (0.7, 0.68, 0.64), 0.15))
    y, x = height * rng.uniform(0.3, 0.7), width * rng.uniform(0.3, 0.7)
    r = height * float(rng.uniform(0.26, 0.52))
    plate(canvas, y, x, r, varied(rng, (0.93, 0.93, 0.91), 0.04))
    side = rng.uniform(0, 2 * math.pi)
    bowl = r * float(rng.uniform(0.3, 0.5))
    plate(
        canvas,
        y + 1.5 * r * math.sin(side),
        x + 1.5 * r * math.cos(side),
        bowl,
        varied(rng, (0.6, 0.5, 0.4), 0.2),
    )
    for _ in range(int(rng.integers(4, 14))):
        angle, reach = rng.uniform(0, 2 * math.pi), r * 0.55 * math.sqrt(rng.random())
        at = (y + reach * math.sin(angle), x + reach * math.cos(angle))
        colour = varied(rng, MEALS[int(rng.integers(len(MEALS)))], 0.05)
        heap(rng, canvas, at, r * float(rng.uniform(0.12, 0.34)), colour)
    return finish(rng, canvas, size)


def plate(canvas: Floats, y: float, x: float, r: float, colour: Colour) -> None:
    """A round plate with its rim and its shadow."""
    shape = (canvas.shape[1], canvas.shape[2])
    lay(
        canvas,
        0.5 * oval(shape, y + r * 0.08, x + r * 0.08, r * 1.06, r * 1.06, soft=0.08),
        (0.05, 0.04, 0.03),
    )
    lay(canvas, oval(shape, y, x, r, r, soft=0.01), colour)
    lay(canvas, 0.25 * oval(shape, y, x, r * 0.74, r * 0.74, soft=0.03), (0.5, 0.5, 0.5))


def heap(rng: Random, canvas: Floats, at: tuple[float, float], r: float, colour: Colour) -> None:
    """A lump of food with a lit side and a shadow, drawn within its own square."""
    height, width = canvas.shape[1:]
    y, x = at
    top, left = int(np.clip(y - 1.5 * r, 0, height - 2)), int(np.clip(x - 1.5 * r, 0, width - 2))
    part = canvas[:, top : int(max(y + 1.5 * r, top + 2)), left : int(max(x + 1.5 * r, left + 2))]
    shape = (part.shape[1], part.shape[2])
    dy, dx = (
        (rows(shape) + np.float32(top - y)) / np.float32(r),
        (columns(shape) + np.float32(left - x)) / np.float32(r),
    )
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
            0.3 * oval(shape, rng.uniform(0, height), rng.uniform(0, width), r, r, soft=0.12),
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
