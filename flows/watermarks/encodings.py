"""What happens to a picture on its way: resized, sharpened, encoded, once or twice."""

from __future__ import annotations

from io import BytesIO

from PIL import Image, ImageFilter

from flows.demo.paint.copies import jpeg
from flows.watermarks.lettering import Pen

RESAMPLINGS = (Image.Resampling.LANCZOS, Image.Resampling.BICUBIC, Image.Resampling.BILINEAR)


def travelled(pen: Pen, picture: Image.Image) -> tuple[Image.Image, int]:
    """The picture after resizing and JPEG encodings, and the quality to encode it with last (40 to 95)."""
    if pen.chance(0.25):
        picture = _encoded(picture, int(pen.between(60, 96)))
    if pen.chance(0.4):
        scale = pen.between(0.6, 1.25)
        size = (max(64, round(picture.width * scale)), max(64, round(picture.height * scale)))
        picture = picture.resize(size, RESAMPLINGS[pen.any_of(3)])
    if pen.chance(0.08):
        picture = picture.filter(ImageFilter.UnsharpMask(1.2, int(pen.between(40, 120)), 2))
    return picture, int(pen.between(40, 60) if pen.chance(0.15) else pen.between(60, 96))


def _encoded(picture: Image.Image, quality: int) -> Image.Image:
    with Image.open(BytesIO(jpeg(picture, quality))) as decoded:
        return decoded.convert("RGB")


def decoded(data: bytes) -> Image.Image:
    """An RGB picture of encoded bytes."""
    with Image.open(BytesIO(data)) as opened:
        return opened.convert("RGB")
