"""A flat thing seen from aside: its perspective, and the light of the scene on it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from flows.demo.paint.canvas import Size
from flows.demo.paint.noise import field
from flows.watermarks.lettering import Pen

Corners = tuple[tuple[float, float], ...]
Floats = npt.NDArray[np.float32]


def seen_aslant(pen: Pen, box: tuple[float, float, float, float]) -> Corners:
    """Four corners of a box (left, top, right, bottom) as a camera sees it from aside, from left top clockwise."""
    left, top, right, bottom = box
    wide, tall = right - left, bottom - top
    far, turn = pen.between(0.12, 0.5), pen.between(-0.35, 0.35)
    near_left = pen.chance(0.5)
    a, b = (0.0, far * tall / 2) if near_left else (far * tall / 2, 0.0)
    squeeze = wide * far * pen.between(0.2, 0.8)
    right -= squeeze
    lean = wide * turn * pen.between(0, 0.3)
    rise = wide * turn
    return (
        (left + lean, top + a), (right + lean, top + b + rise),
        (right, bottom - b + rise), (left, bottom - a),
    )  # fmt: skip


def warped(flat: Image.Image, corners: Corners, size: Size) -> Image.Image:
    """An image laid so that its corners come to rest at `corners`, on an empty one of (width, height) `size`."""
    wide, tall = flat.size
    sources = ((0, 0), (wide, 0), (wide, tall), (0, tall))
    rows, values = [], []
    for (x, y), (u, v) in zip(corners, sources, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    solved = np.linalg.lstsq(np.array(rows, float), np.array(values, float), rcond=None)[0]
    return flat.transform(
        size, Image.Transform.PERSPECTIVE, [float(value) for value in solved], Image.Resampling.BICUBIC
    )


def lit(pen: Pen, picture: Image.Image, layer: Image.Image, mask: Image.Image) -> Image.Image:
    """The picture with a layer where its mask (L) is, under the scene's light: its shades, its blur, its grain."""
    box = mask.getbbox()
    if box is None:
        return picture
    under = np.asarray(picture.crop(box), np.float32)
    soft = picture.crop(box).convert("L").filter(ImageFilter.GaussianBlur(max(2, (box[2] - box[0]) / 6)))
    shade = np.asarray(soft, np.float32)[..., None] / 255
    gain = 0.35 + pen.between(0.5, 1.0) * shade
    uneven = field(pen.rng, under.shape[:2], (under.shape[0] / 2 + 2, under.shape[1] / 2 + 2), 3)
    over = np.asarray(layer.crop(box), np.float32) * gain * (1 + 0.12 * uneven[..., None])
    over += pen.rng.normal(0, pen.between(1, 6), (*under.shape[:2], 1)).astype(np.float32)
    blur = pen.between(0, max(0.4, picture.width / 700))
    cover = mask.crop(box).filter(ImageFilter.GaussianBlur(blur))
    share = np.asarray(cover, np.float32)[..., None] / 255
    lain = np.clip(under + share * (over - under), 0, 255).astype(np.uint8)
    done = picture.copy()
    done.paste(
        Image.fromarray(lain).filter(ImageFilter.GaussianBlur(blur / 2)),
        box[:2],
        mask.crop(box).point(bool_mask),
    )
    return done


def bool_mask(level: int) -> int:
    """Everything that is touched at all."""
    return 255 if level else 0
