"""Every kind of mark as a coverage sheet of a picture's size, 0 where there is none."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from enum import StrEnum

from PIL import Image, ImageDraw

from flows.demo.paint.canvas import Size
from flows.watermarks import phrases
from flows.watermarks.drawn import logo, signature
from flows.watermarks.lettering import LEAST, Pen, Sheet, fitted, lettered, stacked


class MarkKind(StrEnum):
    """What sort of mark lies on a picture."""

    BANNER = "banner"
    STAMP = "stamp"
    TILED = "tiled"
    CREDIT = "credit"
    EDGE = "edge"
    SIGNATURE = "signature"
    LOGO = "logo"
    AGENCY = "agency"
    LATTICE = "lattice"
    STRIP = "strip"
    CAPTION = "caption"


def coverage(pen: Pen, kind: MarkKind, size: Size) -> Sheet:
    """A mark of that kind for a picture of (width, height) `size`."""
    return KINDS[kind](pen, size)


def _placed(sheet: Sheet, size: Size, x: float, y: float, ink: int = 255) -> Sheet:
    """A sheet of the picture's size with the piece at its left upper corner (x, y)."""
    whole = Image.new("L", size)
    whole.paste(ink, (round(x), round(y)), sheet)
    return whole


def _turned(sheet: Sheet, angle: float) -> Sheet:
    return sheet.rotate(angle, expand=True, resample=Image.Resampling.BILINEAR) if angle else sheet


def _corner(pen: Pen, piece: Sheet, size: Size) -> tuple[float, float]:
    """Where a piece goes that keeps to a corner or to an edge's middle; most keep to the right lower one."""
    margin = min(size) * pen.between(0.008, 0.06)
    right, low = size[0] - piece.width - margin, size[1] - piece.height - margin
    middle = (size[0] - piece.width) / 2
    x = (right, right, margin, middle)[pen.any_of(4)]
    return x, (margin if pen.chance(0.25) else low)


def banner(pen: Pen, size: Size) -> Sheet:
    """Large letters across the picture, level or aslant, one to three times."""
    script = pen.script()
    whole = Image.new("L", size)
    for _ in range(1 if pen.chance(0.8) else 2 + pen.any_of(2)):
        text = phrases.title(pen.rng, script)
        piece = fitted(pen, text, size[0] * pen.between(0.45, 1.0), size[1] * 0.3, script)
        angle = 0.0 if pen.chance(0.4) else pen.between(-60, 60)
        if angle and pen.chance(0.3):
            angle = math.copysign(math.degrees(math.atan2(size[1], size[0])), angle)
        piece = _turned(piece, angle)
        x = (size[0] - piece.width) / 2 + size[0] * pen.between(-0.08, 0.08)
        whole.paste(255, (round(x), round(size[1] * pen.between(0.15, 0.85) - piece.height / 2)), piece)
    return whole


