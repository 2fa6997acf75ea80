"""Many of the same thing in a scene: windows, tiles, birds, leaves, stars."""

from __future__ import annotations

import math

from PIL import Image, ImageDraw, ImageFilter

from flows.watermarks.distractors.warp import lit, seen_aslant, warped
from flows.watermarks.lettering import Pen


def facade(pen: Pen, picture: Image.Image) -> Image.Image:
    """A wall of windows, or a floor of tiles, in perspective."""
    columns, rows, cell = 3 + pen.any_of(9), 3 + pen.any_of(7), 48
    wall = tuple(int(level) for level in pen.rng.integers(60, 220, 3))
    flat = Image.new("RGB", (columns * cell, rows * cell), wall)
    draw = ImageDraw.Draw(flat)
    left, top, bars = pen.between(3, 16), pen.between(3, 16), pen.chance(0.4)
    dark = pen.between(0.2, 0.7)
    for i in range(columns):
        for j in range(rows):
            tone = tuple(round(level * dark * pen.between(0.7, 1.3)) for level in wall)
            box = (i * cell + left, j * cell + top, (i + 1) * cell - left, (j + 1) * cell - top)
            draw.rectangle(box, tone)
            if bars:
                draw.line(((i + 0.5) * cell, box[1], (i + 0.5) * cell, box[3]), wall, 3)
                draw.line((box[0], (j + 0.5) * cell, box[2], (j + 0.5) * cell), wall, 2)
    width, height = picture.size
    wide, tall = width * pen.between(0.2, 0.7), height * pen.between(0.2, 0.7)
    x, y = (width - wide) * pen.between(0, 1), (height - tall) * pen.between(0, 1)
    corners = seen_aslant(pen, (x, y, x + wide, y + tall))
    mask = warped(Image.new("L", flat.size, 255), corners, picture.size)
    return lit(pen, picture, warped(flat, corners, picture.size), mask)


def specks(pen: Pen, picture: Image.Image) -> Image.Image:
    """Birds, leaves, stars, snow or petals: the same small shape, scattered, turned and sized at random."""
    mask = Image.new("L", picture.size)
    draw = ImageDraw.Draw(mask)
    width, height = picture.size
    way, reach = pen.any_of(4), width * pen.between(0.003, 0.02)
    for _ in range(5 + pen.any_of(90)):
        x, y, far, turn = (
            width * pen.between(0, 1),
            height * pen.between(0, 1),
            reach * pen.between(0.4, 1.6),
            pen.between(0, 6.3),
        )
        if way == 0:
            wing = (far * math.cos(turn), far * abs(math.sin(turn)) * 0.6)
            draw.line((x - wing[0], y - wing[1], x, y, x + wing[0], y - wing[1]), 255, max(1, round(far / 5)))
        elif way == 1:
            draw.ellipse((x - far / 3, y - far / 3, x + far / 3, y + far / 3), 255)
        elif way == 2:
            corners = [
                (x + far * math.cos(turn + a), y + far * math.sin(turn + a) * 0.5) for a in (0, 1.2, 3.1, 4.4)
            ]
            draw.polygon(corners, 255)
        else:
            draw.arc(
                (x - far, y - far, x + far, y + far),
                turn * 57,
                turn * 57 + pen.between(40, 300),
                255,
                max(1, round(far / 6)),
            )
    light = pen.chance(0.5)
    tone = tuple(
        int(level) for level in (pen.rng.integers(170, 256, 3) if light else pen.rng.integers(0, 90, 3))
    )
    done = picture.copy()
    strength = pen.between(0.5, 1)
    soft = mask.filter(ImageFilter.GaussianBlur(pen.between(0.3, 1.5))).point(
        lambda level: round(level * strength)
    )
    done.paste(tone, (0, 0), soft)
    return done
