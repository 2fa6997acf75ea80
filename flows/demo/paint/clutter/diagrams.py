"""Charts and maps."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from PIL import Image, ImageDraw

from flows.demo.paint.canvas import Size
from flows.demo.paint.clutter.inks import Ink, bright, hued
from flows.demo.paint.lettering import font, words
from flows.demo.paint.noise import Random, line

Box = tuple[int, int, int, int]


def plot(rng: Random, draw: ImageDraw.ImageDraw, box: Box, axis: Ink) -> None:
    """One chart of any sort inside a box."""
    sorts = (bars, curves, pie, scatter)
    sorts[int(rng.integers(len(sorts)))](rng, draw, box)
    draw.line((box[0], box[1], box[0], box[3], box[2], box[3]), axis, 3)


def grid(draw: ImageDraw.ImageDraw, box: Box, lines: int) -> None:
    """Level lines with their figures at the left."""
    left, top, right, bottom = box
    for i in range(lines):
        y = top + (bottom - top) * i / (lines - 1)
        draw.line((left, y, right, y), (175, 175, 180), 2)
        draw.text((left - 8, y), str(10 * (lines - 1 - i)), (110, 110, 115), font(20), anchor="rm")


def bars(rng: Random, draw: ImageDraw.ImageDraw, box: Box) -> None:
    """Columns side by side."""
    left, top, right, bottom = box
    count = int(rng.integers(4, 16))
    wide = (right - left) / count
    several, ink = rng.random() < 0.3, bright(rng)
    grid(draw, box, int(rng.integers(4, 11)))
    for i, value in enumerate(rng.uniform(0.1, 1, count)):
        x = left + i * wide + wide * 0.12
        draw.rectangle(
            (x, bottom - (bottom - top) * value, x + wide * 0.76, bottom), bright(rng) if several else ink
        )


def curves(rng: Random, draw: ImageDraw.ImageDraw, box: Box) -> None:
    """Lines over time, and a grid behind them."""
    left, top, right, bottom = box
    grid(draw, box, int(rng.integers(4, 11)))
    for _ in range(int(rng.integers(1, 6))):
        values = np.clip(
            0.5 + 0.22 * line(rng, 80, rng.uniform(8, 60), 5, 0.6) + rng.uniform(-0.2, 0.2), 0, 1
        )
        points = [
            (left + (right - left) * i / 79, bottom - (bottom - top) * float(v)) for i, v in enumerate(values)
        ]
        draw.line(points, bright(rng), int(rng.integers(3, 9)), joint="curve")


def pie(rng: Random, draw: ImageDraw.ImageDraw, box: Box) -> None:
    """Shares of a whole, sometimes as a ring."""
    left, top, right, bottom = box
    radius = min(right - left, bottom - top) * 0.46
    x = left + radius + (right - left - 2 * radius) * rng.random()
    y = (top + bottom) / 2
    angles = np.concatenate(
        [[0.0], np.sort(rng.uniform(0, 360, int(rng.integers(2, 8)))), [360.0]]
    ) + rng.uniform(0, 360)
    for start, end in pairwise(angles):
        draw.pieslice((x - radius, y - radius, x + radius, y + radius), float(start), float(end), bright(rng))
    if rng.random() < 0.4:
        hole = radius * 0.55
        draw.ellipse((x - hole, y - hole, x + hole, y + hole), (245, 245, 245))


def scatter(rng: Random, draw: ImageDraw.ImageDraw, box: Box) -> None:
    """Dots in a few clouds."""
    left, top, right, bottom = box
    grid(draw, box, int(rng.integers(4, 11)))
    for _ in range(int(rng.integers(1, 5))):
        ink = bright(rng)
        centre, spread = rng.uniform(0.15, 0.85, 2), rng.uniform(0.04, 0.16)
        for u, v in np.clip(rng.normal(centre, spread, (60, 2)), 0.02, 0.98):
            x, y = left + (right - left) * u, top + (bottom - top) * v
            draw.ellipse((x - 6, y - 6, x + 6, y + 6), ink)


def chart(rng: Random, size: Size) -> Image.Image:
    """A chart with title, axes and a legend, sometimes two beside each other."""
    paper = (255, 255, 255) if rng.random() < 0.7 else hued(rng, (0, 0.15), (0.9, 1))
    image = Image.new("RGB", size, paper)
    draw = ImageDraw.Draw(image)
    width, height = size
    draw.text(
        (width / 2, height * 0.05),
        words(rng, int(rng.integers(3, 7))),
        (40, 40, 45),
        font(int(width * 0.032)),
        anchor="ma",
    )
    count = 1 + (rng.random() < 0.35)
    for i in range(count):
        left, right = (
            width * (0.08 + 0.88 * i / count),
            width * (0.08 + 0.88 * (i + 1) / count) - width * 0.04,
        )
        box = (
            int(left),
            int(height * rng.uniform(0.15, 0.3)),
            int(right),
            int(height * rng.uniform(0.7, 0.9)),
        )
        plot(rng, draw, box, (60, 60, 65))
        for k in range(6):
            x = left + (right - left) * (k + 0.5) / 6
            draw.text((x, box[3] + 12), words(rng, 1), (90, 90, 95), font(26), anchor="ma")
    for k in range(int(rng.integers(0, 6))):
        y = height * 0.16 + k * 40
        draw.rectangle((width * 0.86, y, width * 0.86 + 24, y + 24), bright(rng))
        draw.text((width * 0.86 + 34, y), words(rng, 1), (70, 70, 75), font(26))
    return image


def town_map(rng: Random, size: Size) -> Image.Image:
    """A town's map: blocks, streets, a river, a park, names."""
    width, height = size
    image = Image.new("RGB", size, (242, 239, 233))
    draw = ImageDraw.Draw(image)
    turn = rng.uniform(0, math.pi)
    for _ in range(int(rng.integers(2, 6))):
        at = (rng.uniform(0, width), rng.uniform(0, height))
        blob(rng, draw, at, width * rng.uniform(0.06, 0.2), (200, 226, 180))
    river = [
        (width * t, height * (rng.uniform(0.2, 0.8) + 0.2 * math.sin(6 * t)))
        for t in np.linspace(-0.1, 1.1, 6)
    ]
    draw.line(river, (170, 211, 223), int(rng.integers(30, 120)), joint="curve")
    reach = width + height
    for direction in (turn, turn + math.pi / 2 + rng.normal(0, 0.15)):
        dx, dy = math.cos(direction), math.sin(direction)
        across = -float(reach)
        while across < reach:
            across += rng.uniform(50, 190)
            wide = int(rng.choice([6, 8, 8, 12, 20]))
            x, y = width / 2 - dy * across, height / 2 + dx * across
            ends = (x - dx * reach, y - dy * reach, x + dx * reach, y + dy * reach)
            draw.line(ends, (200, 195, 188), wide + 4)
            draw.line(ends, (249, 214, 120) if wide > 12 else (255, 255, 255), wide)
    for _ in range(int(rng.integers(10, 30))):
        draw.text(
            (rng.uniform(0, width), rng.uniform(0, height)),
            words(rng, 2),
            (90, 80, 75),
            font(int(rng.integers(20, 40))),
        )
    return image


def blob(rng: Random, draw: ImageDraw.ImageDraw, at: tuple[float, float], radius: float, ink: Ink) -> None:
    """A rounded irregular area."""
    x, y = at
    angles = np.linspace(0, 2 * math.pi, 24, endpoint=False)
    reach = radius * (1 + 0.25 * line(rng, 24, 6, 2, smooth=True))
    draw.polygon(
        [
            (x + float(r) * math.cos(a), y + float(r) * math.sin(a))
            for a, r in zip(angles, reach, strict=True)
        ],
        ink,
    )
