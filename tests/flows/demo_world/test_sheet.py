from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from flows.demo.sheet import sheet

COLOURS = ["red", "green", "blue", "white", "orange"]


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    found = [tmp_path / f"{colour}.png" for colour in COLOURS]
    for path in found:
        Image.new("RGB", (300, 100), path.stem).save(path)
    return found


def test_shows_every_picture_in_its_place(paths: list[Path], tmp_path: Path) -> None:
    out = sheet(paths, tmp_path / "new" / "sheet.png", columns=3, cell=(60, 40), gap=4)
    with Image.open(out) as image:
        assert image.size == (3 * 64 + 4, 2 * 44 + 4)
        assert image.getpixel((34, 24)) == (255, 0, 0)
        assert image.getpixel((34 + 2 * 64, 24)) == (0, 0, 255)
        assert image.getpixel((34 + 64, 24 + 44)) == (255, 165, 0)


def test_captions_stay_in_their_cells(paths: list[Path], tmp_path: Path) -> None:
    plain = Image.open(sheet(paths[:2], tmp_path / "plain.png", cell=(60, 40)))
    out = sheet(
        paths[:2], tmp_path / "told.png", cell=(60, 40), captions=["a caption that is far too long", ""]
    )
    with Image.open(out) as image:
        assert image.height > plain.height
        below = image.crop((0, 44, image.width, image.height))
        written = below.convert("L").point(lambda value: 255 if value > 100 else 0).getbbox()
    assert written is not None
    assert written[2] <= 64
    plain.close()


def test_tells_what_is_wrong(paths: list[Path], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one"):
        sheet([], tmp_path / "x.png")
    with pytest.raises(ValueError, match="1 captions for 5 pictures"):
        sheet(paths, tmp_path / "x.png", captions=["one"])
