"""Screenshots: an article, a chat, a spreadsheet, a dashboard."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from PIL import Image, ImageDraw

from flows.demo.paint.canvas import Size
from flows.demo.paint.clutter.diagrams import plot
from flows.demo.paint.clutter.inks import Ink, bright, hued, toned
from flows.demo.paint.lettering import font, paragraph, words
from flows.demo.paint.noise import Random

LIGHT: tuple[Ink, Ink, Ink] = ((255, 255, 255), (28, 28, 30), (120, 124, 126))
DARK: tuple[Ink, Ink, Ink] = ((26, 26, 27), (215, 218, 220), (129, 131, 132))


def page(rng: Random, size: Size) -> tuple[Image.Image, ImageDraw.ImageDraw, tuple[Ink, Ink, Ink]]:
    """An empty page with its (paper, ink, faint ink), light or dark."""
    theme = LIGHT if rng.random() < 0.6 else DARK
    image = Image.new("RGB", size, theme[0])
    return image, ImageDraw.Draw(image), theme


def article(rng: Random, size: Size) -> Image.Image:
    """A post of text: title, author, paragraphs, sometimes a picture's place or a column beside it."""
    image, draw, (_, ink, faint) = page(rng, size)
    width, height = size
    margin = int(width * rng.uniform(0.04, 0.14))
    right = int(width * (rng.uniform(0.62, 0.75) if rng.random() < 0.4 else 0.94))
    text = int(rng.integers(22, 46))
    if rng.random() < 0.6:
        draw.rectangle((0, 0, width, int(height * 0.06)), toned(bright(rng), rng.uniform(0.5, 1)))
    y = int(height * rng.uniform(0.08, 0.16))
    for row in paragraph(rng, int((right - margin) / text / 0.85), int(rng.integers(1, 4))):
        draw.text((margin, y), row, ink, font(int(text * 1.7)))
        y += int(text * 2.1)
    draw.text(
        (margin, y + text // 2),
        f"u/{words(rng, 2).replace(' ', '_')}  {rng.integers(1, 23)} h",
        faint,
        font(text),
    )
    y += text * 3
    while y < height - text:
        if rng.random() < 0.2:
            tall = int(height * rng.uniform(0.1, 0.25))
            draw.rectangle((margin, y, right, y + tall), hued(rng, (0.1, 0.5), (0.3, 0.9)))
            y += tall + text
        for row in paragraph(rng, int((right - margin) / text / 0.5), int(rng.integers(2, 8))):
            draw.text((margin, y), row, ink, font(text))
            y += int(text * 1.45)
        y += text
    if right < width * 0.8:
        for top in range(int(height * 0.1), height, int(height * rng.uniform(0.15, 0.3))):
            draw.rounded_rectangle(
                (right + 40, top, width - 30, top + int(height * 0.12)), 14, hued(rng, (0, 0.4), (0.4, 0.9))
            )
    return image


def chat(rng: Random, size: Size) -> Image.Image:
    """A phone's chat: bubbles from two sides."""
    image, draw, (_, ink, faint) = page(rng, size)
    width, height = size
    text = int(width * rng.uniform(0.026, 0.04))
    mine, theirs = bright(rng), (toned(ink, 0.25) if ink[0] > 128 else (229, 229, 234))
    draw.rectangle((0, 0, width, int(height * 0.09)), toned(theirs, 0.9))
    draw.ellipse(
        (width * 0.04, height * 0.02, width * 0.04 + height * 0.05, height * 0.07),
        hued(rng, (0.3, 0.7), (0.5, 0.9)),
    )
    draw.text((width * 0.16, height * 0.03), words(rng, 2), ink, font(int(text * 1.2)))
    y = int(height * 0.12)
    while y < height:
        rows = paragraph(rng, int(rng.integers(8, 32)), int(rng.integers(1, 6)))
        wide = max(font(text).getlength(row) for row in rows) + text * 1.6
        tall = int(len(rows) * text * 1.35 + text * 1.2)
        own = rng.random() < 0.5
        x = width - wide - width * 0.04 if own else width * 0.04
        draw.rounded_rectangle((x, y, x + wide, y + tall), text, mine if own else theirs)
        for i, row in enumerate(rows):
            draw.text(
                (x + text * 0.8, y + text * 0.5 + i * text * 1.35),
                row,
                (255, 255, 255) if own else ink,
                font(text),
            )
        y += tall + int(text * rng.uniform(0.4, 1.6))
        if rng.random() < 0.2:
            draw.text(
                (width / 2, y),
                f"{rng.integers(0, 24)}:{rng.integers(10, 60)}",
                faint,
                font(int(text * 0.8)),
                anchor="ma",
            )
            y += text * 2
    return image


def spreadsheet(rng: Random, size: Size) -> Image.Image:
    """Cells with figures under a ribbon: a grid of lines, header cells, some rows in colour."""
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    width, height = size
    row = int(rng.integers(28, 56))
    top = int(row * rng.integers(2, 6))
    accent = toned(bright(rng), float(rng.uniform(0.5, 1.1)))
    draw.rectangle((0, 0, width, top), accent)
    draw.text((row, row // 3), words(rng, 5), "white", font(int(row * 0.7)))
    for y in range(top, height, row):
        if rng.random() < 0.2:
            draw.rectangle((0, y, width, y + row), hued(rng, (0.1, 0.35), (0.85, 1)))
        draw.line((0, y, width, y), (150, 150, 150), 2)
    stops = np.cumsum(rng.integers(int(2.2 * row), 6 * row, 40))
    for left, right in pairwise([0, *(int(stop) for stop in stops if stop < width + 6 * row)]):
        draw.line((right, top, right, height), (150, 150, 150), 2)
        cells(rng, draw, (left, top, right, height), row)
    for _ in range(int(rng.integers(1, 4))):
        inset(rng, draw, size, top)
    return image


def inset(rng: Random, draw: ImageDraw.ImageDraw, size: Size, top: int) -> None:
    """A chart that floats over the cells, or a block of cells filled with colour."""
    width, height = size
    left, upper = int(width * rng.uniform(0, 0.7)), int(rng.uniform(top, height * 0.75))
    right, lower = left + int(width * rng.uniform(0.2, 0.5)), upper + int(height * rng.uniform(0.2, 0.5))
    if rng.random() < 0.5:
        draw.rectangle((left, upper, right, lower), hued(rng, (0.3, 0.8), (0.3, 0.9)))
    else:
        draw.rectangle((left, upper, right, lower), "white", (120, 120, 120), 3)
        plot(rng, draw, (left + 50, upper + 40, right - 30, lower - 40), (60, 60, 65))


def cells(rng: Random, draw: ImageDraw.ImageDraw, box: tuple[int, int, int, int], row: int) -> None:
    """One column: a head, then figures or words."""
    left, top, right, bottom = box
    draw.rectangle((left, top, right, top + row), (218, 222, 226), (150, 150, 150))
    figures = rng.random() < 0.7
    room_for = max(int((right - left) / row * 1.7), 3)
    for y in range(top, bottom, row):
        entry = f"{rng.integers(0, 99999)}.{rng.integers(10, 99)}" if figures and y > top else words(rng, 2)
        draw.text((left + 6, y + row * 0.16), entry[:room_for], (32, 33, 36), font(int(row * 0.6)))


def dashboard(rng: Random, size: Size) -> Image.Image:
    """Tiles of figures and small charts beside a menu."""
    image, draw, (paper, ink, faint) = page(rng, size)
    width, height = size
    menu = int(width * rng.uniform(0.12, 0.22))
    draw.rectangle((0, 0, menu, height), toned(hued(rng, (0.2, 0.6), (0.2, 0.5)), 1))
    for y in range(90, height - 60, int(rng.integers(60, 110))):
        draw.text((24, y), words(rng, 1), (230, 230, 235), font(28))
    columns, rows = int(rng.integers(2, 5)), int(rng.integers(2, 4))
    wide, tall = (width - menu - 40) / columns, (height - 60) / rows
    for i in range(columns * rows):
        left, top = menu + 30 + (i % columns) * wide, 40 + (i // columns) * tall
        box = (int(left), int(top), int(left + wide - 20), int(top + tall - 20))
        draw.rounded_rectangle(box, 12, toned(paper, 0.95) if paper[0] > 128 else (40, 42, 46), faint)
        draw.text((box[0] + 16, box[1] + 12), words(rng, 2), faint, font(24))
        if rng.random() < 0.35:
            draw.text(
                (box[0] + 16, box[1] + tall * 0.3), f"{rng.integers(1, 999)}k", ink, font(int(tall * 0.25))
            )
        else:
            plot(rng, draw, (box[0] + 20, box[1] + 50, box[2] - 20, box[3] - 20), faint)
    return image
