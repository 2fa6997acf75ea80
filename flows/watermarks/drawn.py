"""Marks that are no letters: logos and signatures, as coverage sheets."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from flows.watermarks import phrases
from flows.watermarks.lettering import Pen, Sheet, lettered, ringed
from flows.watermarks.phrases import Script

SCALE = 2  # drawn twice as large, for smooth edges


def logo(pen: Pen, side: float) -> Sheet:
    """An emblem of about that side: shapes, a camera, initials in a shape, a seal."""
    return EMBLEMS[pen.any_of(len(EMBLEMS))](pen, max(side, 14))


def _blank(side: float) -> tuple[Sheet, ImageDraw.ImageDraw, int]:
    sheet = Image.new("L", (round(side * SCALE),) * 2)
    return sheet, ImageDraw.Draw(sheet), sheet.width


def _done(sheet: Sheet) -> Sheet:
    return sheet.resize((max(1, sheet.width // SCALE), max(1, sheet.height // SCALE)), Image.Resampling.BOX)


def _polygon(
    sides: int, side: int, reach: float, turn: float, dent: float = 1.0
) -> list[tuple[float, float]]:
    """The corners of a regular polygon, or of a star where every second corner is dented."""
    corners = []
    for i in range(sides):
        angle, far = turn + 2 * math.pi * i / sides, reach * (dent if i % 2 else 1)
        corners.append((side / 2 + far * math.cos(angle), side / 2 + far * math.sin(angle)))
    return corners


def shapes(pen: Pen, side: float) -> Sheet:
    """One to three polygons, stars and discs inside each other, filled or not."""
    sheet, draw, whole = _blank(side)
    reach = whole * 0.47
    for _ in range(1 + pen.any_of(3)):
        fill, thick = (255 if pen.chance(0.45) else 0), max(2, int(whole * pen.between(0.02, 0.08)))
        if pen.chance(0.4):
            box = (whole / 2 - reach, whole / 2 - reach, whole / 2 + reach, whole / 2 + reach)
            draw.ellipse(box, fill, 255, thick)
        else:
            dent = pen.between(0.4, 0.8) if pen.chance(0.4) else 1.0
            sides = (3, 4, 5, 6, 8)[pen.any_of(5)] * (2 if dent < 1 else 1)
            draw.polygon(_polygon(sides, whole, reach, pen.between(0, 6.3), dent), fill, 255, thick)
        reach *= pen.between(0.45, 0.75)
        if fill:
            draw.ellipse((whole / 2 - reach, whole / 2 - reach, whole / 2 + reach, whole / 2 + reach), 0)
    return _done(sheet)


def camera(pen: Pen, side: float) -> Sheet:
    """A camera from the front."""
    sheet, draw, whole = _blank(side)
    thick, fill = max(2, whole // 22), 255 if pen.chance(0.5) else 0
    body = (whole * 0.04, whole * 0.25, whole * 0.96, whole * 0.85)
    draw.rectangle((whole * 0.35, whole * 0.14, whole * 0.65, whole * 0.3), fill, 255, thick)
    draw.rounded_rectangle(body, whole * 0.1, fill, 255, thick)
    for share, ink in ((0.22, 0), (0.14, 255 - fill)):
        reach = whole * share
        draw.ellipse(
            (whole / 2 - reach, whole * 0.55 - reach, whole / 2 + reach, whole * 0.55 + reach),
            ink, 255, thick,
        )  # fmt: skip
    return _done(sheet)


def initials(pen: Pen, side: float) -> Sheet:
    """One to three letters in a disc or a box, or cut out of it."""
    sheet, draw, whole = _blank(side)
    filled, thick = pen.chance(0.4), max(2, int(whole * pen.between(0.02, 0.07)))
    shape = draw.ellipse if pen.chance(0.6) else draw.rectangle
    shape((2, 2, whole - 3, whole - 3), 255 if filled else 0, 255, thick)
    text = "".join(phrases.name(pen.rng, Script.LATIN, 1)[0].upper() for _ in range(1 + pen.any_of(3)))
    letters = lettered(pen, text, whole * 0.45)
    letters.thumbnail((int(whole * 0.66), int(whole * 0.66)))
    at = ((whole - letters.width) // 2, (whole - letters.height) // 2)
    sheet.paste(0 if filled else 255, at, letters)
    return _done(sheet)


def seal(pen: Pen, side: float) -> Sheet:
    """A ring of letters around an emblem."""
    height = side * pen.between(0.11, 0.16)
    sheet = ringed(pen, f"{phrases.agency(pen.rng)} * {phrases.agency(pen.rng)}", side / 2 - height, height)
    middle = EMBLEMS[pen.any_of(3)](pen, side * 0.5)
    sheet.paste(255, ((sheet.width - middle.width) // 2, (sheet.height - middle.height) // 2), middle)
    if pen.chance(0.6):
        edge = max(1, round(side / 60))
        ImageDraw.Draw(sheet).ellipse((1, 1, sheet.width - 2, sheet.height - 2), None, 255, edge)
    return sheet


def swirl(pen: Pen, side: float) -> Sheet:
    """Arcs and blades around a middle."""
    sheet, draw, whole = _blank(side)
    blades, thick = 3 + pen.any_of(6), max(2, int(whole * pen.between(0.03, 0.09)))
    for i in range(blades):
        angle = 360 * i / blades
        inner = whole * pen.between(0.05, 0.3) if pen.chance(0.3) else whole * 0.12
        draw.arc((inner, inner, whole - inner, whole - inner), angle, angle + 200 / blades, 255, thick)
        far = math.radians(angle)
        end = (whole / 2 + whole * 0.4 * math.cos(far), whole / 2 + whole * 0.4 * math.sin(far))
        draw.line((whole / 2, whole / 2, *end), 255, thick)
    return _done(sheet)


EMBLEMS: tuple[Callable[[Pen, float], Sheet], ...] = (shapes, camera, initials, swirl, seal, initials)


def signature(pen: Pen, width: float) -> Sheet:
    """A name as a pen writes it: loops that lean, a first letter larger, often a stroke below."""
    wide, tall = max(24, round(width)) * SCALE, max(12, round(width * pen.between(0.28, 0.45))) * SCALE
    sheet = Image.new("L", (wide, tall))
    draw = ImageDraw.Draw(sheet)
    thick = max(2, round(wide * pen.between(0.008, 0.024)))
    x, letters, lean = wide * 0.06, 5 + pen.any_of(9), pen.between(0.1, 0.6)
    step, base = wide * 0.86 / letters, tall * pen.between(0.55, 0.7)
    path: list[tuple[float, float]] = []
    for i in range(letters):
        high = tall * (pen.between(0.3, 0.5) if i == 0 or pen.chance(0.18) else pen.between(0.07, 0.2))
        path += _loop(pen, x, base, step, high, lean)
        x += step * pen.between(0.75, 1.1)
        if pen.chance(0.15):
            draw.line(path, 255, thick, "curve")
            path = []
    if path:
        draw.line(path, 255, thick, "curve")
    if pen.chance(0.5):
        ends = [
            (wide * pen.between(0, 0.3), base + tall * 0.2),
            (wide * 0.95, base + tall * pen.between(0, 0.2)),
        ]
        draw.line(ends, 255, thick)
    sheet = sheet.filter(ImageFilter.GaussianBlur(SCALE / 2))
    return _done(sheet)


def _loop(
    pen: Pen, x: float, base: float, step: float, high: float, lean: float
) -> list[tuple[float, float]]:
    """The points of one written letter: a loop up and back, sometimes below the line."""
    turns = np.linspace(0, 2 * math.pi, 14)
    wide, down = step * pen.between(0.3, 0.7), -1 if pen.chance(0.15) else 1
    points = []
    for turn in turns:
        rise = high * (1 - math.cos(turn)) / 2 * down
        points.append((x + step * turn / 6.3 + wide * math.sin(turn) + rise * lean, base - rise))
    return points