def stamp(pen: Pen, size: Size) -> Sheet:
    """A word or two of middling size anywhere, often in a box, turned a little."""
    script = pen.script()
    lines = [
        fitted(pen, phrases.title(pen.rng, script), size[0] * pen.between(0.16, 0.42), size[1] * 0.14, script)
        for _ in range(1 if pen.chance(0.7) else 2)
    ]
    piece = stacked(pen, lines, lines[0].height * 0.3)
    if pen.chance(0.4):
        edge, room = max(2, piece.height // 16), round(piece.height * pen.between(0.2, 0.5))
        boxed = Image.new("L", (piece.width + 2 * room, piece.height + 2 * room))
        draw = ImageDraw.Draw(boxed)
        radius = room if pen.chance(0.4) else 0
        draw.rounded_rectangle((0, 0, boxed.width - 1, boxed.height - 1), radius, 0, 255, edge)
        boxed.paste(piece, (room, room))
        piece = boxed
    piece = _turned(piece, 0.0 if pen.chance(0.5) else pen.between(-45, 45))
    x, y = (max(1, side - length) for side, length in zip(size, piece.size, strict=True))
    return _placed(piece, size, x * pen.between(0, 1), y * pen.between(0, 1))


def tiled(pen: Pen, size: Size) -> Sheet:
    """The same words or emblem again and again over everything, level or aslant."""
    script = pen.script()
    height = size[0] * pen.between(0.018, 0.055)
    if pen.chance(0.25):
        piece = logo(pen, 2.2 * height)
    else:
        piece = lettered(pen, phrases.title(pen.rng, script), height, script)
    if pen.chance(0.2):
        piece = stacked(pen, [logo(pen, 2 * height), piece], height * 0.3)
    step_x = max(24, round(piece.width * pen.between(1.1, 2.6)))
    step_y = max(24, round(piece.height * pen.between(1.6, 6)))
    reach = math.ceil(math.hypot(*size))
    sheet = Image.new("L", (reach, reach))
    shift = 0 if pen.chance(0.3) else step_x // 2
    for row, y in enumerate(range(0, reach, step_y)):
        for x in range(-shift * (row % 2), reach, step_x):
            sheet.paste(piece, (x, y))
    angle = 0.0 if pen.chance(0.2) else pen.between(-60, 60)
    sheet = sheet.rotate(angle, resample=Image.Resampling.BILINEAR)
    left, top = (reach - size[0]) // 2, (reach - size[1]) // 2
    return sheet.crop((left, top, left + size[0], top + size[1]))


def credit(pen: Pen, size: Size) -> Sheet:
    """One or two small lines in a corner or along an edge, sometimes beside an emblem."""
    script = pen.script()
    height = max(LEAST + 2, min(size) * pen.between(0.022, 0.06))
    lines = [lettered(pen, phrases.credit(pen.rng, script), height, script)]
    if pen.chance(0.2):
        lines.append(lettered(pen, phrases.address(pen.rng), height * pen.between(0.6, 1)))
    piece = stacked(pen, lines, height * 0.3)
    if pen.chance(0.2):
        beside = logo(pen, piece.height * pen.between(1.2, 2.2))
        both = Image.new(
            "L", (beside.width + round(height / 2) + piece.width, max(beside.height, piece.height))
        )
        both.paste(beside, (0, (both.height - beside.height) // 2))
        both.paste(piece, (both.width - piece.width, (both.height - piece.height) // 2))
        piece = both
    piece.thumbnail((round(size[0] * 0.9), size[1]))
    return _placed(piece, size, *_corner(pen, piece, size))


def edge(pen: Pen, size: Size) -> Sheet:
    """A small line that runs up or down one side, or is repeated along an edge."""
    script = pen.script()
    piece = lettered(pen, phrases.credit(pen.rng, script), min(size) * pen.between(0.022, 0.045), script)
    if pen.chance(0.35):
        step, whole = round(piece.width * pen.between(1.15, 1.8)), Image.new("L", size)
        y = round(size[1] * (pen.between(0.01, 0.04) if pen.chance(0.4) else pen.between(0.9, 0.95)))
        for x in range(-pen.any_of(max(1, step)), size[0], step):
            whole.paste(255, (x, y), piece)
        return whole
    piece = piece.transpose((Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_270)[pen.any_of(2)])
    piece.thumbnail((size[0], round(size[1] * 0.95)))
    margin = size[0] * pen.between(0.008, 0.03)
    left = margin if pen.chance(0.4) else size[0] - piece.width - margin
    return _placed(piece, size, left, (size[1] - piece.height) * pen.between(0, 1))


def signed(pen: Pen, size: Size) -> Sheet:
    """A signature in a corner, sometimes with a line of print below it."""
    piece = signature(pen, size[0] * pen.between(0.13, 0.36))
    if pen.chance(0.35):
        text = "photography" if pen.chance(0.5) else phrases.author(pen.rng, phrases.Script.LATIN)
        piece = stacked(pen, [piece, lettered(pen, text, max(LEAST, piece.height * 0.2))], 2)
    piece = _turned(piece, 0.0 if pen.chance(0.6) else pen.between(-15, 20))
    return _placed(piece, size, *_corner(pen, piece, size))


def emblem(pen: Pen, size: Size) -> Sheet:
    """A logo alone or over a name: in a corner, or large in the middle."""
    central = pen.chance(0.4)
    piece = logo(pen, min(size) * (pen.between(0.18, 0.5) if central else pen.between(0.08, 0.2)))
    if pen.chance(0.5):
        below = fitted(pen, phrases.agency(pen.rng), piece.width * pen.between(1, 2.4), piece.height * 0.4,
                       phrases.Script.LATIN)  # fmt: skip
        piece = stacked(pen, [piece, below], piece.height * 0.12)
    if central:
        return _placed(
            piece, size, (size[0] - piece.width) / 2, (size[1] - piece.height) * pen.between(0.3, 0.7)
        )
    return _placed(piece, size, *_corner(pen, piece, size))


def agency(pen: Pen, size: Size) -> Sheet:
    """An agency's cross: lines to the corners or edges, a name or an emblem in the middle, a bar below."""
    sheet = Image.new("L", size)
    draw = ImageDraw.Draw(sheet)
    width, height = size
    x, y = width * pen.between(0.4, 0.6), height * pen.between(0.35, 0.65)
    thick, faint = max(1, round(min(size) * pen.between(0.002, 0.008))), 120 + pen.any_of(136)
    ends: tuple[tuple[float, float], ...] = ((0, 0), (width, 0), (0, height), (width, height))
    if pen.chance(0.25):
        ends = ((x, 0), (x, height), (0, y), (width, y))
    for end in ends:
        draw.line((x, y, *end), faint, thick)
    script = pen.script()
    piece = fitted(pen, phrases.title(pen.rng, script), width * pen.between(0.2, 0.5), height * 0.18, script)
    if pen.chance(0.5):
        reach = min(size) * pen.between(0.1, 0.22)
        ring = (x - reach, y - reach, x + reach, y + reach)
        draw.ellipse(ring, 0 if pen.chance(0.6) else 140, 255, 2 * thick)
        piece.thumbnail((round(reach * 1.7), round(reach)))
    else:
        room = piece.height * 0.3
        box = (
            x - piece.width / 2 - room,
            y - piece.height / 2 - room,
            x + piece.width / 2 + room,
            y + piece.height / 2 + room,
        )
        draw.rectangle(box, 0 if pen.chance(0.7) else 110)
    sheet.paste(255, (round(x - piece.width / 2), round(y - piece.height / 2)), piece)
    if pen.chance(0.4):
        low = height * pen.between(0.93, 0.96)
        draw.rectangle((0, low, width, height), 130)
        line = lettered(pen, phrases.credit(pen.rng, phrases.Script.LATIN), (height - low) * 0.6)
        sheet.paste(255, (round(width * 0.02), round(low + (height - low) * 0.2)), line)
    return sheet


def lattice(pen: Pen, size: Size) -> Sheet:
    """Parallel or crossing lines over the whole picture with a name or an emblem at their nodes."""
    sheet = Image.new("L", size)
    draw = ImageDraw.Draw(sheet)
    pitch = max(40, round(size[0] * pen.between(0.12, 0.34)))
    thick, slope = max(1, round(min(size) * pen.between(0.0015, 0.006))), pen.between(0.4, 1.6)
    run, both = size[1] / slope, pen.chance(0.7)
    for at in range(-math.ceil(run), size[0] + math.ceil(run), pitch):
        draw.line((at, 0, at + run, size[1]), 210, thick)
        if both:
            draw.line((at, size[1], at + run, 0), 210, thick)
    if pen.chance(0.15):
        return sheet
    script = pen.script()
    if pen.chance(0.25):
        piece = logo(pen, pitch * pen.between(0.2, 0.4))
    else:
        piece = fitted(
            pen, phrases.title(pen.rng, script), pitch * pen.between(0.5, 0.9), pitch * 0.25, script
        )
    piece = _turned(piece, 0.0 if pen.chance(0.6) else pen.between(-50, 50))
    step = max(20, round(pitch * slope / (2 if both else 1)))
    for row, y in enumerate(range(0, size[1], step)):
        for x in range(-(row % 2) * pitch // 2, size[0], pitch):
            sheet.paste(255, (x - piece.width // 2, y - piece.height // 2), piece)
    return sheet


def strip(pen: Pen, size: Size) -> Sheet:
    """A translucent bar or box with letters on it or cut out of it."""
    script = pen.script()
    height = size[1] * pen.between(0.04, 0.13)
    piece = lettered(
        pen, phrases.credit(pen.rng, script), max(LEAST + 2, height * pen.between(0.4, 0.6)), script
    )
    piece.thumbnail((round(size[0] * 0.92), round(height)))
    across = pen.chance(0.5)
    width = size[0] if across else piece.width + height
    x = (
        0.0
        if across
        else (size[0] - width) * (pen.between(0, 1) if pen.chance(0.4) else float(pen.any_of(2)))
    )
    y = size[1] * (pen.between(0.05, 0.9) if pen.chance(0.5) else 0.93) - height / 2
    sheet = Image.new("L", size)
    ground, ink = (150, 0) if pen.chance(0.4) else (110, 255)
    ImageDraw.Draw(sheet).rectangle((x, y, x + width, y + height), ground)
    sheet.paste(ink, (round(x + (width - piece.width) / 2), round(y + (height - piece.height) / 2)), piece)
    return sheet


def caption(pen: Pen, size: Size) -> Sheet:
    """The letters of a caption along the lower edge; `framed` pictures have room for them there."""
    script = pen.script()
    height = max(LEAST + 2, size[1] * pen.between(0.03, 0.055))
    text = phrases.caption(pen.rng, script) if pen.chance(0.6) else phrases.credit(pen.rng, script)
    piece = lettered(pen, text, height, script)
    piece.thumbnail((round(size[0] * 0.9), round(height * 1.4)))
    share = (0.04, 0.5, 0.96)[pen.any_of(3)]
    low = size[1] * (1 - CAPTION_ROOM / 2) - piece.height / 2
    return _placed(piece, size, (size[0] - piece.width) * share, low)


CAPTION_ROOM = 0.09  # of a framed picture's height, below the picture
KINDS: Mapping[MarkKind, Callable[[Pen, Size], Sheet]] = {
    MarkKind.BANNER: banner,
    MarkKind.STAMP: stamp,
    MarkKind.TILED: tiled,
    MarkKind.CREDIT: credit,
    MarkKind.EDGE: edge,
    MarkKind.SIGNATURE: signed,
    MarkKind.LOGO: emblem,
    MarkKind.AGENCY: agency,
    MarkKind.LATTICE: lattice,
    MarkKind.STRIP: strip,
    MarkKind.CAPTION: caption,
}
