"""Frames around a picture, without a word on them."""

from __future__ import annotations

from PIL import Image, ImageDraw, ImageOps

from flows.watermarks.lettering import Pen


def border(pen: Pen, picture: Image.Image) -> Image.Image:
    """The picture with a plain frame, perhaps broader below, with bars, a thin line inside, or rounded corners."""
    way = pen.any_of(5)
    tone = (255, 255, 255) if pen.chance(0.5) else (0, 0, 0) if pen.chance(0.7) else tuple(
        int(level) for level in pen.rng.integers(0, 256, 3))  # fmt: skip
    side = min(picture.size)
    if way == 0:
        return ImageOps.expand(picture, round(side * pen.between(0.01, 0.1)), tone)
    if way == 4:
        # Room for a caption below, and none there.
        edge = round(side * pen.between(0, 0.06))
        return ImageOps.expand(
            picture, (edge, edge, edge, edge + round(side * pen.between(0.05, 0.16))), tone
        )
    if way == 1:
        bar = round(picture.height * pen.between(0.04, 0.16))
        return ImageOps.expand(picture, (0, bar) if pen.chance(0.7) else (bar, 0), tone)
    if way == 2:
        done, inset = picture.copy(), side * pen.between(0.02, 0.08)
        box = (inset, inset, picture.width - inset, picture.height - inset)
        ImageDraw.Draw(done).rectangle(box, None, tone, max(1, round(side * pen.between(0.002, 0.008))))
        return done
    mask = Image.new("L", picture.size)
    ImageDraw.Draw(mask).rounded_rectangle(
        (0, 0, picture.width - 1, picture.height - 1), side * pen.between(0.03, 0.2), 255
    )
    return Image.composite(picture, Image.new("RGB", picture.size, tone), mask)
