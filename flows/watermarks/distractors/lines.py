"""Thin things in a scene: branches, wires, edges, and strokes that mean nothing."""

from __future__ import annotations

import math

from PIL import Image, ImageDraw, ImageFilter

from flows.demo.paint.canvas import Size
from flows.watermarks.lettering import Pen


def _painted(pen: Pen, picture: Image.Image, mask: Image.Image) -> Image.Image:
    """The picture with an opaque dark, or seldom light, thing where the mask is."""
    tone = pen.between(0, 70) if pen.chance(0.75) else pen.between(120, 235)
    colour = tuple(max(0, min(255, round(tone + pen.between(-18, 18)))) for _ in range(3))
    done = picture.copy()
    done.paste(colour, (0, 0), mask.filter(ImageFilter.GaussianBlur(pen.between(0.3, 1.0))))
    return done


def branches(pen: Pen, picture: Image.Image) -> Image.Image:
    """A bough that comes in from an edge and divides, sometimes with leaves."""
    mask = Image.new("L", picture.size)
    draw = ImageDraw.Draw(mask)
    width, height = picture.size
    for _ in range(1 + pen.any_of(3)):
        x, turn = ((0, 0.0), (width, math.pi))[pen.any_of(2)]
        y = height * pen.between(-0.05, 0.7)
        if pen.chance(0.3):
            x, y, turn = round(width * pen.between(0, 1)), float(height), -math.pi / 2
        _bough(
            pen,
            draw,
            (x, y),
            turn + pen.between(-0.6, 0.6),
            width * pen.between(0.1, 0.25),
            leaves=pen.chance(0.4),
        )
    return _painted(pen, picture, mask)


def _bough(
    pen: Pen, draw: ImageDraw.ImageDraw, at: tuple[float, float], turn: float, length: float, *, leaves: bool
) -> None:
    if length < 5:
        if leaves:
            draw.ellipse((at[0] - 4, at[1] - 2, at[0] + 4, at[1] + 3), 255)
        return
    end = (at[0] + length * math.cos(turn), at[1] + length * math.sin(turn))
    draw.line((*at, *end), 255, max(1, round(length / 14)))
    for _ in range(2 if length > 12 else 1 + pen.any_of(2)):
        _bough(pen, draw, end, turn + pen.between(-0.7, 0.7), length * pen.between(0.5, 0.8), leaves=leaves)


def wires(pen: Pen, picture: Image.Image) -> Image.Image:
    """Hanging wires from side to side, singly or in a bundle, sometimes with a mast."""
    mask = Image.new("L", picture.size)
    draw = ImageDraw.Draw(mask)
    width, height = picture.size
    thick = max(1, round(width * pen.between(0.001, 0.005)))
    start, end, sag = (
        height * pen.between(0, 0.7),
        height * pen.between(0, 0.7),
        height * pen.between(0, 0.2),
    )
    gap = height * pen.between(0.015, 0.07)
    for i in range(1 + pen.any_of(6)):
        points = [
            (width * t / 24, start + (end - start) * t / 24 + sag * 4 * (t / 24) * (1 - t / 24) + gap * i)
            for t in range(25)
        ]
        draw.line(points, 255, thick)
    if pen.chance(0.3):
        x = width * pen.between(0.1, 0.9)
        draw.line((x, 0, x + width * pen.between(-0.02, 0.02), height), 255, 4 * thick)
        draw.line((x - width * 0.06, start, x + width * 0.06, start), 255, 2 * thick)
    return _painted(pen, picture, mask)


def edges(pen: Pen, picture: Image.Image) -> Image.Image:
    """Straight things: a horizon, railings, a fence in perspective, a road's stripes."""
    mask = Image.new("L", picture.size)
    draw = ImageDraw.Draw(mask)
    width, height = picture.size
    way, thick = pen.any_of(4), max(1, round(width * pen.between(0.002, 0.01)))
    y = height * pen.between(0.3, 0.8)
    if way == 0:
        draw.line((0, y, width, y + height * pen.between(-0.03, 0.03)), 255, thick)
    elif way == 1:
        _railing(pen, draw, picture.size, thick)
    elif way == 2:
        middle = width * pen.between(0.2, 0.8)
        for x in range(-width, 2 * width, round(width * pen.between(0.1, 0.3))):
            draw.line((middle, y, x, height), 255, thick)
    else:
        slope = pen.between(-0.6, 0.6)
        for i in range(2 + pen.any_of(4)):
            high = y + i * height * 0.06
            draw.line((0, high, width, high + slope * height), 255, thick)
    return _painted(pen, picture, mask)


def _railing(pen: Pen, draw: ImageDraw.ImageDraw, size: Size, thick: int) -> None:
    """Bars that grow closer with distance, between two rails; a lattice where they cross."""
    width, height = size
    x, step, shrink = 0.0, width * pen.between(0.03, 0.12), pen.between(0.93, 1.0)
    top, crossed = height * pen.between(0.2, 0.7), pen.chance(0.3)
    while x < width and step > 3:
        draw.line((x, top, x + (step * 3 if crossed else 0), height), 255, thick)
        if crossed:
            draw.line((x + step * 3, top, x, height), 255, thick)
        x, step = x + step, step * shrink
    draw.line((0, top, width, top), 255, 2 * thick)


def strokes(pen: Pen, picture: Image.Image) -> Image.Image:
    """Grass, scratches, hair, rain: many short strokes, opaque or nearly so."""
    mask = Image.new("L", picture.size)
    draw = ImageDraw.Draw(mask)
    width, height = picture.size
    turn, spread, length = pen.between(0, 3.14), pen.between(0.05, 0.8), width * pen.between(0.01, 0.1)
    low = height * (pen.between(0.3, 0.8) if pen.chance(0.6) else 0)
    for _ in range(20 + pen.any_of(200)):
        x, y = width * pen.between(0, 1), pen.between(low, height)
        angle, far = turn + spread * pen.between(-1, 1), length * pen.between(0.3, 1)
        bend = angle + pen.between(-0.6, 0.6)
        middle = (x + far / 2 * math.cos(angle), y + far / 2 * math.sin(angle))
        end = (middle[0] + far / 2 * math.cos(bend), middle[1] + far / 2 * math.sin(bend))
        draw.line((x, y, *middle, *end), 255, 1 + pen.any_of(2))
    return _painted(pen, picture, mask)
