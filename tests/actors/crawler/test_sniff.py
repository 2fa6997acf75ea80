from __future__ import annotations

import io

import pytest
from PIL import Image

from actors.crawler.sniff import is_no_image

NO_IMAGES = [
    b"<!DOCTYPE html><html>",
    b"  \n<html><head>",
    b"\xef\xbb\xbf<html>",
    b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>',
    b"Not found",
    "schön, aber ein Text – ".encode() * 30,
    b'{"error": 404}',
    b"\xff\xfe<\x00h\x00t\x00",
    b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00isommp42" + bytes(100),
    b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2avc1mp41" + bytes(100),
    b"\x00\x00\x00\x14ftypqt  \x00\x00\x00\x00qt  ",
    b"\x1aE\xdf\xa3\x01\x00\x00\x00webm" + bytes(50),
    b"RIFF\x00\x00\x00\x00AVI LIST",
    b"RIFF\x00\x00\x00\x00WAVEfmt ",
    b"%PDF-1.7\n%\xe2\xe3\xcf\xd3",
    b"PK\x03\x04\x14\x00\x00\x00",
    b"\x1f\x8b\x08\x00\x00",
    b"OggS\x00\x02",
]
IMAGES = [
    b"\x00\x00\x00\x1cftypavif\x00\x00\x00\x00mif1avifmiaf",
    b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic",
    b"\x00\x00\x00\x18ftypmiaf\x00\x00\x00\x00mif1avif",
    b"P6\n2 2\n255\n............",
    b"BM" + b"text that is none",
    b"\x00\x00\x00\x0cJXL \r\n\x87\n",
    b"8BPS\x00\x01",
    bytes(range(256)),  # nobody knows: left to the decoder
]


@pytest.mark.parametrize("head", NO_IMAGES)
def test_pages_texts_and_videos_are_no_images(head: bytes) -> None:
    assert is_no_image(head)


@pytest.mark.parametrize("head", IMAGES)
def test_images_and_the_unknown_pass(head: bytes) -> None:
    assert not is_no_image(head)


@pytest.mark.parametrize(
    "name", ["JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "AVIF", "JPEG2000", "PPM", "ICO"]
)
def test_what_pillow_writes_passes(name: str) -> None:
    file = io.BytesIO()
    Image.effect_noise((64, 48), 60).convert("RGB").save(file, name)
    assert not is_no_image(file.getvalue())
