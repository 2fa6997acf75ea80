"""Drawn pictures: memes, pixel art, comics, posters."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from PIL import Image, ImageDraw

from flows.demo.paint.canvas import Size, column, finish, shape_of
from flows.demo.paint.clutter.inks import Ink, bright, hued, toned
from flows.demo.paint.lettering import font, paragraph, words
from flows.demo.paint.noise import Random, field

BLACK: Ink = (15, 15, 15)
SKINS: tuple[Ink, ...] = ((255, 224, 196), (238, 187, 150), (190, 130, 92), (120, 78, 54), (255, 217, 61))


def person(
    rng: Random, draw: ImageDraw.ImageDraw, at: tuple[float, float], tall: float, line_width: int
) -> None:
    """A drawn figure: round head, body, limbs."""
    x, foot = at
    head = tall * 0.17
    skin, dress = SKINS[int(rng.integers(len(SKINS)))], bright(rng)
    hip, neck = foot - tall * 0.4, foot - tall * 0.68
    for side in (-1, 1):
        draw.line((x, hip, x + side * tall * 0.13, foot), BLACK, line_width * 2)
        draw.line(
            (
                x,
                neck + tall * 0.06,
                x + side * tall * rng.uniform(0.15, 0.3),
                neck + tall * rng.uniform(-0.15, 0.3),
            ),
            BLACK,
            line_width * 2,
        )
    draw.rounded_rectangle((x - tall * 0.1, neck, x + tall * 0.1, hip), tall * 0.05, dress, BLACK, line_width)
    top = neck - 2 * head
    draw.ellipse((x - head, top, x + head, neck), skin, BLACK, line_width)
    for side in (-1, 1):
        eye = x + side * head * 0.4
        draw.ellipse((eye - head * 0.12, top + head * 0.7, eye + head * 0.12, top + head), BLACK)
    draw.arc(
        (x - head * 0.5, top + head, x + head * 0.5, top + head * 1.6),
        0 if rng.random() < 0.5 else 180,
        180 if rng.random() < 0.5 else 360,
        BLACK,
        line_width,
    )


def meme(rng: Random, size: Size) -> Image.Image:
    """Bold white letters over and under a blurred scene with a figure in it."""
    width, height = size
    shape = shape_of(size)
    ground = column([value / 255 for value in hued(rng, (0.1, 0.5), (0.4, 0.9))])
    soft = 1 + 0.3 * field(rng, shape, (shape[0] / 2, shape[1] / 2), 4)
    image = finish(rng, ground * soft, size, 3)
    draw = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(1, 4))):
        at = (width * rng.uniform(0.15, 0.85), height * rng.uniform(0.8, 1.2))
        person(rng, draw, at, height * rng.uniform(0.5, 1.0), 6)
    letters = font(int(width * rng.uniform(0.06, 0.1)))
    for y, anchor in ((height * 0.03, "ma"), (height * 0.97, "md")):
        text = words(rng, int(rng.integers(2, 5))).upper()
        draw.text((width / 2, y), text, "white", letters, anchor=anchor, stroke_width=6, stroke_fill="black")
    return image


def pixel_art(rng: Random, size: Size) -> Image.Image:
    """A sprite or a small scene in few colours and big squares."""
    rows = int(rng.choice([16, 24, 32, 40]))
    columns = round(rows * size[0] / size[1])
    palette = np.array([hued(rng, (0.3, 0.9), (0.2, 1)) for _ in range(int(rng.integers(4, 9)))], np.uint8)
    ground = field(rng, (rows, columns), (rows / 3, columns / 3), 3, 0.7)
    index = np.clip(((ground + 2) / 4 * len(palette)).astype(int), 0, len(palette) - 1)
    half = rng.random((rows // 2, rows // 4)) < 0.55
    sprite = np.concatenate([half, half[:, ::-1]], axis=1)
    top = int(rng.integers(0, rows - sprite.shape[0]))
    left = int(rng.integers(0, columns - sprite.shape[1]))
    window = index[top : top + sprite.shape[0], left : left + sprite.shape[1]]
    window[sprite] = (window[sprite] + len(palette) // 2) % len(palette)
    return Image.fromarray(palette[index]).resize(size, Image.Resampling.NEAREST)


def comic(rng: Random, size: Size) -> Image.Image:
    """Panels with figures, speech and flat colours."""
    width, height = size
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    gap = int(width * 0.018)
    rows = int(rng.integers(1, 4))
    edges = np.linspace(gap, height, rows + 1)
    for top, bottom in pairwise(edges):
        cuts = np.linspace(gap, width, int(rng.integers(1, 5)) + 1)
        for left, right in pairwise(cuts):
            box = (int(left), int(top), int(right - gap), int(bottom - gap))
            panel = Image.new("RGB", (box[2] - box[0], box[3] - box[1]), hued(rng, (0.1, 0.6), (0.7, 1)))
            draw_panel(rng, panel)
            image.paste(panel, box[:2])
            draw.rectangle(box, outline=BLACK, width=6)
    return image


def draw_panel(rng: Random, panel: Image.Image) -> None:
    """One panel: floor, one to three figures, a balloon."""
    draw = ImageDraw.Draw(panel)
    width, height = panel.size
    floor = height * rng.uniform(0.7, 0.9)
    draw.rectangle((0, floor, width, height), hued(rng, (0.2, 0.6), (0.5, 0.8)))
    for _ in range(int(rng.integers(1, 4))):
        at = (width * rng.uniform(0.15, 0.85), floor + height * 0.08)
        person(rng, draw, at, height * rng.uniform(0.4, 0.75), 4)
    text = max(int(min(width, height) * 0.055), 12)
    rows = paragraph(rng, max(int(width * 0.5 / text / 0.55), 4), int(rng.integers(1, 4)))
    wide = max(font(text).getlength(row) for row in rows) + text * 2
    x, y = rng.uniform(0, max(width - wide, 1)), height * 0.03
    draw.ellipse((x, y, x + wide, y + text * (len(rows) * 1.3 + 1.6)), "white", BLACK, 4)
    for i, row in enumerate(rows):
        draw.text((x + wide / 2, y + text * (0.8 + 1.3 * i)), row, BLACK, font(text), anchor="ma")


def poster(rng: Random, size: Size) -> Image.Image:
    """A poster: flat shapes and big words."""
    width, height = size
    paper = hued(rng, (0.2, 0.9), (0.3, 1))
    image = Image.new("RGB", size, paper)
    draw = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(3, 9))):
        x, y, r = rng.uniform(0, width), rng.uniform(0, height), width * rng.uniform(0.08, 0.4)
        ink = bright(rng) if rng.random() < 0.5 else toned(paper, rng.uniform(0.4, 1.6))
        form = rng.random()
        if form < 0.4:
            draw.ellipse((x - r, y - r, x + r, y + r), ink)
        elif form < 0.7:
            draw.rectangle((x - r, y - r * 0.4, x + r, y + r * 0.4), ink)
        else:
            draw.regular_polygon((x, y, r), int(rng.integers(3, 7)), float(rng.uniform(0, 90)), ink)
    y = height * rng.uniform(0.05, 0.5)
    for _ in range(int(rng.integers(2, 5))):
        text = words(rng, int(rng.integers(1, 3))).upper()
        letters = font(int(width * rng.uniform(0.06, 0.17)))
        draw.text((width * 0.08, y), text, "white" if sum(paper) < 400 else "black", letters)
        y += letters.size * 1.2
    return image
