"""Light that lies over a scene and is no mark: a lens flare, reflections, beams."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from flows.watermarks.lettering import Pen


def flare(pen: Pen, picture: Image.Image) -> Image.Image:
    """A lamp or the sun with its rays, and the lens's ghosts along a line through the middle."""
    glow = Image.new("RGB", picture.size)
    draw = ImageDraw.Draw(glow)
    width, height = picture.size
    x, y = width * pen.between(0, 1), height * pen.between(0, 0.7)
    for _ in range(2 + pen.any_of(5)):
        along, reach = pen.between(-0.4, 2.0), width * pen.between(0.01, 0.09)
        at = (x + (width / 2 - x) * along, y + (height / 2 - y) * along)
        tint = tuple(int(level) for level in pen.rng.integers(15, 90, 3))
        if pen.chance(0.4):
            corners = [
                (at[0] + reach * math.cos(a), at[1] + reach * math.sin(a)) for a in np.arange(6) * math.pi / 3
            ]
            draw.polygon(corners, tint)
        else:
            draw.ellipse((at[0] - reach, at[1] - reach, at[0] + reach, at[1] + reach), tint)
    rays, far = 4 + pen.any_of(10), width * pen.between(0.05, 0.3)
    for i in range(rays):
        angle = 2 * math.pi * i / rays + pen.between(-0.1, 0.1)
        draw.line(
            (x, y, x + far * math.cos(angle), y + far * math.sin(angle)), (160, 150, 120), 1 + pen.any_of(3)
        )
    reach = width * pen.between(0.02, 0.06)
    draw.ellipse((x - reach, y - reach, x + reach, y + reach), (255, 250, 230))
    return ImageChops.add(picture, glow.filter(ImageFilter.GaussianBlur(width * pen.between(0.001, 0.008))))


def reflection(pen: Pen, picture: Image.Image) -> Image.Image:
    """Translucent shapes with soft or hard edges: a window's reflection, a beam, haze, a shadow."""
    mask = Image.new("L", picture.size)
    draw = ImageDraw.Draw(mask)
    width, height = picture.size
    for _ in range(1 + pen.any_of(4)):
        x, wide, slant = (
            width * pen.between(-0.2, 1),
            width * pen.between(0.03, 0.4),
            width * pen.between(-0.5, 0.5),
        )
        level = int(pen.between(15, 90))
        if pen.chance(0.3):
            y, tall = height * pen.between(0, 0.9), height * pen.between(0.05, 0.4)
            draw.ellipse((x, y, x + wide, y + tall), level)
        else:
            draw.polygon(((x, 0), (x + wide, 0), (x + wide + slant, height), (x + slant, height)), level)
    mask = mask.filter(
        ImageFilter.GaussianBlur(width * (0.001 if pen.chance(0.3) else pen.between(0.002, 0.04)))
    )
    done = picture.copy()
    done.paste((255, 252, 240) if pen.chance(0.6) else (0, 0, 8), (0, 0), mask)
    return done
