"""Indoors and in town: a room, a facade."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from flows.demo.paint.canvas import Size, grained
from flows.demo.paint.clutter.inks import Ink, hued, toned
from flows.demo.paint.noise import Random, field


def lit(rng: Random, image: Image.Image) -> Image.Image:
    """The image with uneven light over it, as a camera sees a flat wall."""
    small = (image.height // 8, image.width // 8)
    veil = np.clip(128 + 26 * field(rng, small, (small[0] / 1.5, small[1] / 1.5), 2), 0, 255).astype(np.uint8)
    shade = Image.fromarray(veil).resize(image.size)
    return grained(rng, Image.blend(image, Image.merge("RGB", (shade, shade, shade)), 0.18), 5)


def room(rng: Random, size: Size) -> Image.Image:
    """A room in perspective: walls, floor, window, furniture."""
    width, height = size
    wall, floor = hued(rng, (0.02, 0.25), (0.6, 0.95)), hued(rng, (0.2, 0.5), (0.3, 0.6))
    image = Image.new("RGB", size, wall)
    draw = ImageDraw.Draw(image)
    left, right = width * rng.uniform(0.05, 0.42), width * rng.uniform(0.58, 0.95)
    top, bottom = height * rng.uniform(0.06, 0.26), height * rng.uniform(0.52, 0.76)
    draw.polygon([(0, 0), (left, top), (left, bottom), (0, height)], toned(wall, 0.82))
    draw.polygon([(width, 0), (right, top), (right, bottom), (width, height)], toned(wall, 0.7))
    draw.polygon([(0, 0), (width, 0), (right, top), (left, top)], toned(wall, 1.12))
    draw.polygon([(0, height), (left, bottom), (right, bottom), (width, height)], floor)
    for i in range(1, 12):
        x = width * i / 12
        draw.line(
            (x + (x - width / 2) * 0.6, height, left + (right - left) * i / 12, bottom), toned(floor, 0.8), 3
        )
    window(rng, draw, (left, top, right, bottom))
    carpet(rng, draw, size, bottom)
    for _ in range(int(rng.integers(2, 6))):
        furniture(rng, draw, width, height, bottom)
    return lit(rng, image)


def carpet(rng: Random, draw: ImageDraw.ImageDraw, size: Size, bottom: float) -> None:
    """A rug on the floor and a lamp from the ceiling."""
    width, height = size
    x, y, reach = (
        width * rng.uniform(0.2, 0.8),
        bottom + (height - bottom) * rng.uniform(0.4, 0.8),
        width * rng.uniform(0.1, 0.3),
    )
    rug = hued(rng, (0.2, 0.8), (0.3, 0.9))
    draw.ellipse((x - reach, y - reach * 0.25, x + reach, y + reach * 0.25), rug, toned(rug, 0.6), 10)
    x, y, reach = (
        width * rng.uniform(0.2, 0.8),
        height * rng.uniform(0.1, 0.32),
        width * rng.uniform(0.03, 0.08),
    )
    draw.line((x, 0, x, y), (50, 50, 50), 5)
    draw.pieslice((x - reach, y - reach, x + reach, y + reach), 180, 360, hued(rng, (0, 0.5), (0.2, 1)))


def window(rng: Random, draw: ImageDraw.ImageDraw, back: tuple[float, float, float, float]) -> None:
    """A window and a picture on the back wall."""
    left, top, right, bottom = back
    wide, tall = right - left, bottom - top
    x, y = left + wide * rng.uniform(0.05, 0.5), top + tall * rng.uniform(0.08, 0.2)
    pane = (x, y, x + wide * rng.uniform(0.25, 0.45), y + tall * rng.uniform(0.4, 0.6))
    draw.rectangle(pane, (225, 238, 250), (250, 250, 250), 14)
    draw.line(((pane[0] + pane[2]) / 2, pane[1], (pane[0] + pane[2]) / 2, pane[3]), (250, 250, 250), 10)
    x = left + wide * rng.uniform(0.6, 0.8)
    draw.rectangle(
        (x, y, x + wide * 0.15, y + tall * 0.3), hued(rng, (0.2, 0.8), (0.3, 0.9)), (60, 45, 30), 8
    )


def furniture(rng: Random, draw: ImageDraw.ImageDraw, width: int, height: int, floor: float) -> None:
    """A sofa, a table or a cupboard, standing on the floor."""
    ink: Ink = hued(rng, (0.15, 0.7), (0.25, 0.8))
    x, foot = width * rng.uniform(0.02, 0.7), floor + (height - floor) * rng.uniform(0.2, 0.9)
    wide, tall = width * rng.uniform(0.18, 0.4), height * rng.uniform(0.14, 0.4)
    sort = rng.random()
    if sort < 0.4:
        draw.rounded_rectangle((x, foot - tall, x + wide, foot), 30, ink)
        draw.rounded_rectangle(
            (x - wide * 0.06, foot - tall * 0.6, x + wide * 0.1, foot), 24, toned(ink, 0.85)
        )
        draw.rounded_rectangle(
            (x + wide * 0.9, foot - tall * 0.6, x + wide * 1.06, foot), 24, toned(ink, 0.85)
        )
        draw.rectangle(
            (x + wide * 0.1, foot - tall * 0.45, x + wide * 0.9, foot - tall * 0.2), toned(ink, 1.15)
        )
    elif sort < 0.7:
        draw.polygon(
            [
                (x, foot - tall),
                (x + wide, foot - tall),
                (x + wide * 1.1, foot - tall * 0.8),
                (x - wide * 0.1, foot - tall * 0.8),
            ],
            ink,
        )
        for leg in (0.0, 0.95):
            draw.rectangle(
                (x + wide * leg, foot - tall * 0.8, x + wide * (leg + 0.05), foot), toned(ink, 0.6)
            )
    else:
        draw.rectangle((x, foot - tall * 1.6, x + wide * 0.6, foot), ink)
        for shelf in range(1, 4):
            y = foot - tall * 0.4 * shelf
            draw.line((x, y, x + wide * 0.6, y), toned(ink, 0.5), 6)


def building(rng: Random, size: Size) -> Image.Image:
    """A facade: rows of windows, some lit, balconies, a street."""
    width, height = size
    stone = hued(rng, (0.02, 0.3), (0.35, 0.85))
    image = Image.new("RGB", size, stone)
    draw = ImageDraw.Draw(image)
    floors, bays = int(rng.integers(4, 14)), int(rng.integers(4, 18))
    tall, wide = height / floors, width / bays
    glass = hued(rng, (0.1, 0.5), (0.15, 0.4))
    inset = (rng.uniform(0.1, 0.3), rng.uniform(0.1, 0.3))
    lean = rng.uniform(-0.25, 0.25) * height
    for i in range(-3, floors + 3):
        for j in range(bays):
            x, y = j * wide, i * tall + lean * j / bays
            pane = (
                x + wide * inset[0],
                y + tall * inset[1],
                x + wide * (1 - inset[0]),
                y + tall * (1 - inset[1]),
            )
            draw.rectangle(
                pane,
                (250, 220, 150) if rng.random() < 0.12 else toned(glass, rng.uniform(0.7, 1.6)),
                toned(stone, 0.6),
                4,
            )
            if rng.random() < 0.1:
                draw.rectangle(
                    (pane[0] - 8, pane[3] - tall * 0.2, pane[2] + 8, pane[3] + 6), toned(stone, 0.45)
                )
        draw.line((0, i * tall, width, i * tall + lean), toned(stone, 0.8), 5)
    return lit(rng, image)
