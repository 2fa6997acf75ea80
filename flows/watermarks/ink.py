"""How a mark lies on a picture: its colour, its opacity, its rim, shadow or relief."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops, ImageFilter

from flows.watermarks.lettering import Pen, Sheet

Floats = npt.NDArray[np.float32]
# A mark that nobody sees is no mark: its letters change the picture by so many grey levels at least.
LEAST_SEEN = 7.0


@dataclass(frozen=True)
class Laid:
    """A picture under a mark, how much each pixel changed (L), and the letters' opacity, 0 to 1."""

    picture: Image.Image
    change: Image.Image
    opacity: float


def lay(pen: Pen, picture: Image.Image, cover: Sheet, opacity: float) -> Laid:
    """Lay a mark's coverage sheet over an RGB picture; where it is 0, and off its rim, every pixel stays."""
    box = cover.getbbox()
    if box is None:
        return Laid(picture, Image.new("L", picture.size), opacity)
    room = max(2, round(picture.width / 150))
    box = (
        max(0, box[0] - room), max(0, box[1] - room),
        min(picture.width, box[2] + room), min(picture.height, box[3] + room),
    )  # fmt: skip
    under = picture.crop(box)
    over = _inked(pen, under, cover.crop(box), opacity)
    marked = picture.copy()
    marked.paste(over, box[:2])
    return Laid(marked, ImageChops.difference(picture, marked).convert("L"), opacity)


def _inked(pen: Pen, under: Image.Image, cover: Sheet, opacity: float) -> Image.Image:
    ground = np.asarray(under, np.float32)
    share = np.asarray(cover, np.float32)[..., None] / 255 * np.float32(opacity)
    covered = share[..., 0] > 0.3 * opacity
    mean = ground[covered].mean(0) if covered.any() else ground.mean((0, 1))
    ink = _colour(pen, mean)
    over = _trimmed(pen, ground, cover, ink, opacity) if pen.chance(0.45) else ground
    blended = _blend(pen, ground, ink)
    over = over + share * (blended - over)
    if covered.any() and float(np.abs(over - ground)[covered].mean()) < LEAST_SEEN:
        plain = np.full(3, 255 if mean.mean() < 128 else 0, np.float32)
        over = ground + share * (plain - ground)
    return Image.fromarray(np.clip(over + 0.5, 0, 255).astype(np.uint8))


def _colour(pen: Pen, mean: Floats) -> Floats:
    """White mostly, black or grey where that shows, or any colour."""
    level = float(mean.mean())
    chosen = pen.rng.random()
    if chosen < 0.2:
        colour: Floats = pen.rng.uniform(0, 255, 3).astype(np.float32)
        return colour
    if chosen < 0.3:
        grey = pen.between(90, 200)
        return np.full(3, grey if abs(grey - level) > 50 else (grey + 128) % 256, np.float32)
    dark = level > 185 or (level > 120 and pen.chance(0.4)) or pen.chance(0.06)
    return np.full(3, pen.between(0, 40) if dark else pen.between(225, 255), np.float32)


def _blend(pen: Pen, ground: Floats, ink: Floats) -> Floats:
    """What full ink would leave: itself, or mixed with the ground by screen, multiply or overlay."""
    way = pen.any_of(12)
    full = np.float32(255)
    multiplied: Floats = ground * ink / full
    screened: Floats = ground + ink - multiplied
    if way == 0:
        return screened
    if way == 1:
        return multiplied
    if way == 2:
        overlaid: Floats = np.where(ground < 128, 2 * multiplied, 2 * screened - full).astype(np.float32)
        return overlaid
    return ink


def _trimmed(pen: Pen, ground: Floats, cover: Sheet, ink: Floats, opacity: float) -> Floats:
    """The ground with a mark's rim, its shadow, or the light and dark sides of a relief."""
    reach = max(1, round(max(cover.size) / 500))
    contrast = np.float32(255 if ink.mean() < 128 else 0)
    way = pen.any_of(3)
    if way == 0:
        rim = cover.filter(ImageFilter.MaxFilter(2 * reach + 1))
        return _towards(ground, rim, contrast, 0.7 * opacity)
    shift = (reach + pen.any_of(2), reach + pen.any_of(2))
    if way == 1:
        shadow = ImageChops.offset(cover, *shift).filter(
            ImageFilter.GaussianBlur(reach * pen.between(0.3, 2))
        )
        return _towards(ground, shadow, contrast, 0.8 * opacity)
    light = ImageChops.subtract(ImageChops.offset(cover, -shift[0], -shift[1]), cover)
    dark = ImageChops.subtract(ImageChops.offset(cover, *shift), cover)
    return _towards(_towards(ground, light, np.float32(255), opacity), dark, np.float32(0), opacity)


def _towards(ground: Floats, sheet: Sheet, level: np.float32, opacity: float) -> Floats:
    share = np.asarray(sheet, np.float32)[..., None] / 255 * np.float32(opacity)
    moved: Floats = ground + share * (level - ground)
    return moved
