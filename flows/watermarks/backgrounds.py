"""What marks are laid over for training: crops of photographs and paintings, in any light, size and sharpness."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from flows.demo.paint import LANDSCAPES, Kind, near_duplicate, size_of
from flows.demo.paint.gallery import PAINTERS
from flows.demo.paint.noise import Random, generator
from flows.watermarks.synthesise import opened, readable

# Paintings that are lettering themselves (screenshots, memes, charts …) are left out: a caption and a mark are
# the same to a network of this size, and it only sees what the taste accepted.
TEXTLESS = (Kind.FACE, Kind.FOOD, Kind.ROOM, Kind.FLOWER, Kind.BUILDING, Kind.PRODUCT, Kind.PIXEL_ART)
# The demo paints with seeds below 10,000,000 and its liked pictures from 20,000,000.
TRAINING_SEEDS = 50_000_000
CROPS, PAINTINGS = 3, 80  # crops of a photograph at most, and paintings, in a round
CROPPED = (500_000, 1_500_000)  # pixels from which a photograph gives a second and a third crop
PHOTO_SIDE = 3000
SHORTEST_CROP = 360


@dataclass(frozen=True)
class Background:
    """A picture to put marks on: a painting by kind and seed, or a photograph's crop by path and seed."""

    seed: int
    kind: Kind | None = None
    photo: Path | None = None

    @property
    def name(self) -> str:
        """What its random numbers are named by: the same wherever the photograph lies."""
        return f"{self.kind} {self.photo and self.photo.name}"


def backgrounds(rounds: int, photos: Sequence[Path]) -> list[Background]:
    """In each round some crops of every photograph, then paintings: so that a part of them is as mixed as all.

    A small photograph gives fewer crops. Paintings are three times each landscape to one thing without lettering.
    """
    kinds = [*LANDSCAPES * 3, *TEXTLESS]
    crops = [_crops_of(photo) for photo in photos]
    found = []
    for turn in range(rounds):
        first = TRAINING_SEEDS + turn * CROPS
        painted = range(turn * PAINTINGS, (turn + 1) * PAINTINGS)
        for photo, count in zip(photos, crops, strict=True):
            found += [Background(first + i, photo=photo) for i in range(count)]
        found += [Background(TRAINING_SEEDS + i, kind=kinds[i % len(kinds)]) for i in painted]
    return found


def _crops_of(photo: Path) -> int:
    """How many crops of a photograph a round has; PreflightError names a file that is none."""
    with readable(photo) as image:
        return 1 + sum(image.width * image.height >= pixels for pixels in CROPPED)


def drawn(background: Background) -> Image.Image:
    """The background as training sees it: a part of it, turned, toned, blurred and scaled at random."""
    rng = generator(f"background {background.name}", background.seed)
    if background.photo is not None:
        whole, least = photograph(background.photo), 0.2
    else:
        assert background.kind is not None
        whole, least = _painting(rng, background.kind, background.seed), 0.7
    part = _turned(rng, _part(rng, whole, least))
    # From thumbnails to screens: small pictures are scaled up to the detector's square, and look soft there.
    side = round(float(np.exp(rng.uniform(np.log(230), np.log(1400)))))
    part.thumbnail((side, side), Image.Resampling.LANCZOS)
    return _toned(rng, part)


@lru_cache(maxsize=1)
def photograph(file: Path) -> Image.Image:
    """A photograph, its longer side at most `PHOTO_SIDE`; the last one is kept, its crops follow each other."""
    return opened(file, PHOTO_SIDE)


def _painting(rng: Random, kind: Kind, seed: int) -> Image.Image:
    # Painted at half to all of its size: grain and detail of more than one scale, in less time.
    scale, size = rng.uniform(0.5, 1.0), size_of(kind, seed)
    small = (round(size[0] * scale), round(size[1] * scale))
    image = PAINTERS[kind](generator(kind, seed), small)
    return near_duplicate(image, seed) if rng.random() < 0.15 else image


def _part(rng: Random, image: Image.Image, least: float) -> Image.Image:
    """A crop that shows `least` to all of each side, as much of one as of the other, or nearly."""
    share = float(np.exp(rng.uniform(np.log(least), 0)))
    sides = []
    for side in image.size:
        wanted = side * min(1.0, share * float(rng.uniform(0.8, 1.25)))
        sides.append(min(side, max(round(wanted), SHORTEST_CROP)))
    left, top = (int(rng.integers(whole - part + 1)) for whole, part in zip(image.size, sides, strict=True))
    return image.crop((left, top, left + sides[0], top + sides[1]))


def _turned(rng: Random, image: Image.Image) -> Image.Image:
    if rng.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    chosen = rng.random()
    if chosen < 0.08:
        return image.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    if chosen < 0.2:
        return image.transpose(Image.Transpose.ROTATE_90)
    return image


def _toned(rng: Random, image: Image.Image) -> Image.Image:
    """Another light, other colours or none, softer, noisier."""
    if rng.random() < 0.18:
        image = image.convert("L").convert("RGB")
    elif rng.random() < 0.3:
        image = ImageEnhance.Color(image).enhance(float(rng.uniform(0.3, 1.7)))
    if rng.random() < 0.2:
        image = image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.4, 2.5))))
    levels = np.asarray(image, np.float32) / 255
    if rng.random() < 0.5:
        levels = levels ** np.float32(np.exp(rng.uniform(-0.6, 0.6)))
    if rng.random() < 0.15:
        levels = levels[..., rng.permutation(3)]
    if rng.random() < 0.5:
        levels = (levels - 0.5) * np.float32(rng.uniform(0.6, 1.3)) + 0.5
        levels = levels * rng.uniform(0.85, 1.15, 3).astype(np.float32)
    if rng.random() < 0.25:
        deviation = np.float32(rng.uniform(0.005, 0.06))
        levels = levels + deviation * rng.standard_normal((*levels.shape[:2], 1), np.float32)
    return Image.fromarray((np.clip(levels, 0, 1) * 255).astype(np.uint8))
