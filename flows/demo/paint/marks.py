"""Visible watermarks, composited over a picture."""

from __future__ import annotations

from PIL import Image, ImageDraw

from flows.demo.paint.lettering import font
from flows.demo.paint.noise import generator


def watermark(image: Image.Image, seed: int) -> Image.Image:
    """The image under a visible mark; every pixel that the mark does not cover stays as it was."""
    rng = generator("watermark", seed)
    sheet = Image.new("L", image.size, 0)
    draw = ImageDraw.Draw(sheet)
    draw.text((image.width / 2, image.height / 2), "SAMPLE", 255, font(image.width // 8), anchor="mm")
    opacity = float(rng.uniform(0.35, 0.8))
    return Image.composite(Image.new("RGB", image.size, "white"), image, sheet.point(lambda v: v * opacity))
