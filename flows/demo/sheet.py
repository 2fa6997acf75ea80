"""Contact sheets: many pictures at a glance, as one picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, ImageOps

BACKGROUND, INK = (24, 24, 26), (214, 214, 214)
CAPTION_HEIGHT, CAPTION_SIZE = 18, 12
MARGIN = 2


def sheet(
    paths: Sequence[Path],
    out: Path,
    columns: int = 8,
    cell: tuple[int, int] = (192, 128),
    captions: Sequence[str] | None = None,
    gap: int = 4,
) -> Path:
    """Write a contact sheet, a JPEG or PNG by its name, and give its path.

    Every picture is scaled and cropped to ``cell`` (width, height in pixels); captions stand under them, cut to
    the cell. Raises ValueError without pictures, or where the captions are not as many as they are.
    """
    if not paths:
        raise ValueError("a contact sheet needs at least one picture")
    if captions is not None and len(captions) != len(paths):
        raise ValueError(f"{len(captions)} captions for {len(paths)} pictures: give one for each, or none")
    columns = min(columns, len(paths))
    step = cell[0] + gap, cell[1] + gap + (CAPTION_HEIGHT if captions else 0)
    size = step[0] * columns + gap, step[1] * -(-len(paths) // columns) + gap
    canvas = Image.new("RGB", size, BACKGROUND)
    for number, path in enumerate(paths):
        corner = gap + number % columns * step[0], gap + number // columns * step[1]
        canvas.paste(_thumbnail(path, cell), corner)
        if captions:
            _write(canvas, (corner[0], corner[1] + cell[1]), captions[number], cell[0])
    out.parent.mkdir(parents=True, exist_ok=True)
    canvas.save(out, quality=86)
    return out


def _thumbnail(path: Path, cell: tuple[int, int]) -> Image.Image:
    with Image.open(path) as image:
        # A JPEG can be decoded at an eighth of its size; twice the cell keeps the edges clean.
        image.draft("RGB", (cell[0] * 2, cell[1] * 2))
        return ImageOps.fit(ImageOps.exif_transpose(image).convert("RGB"), cell, Image.Resampling.LANCZOS)


def _write(canvas: Image.Image, corner: tuple[int, int], text: str, width: int) -> None:
    draw, font = ImageDraw.Draw(canvas), ImageFont.load_default(CAPTION_SIZE)
    while text and draw.textlength(text, font=font) > width - 2 * MARGIN:
        text = text[:-1]
    draw.text((corner[0] + MARGIN, corner[1] + MARGIN), text, INK, font)
