"""Visible watermarks: lettering, tiled patterns, a credit in a corner, the logos of picture agencies."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from flows.demo.paint.canvas import Size
from flows.demo.paint.lettering import font, words
from flows.demo.paint.noise import Random, generator

NAMES = (
    "SAMPLE",
    "PREVIEW",
    "PROOF",
    "COPYRIGHT",
    "STOCK",
    "DO NOT COPY",
    "shutterpix",
    "PhotoVault",
    "imagoria",
)


def watermark(image: Image.Image, seed: int) -> Image.Image:
    """The RGB image under a visible mark; every pixel that the mark does not cover stays as it was."""
    rng = generator("watermark", seed)
    return stamped(rng, image, coverage(rng, image.size))


def coverage(rng: Random, size: Size) -> Image.Image:
    """Any sort of mark for a picture of (width, height) `size`: an L image, 0 where there is none."""
    return SORTS[int(rng.integers(len(SORTS)))](rng, size)


def stamped(rng: Random, image: Image.Image, sheet: Image.Image, lowest: float = 0.35) -> Image.Image:
    """The image with a mark's coverage sheet (mode L) laid over it, `lowest` to 0.9 opaque.

    The ink is white, black or grey, whichever shows: a mark that nobody sees is no mark.
    """
    box = sheet.getbbox()
    if box is None:
        return image
    opacity = float(rng.uniform(lowest, 0.9))
    cover = sheet.crop(box)
    under = np.asarray(image.crop(box).convert("L").resize((32, 32)), np.float32).mean()
    ink = 255 if under < 150 else (255 if rng.random() < 0.35 and under < 200 else int(rng.integers(0, 50)))
    marked = image.copy()
    if rng.random() < 0.5:
        # The thin dark or light rim that keeps letters legible on any ground.
        reach = 2 * max(1, round(image.width / 640)) + 1
        rim = cover.filter(ImageFilter.MaxFilter(reach)).point(lambda v: round(v * opacity * 0.6))
        marked.paste((255 - ink,) * 3, box[:2], rim)
    marked.paste((ink, ink, ink), box[:2], cover.point(lambda v: round(v * opacity)))
    return marked


def name(rng: Random) -> str:
    """What a mark says: an agency, a warning or an author."""
    chosen = rng.random()
    if chosen < 0.6:
        return NAMES[int(rng.integers(len(NAMES)))]
    author = words(rng, 2).title()
    return f"© {author}" if chosen < 0.8 else f"www.{author.replace(' ', '').lower()}.com"


def lettered(rng: Random, text: str, height: float) -> Image.Image:
    """One line of letters as a coverage sheet, sometimes hollow, bold or widely spaced."""
    letters = font(int(height))
    if rng.random() < 0.25:
        text = " ".join(text)
    bold = int(height / 18) if rng.random() < 0.5 else 0
    left, top, right, bottom = letters.getbbox(text, stroke_width=bold + 2)
    sheet = Image.new("L", (int(right - left) + 4, int(bottom - top) + 4))
    draw = ImageDraw.Draw(sheet)
    at = (2 - left, 2 - top)
    if rng.random() < 0.2 and height > 50:
        draw.text(at, text, 0, letters, stroke_width=max(2, int(height / 30)), stroke_fill=255)
    else:
        draw.text(at, text, 255, letters, stroke_width=bold)
    return sheet


def banner(rng: Random, size: Size) -> Image.Image:
    """Large letters across the picture, level or aslant."""
    text = name(rng)
    height = size[0] * rng.uniform(0.5, 0.9) / max(len(text), 5) * 1.6
    piece = lettered(rng, text, min(height, size[1] * 0.3))
    turned = piece.rotate(
        float(rng.choice([0, 0, 30, -30, 45, 20])), expand=True, resample=Image.Resampling.BILINEAR
    )
    sheet = Image.new("L", size)
    sheet.paste(
        turned, ((size[0] - turned.width) // 2, int(size[1] * rng.uniform(0.3, 0.7) - turned.height / 2))
    )
    return sheet


def tiled(rng: Random, size: Size) -> Image.Image:
    """The same small words again and again, aslant over everything."""
    piece = lettered(rng, name(rng), size[0] * rng.uniform(0.02, 0.05))
    step_x, step_y = int(piece.width * rng.uniform(1.15, 2)), int(piece.height * rng.uniform(2, 5))
    reach = int(math.hypot(*size))
    sheet = Image.new("L", (reach, reach))
    for row, y in enumerate(range(0, reach, step_y)):
        for x in range(-step_x // 2 * (row % 2), reach, step_x):
            sheet.paste(piece, (x, y))
    sheet = sheet.rotate(float(rng.uniform(-45, 45)))
    left, top = (reach - size[0]) // 2, (reach - size[1]) // 2
    return sheet.crop((left, top, left + size[0], top + size[1]))


def credit(rng: Random, size: Size) -> Image.Image:
    """A line of credit in a corner or along the lower edge."""
    piece = lettered(rng, name(rng), size[0] * rng.uniform(0.026, 0.05))
    margin = int(size[0] * rng.uniform(0.01, 0.04))
    x = (margin, size[0] - piece.width - margin, (size[0] - piece.width) // 2)[int(rng.integers(3))]
    y = margin if rng.random() < 0.25 else size[1] - piece.height - margin
    sheet = Image.new("L", size)
    sheet.paste(piece, (x, y))
    return sheet


def agency(rng: Random, size: Size) -> Image.Image:
    """An agency's logo in the middle: a ring or a box around a name, lines to the corners, a bar below."""
    sheet = Image.new("L", size)
    draw = ImageDraw.Draw(sheet)
    width, height = size
    x, y = width / 2, height * rng.uniform(0.4, 0.6)
    reach = min(size) * rng.uniform(0.14, 0.26)
    thick = max(2, int(reach * 0.05))
    if rng.random() < 0.6:
        for corner in ((0, 0), (width, 0), (0, height), (width, height)):
            draw.line((x, y, *corner), 190, max(1, thick // 2))
    draw.ellipse((x - reach, y - reach, x + reach, y + reach), 0 if rng.random() < 0.5 else 150, 255, thick)
    piece = lettered(rng, name(rng), reach * rng.uniform(0.35, 0.6))
    sheet.paste(255, (int(x - piece.width / 2), int(y - piece.height / 2)), piece)
    if rng.random() < 0.5:
        draw.rectangle((0, height * 0.93, width, height * 0.97), 120)
    return sheet


def lattice(rng: Random, size: Size) -> Image.Image:
    """Crossing lines over the whole picture with a name at their nodes."""
    sheet = Image.new("L", size)
    draw = ImageDraw.Draw(sheet)
    pitch = int(size[0] * rng.uniform(0.14, 0.3))
    thick = max(1, round(size[0] / 450))
    for at in range(-size[1], size[0] + size[1], pitch):
        draw.line((at, 0, at + size[1], size[1]), 200, thick)
        draw.line((at, size[1], at + size[1], 0), 200, thick)
    text = name(rng)
    piece = lettered(rng, text, min(pitch * 0.16, pitch * 1.1 / len(text)))
    for i, y in enumerate(range(0, size[1], max(pitch // 2, 20))):
        for x in range(-(i % 2) * pitch // 2, size[0], pitch):
            sheet.paste(255, (x - piece.width // 2, y), piece)
    return sheet


SORTS: tuple[Callable[[Random, Size], Image.Image], ...] = (banner, banner, tiled, credit, agency, lattice)
