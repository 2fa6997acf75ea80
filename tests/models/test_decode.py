from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, features

from models.decode import DecodeError, DecodeFault, header, open_rgb

WIDTH, HEIGHT = 96, 64


def _picture(width: int = WIDTH, height: int = HEIGHT) -> Image.Image:
    y, x = np.mgrid[0:height, 0:width]
    ramp = np.stack([x * 255 / width, y * 255 / height, np.full_like(x, 120)], axis=-1)
    return Image.fromarray(ramp.astype(np.uint8))


def _bytes(image: Image.Image, format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def _fault(data: bytes, **options: Any) -> DecodeFault:
    with pytest.raises(DecodeError) as caught:
        open_rgb(data, **({"shortest": HEIGHT} | options))
    return caught.value.fault


def _mean_difference(image: Image.Image, other: Image.Image) -> float:
    return float(np.abs(np.asarray(image, np.float64) - np.asarray(other.convert("RGB"), np.float64)).mean())


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "AVIF", "GIF", "TIFF", "BMP", "JPEG2000"])
def test_every_format_becomes_the_same_rgb_picture(format: str) -> None:
    if format in {"WEBP", "AVIF"} and not features.check(format.lower()):
        pytest.skip(f"this Pillow was built without {format}")
    data = _bytes(_picture(), format)
    image = open_rgb(data, shortest=HEIGHT)
    assert (image.mode, image.size) == ("RGB", (WIDTH, HEIGHT))
    assert _mean_difference(image, _picture()) < 6
    assert (header(data).format, header(data).width, header(data).height) == (format, WIDTH, HEIGHT)
    assert not header(data).animated


def test_a_jpeg_is_decoded_small_but_never_below_what_is_asked() -> None:
    data = _bytes(_picture(1600, 1200), "JPEG")
    assert open_rgb(data, shortest=150).size == (200, 150)
    assert open_rgb(data, shortest=151).size == (400, 300)
    assert open_rgb(data, shortest=1200).size == (1600, 1200)
    assert open_rgb(data, shortest=5000).size == (1600, 1200)


@pytest.mark.parametrize(
    ("orientation", "corner"),
    [(1, "lt"), (2, "rt"), (3, "rb"), (4, "lb"), (5, "lt"), (6, "rt"), (7, "rb"), (8, "lb")],
)
@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF"])
def test_exif_orientation_is_applied_to_pixels_and_header(orientation: int, corner: str, format: str) -> None:
    stored = Image.new("RGB", (WIDTH, HEIGHT), "black")
    stored.paste("white", (0, 0, WIDTH // 2, HEIGHT // 2))
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = _bytes(stored, format, exif=exif)
    upright = open_rgb(data, shortest=HEIGHT)
    assert upright.size == ((HEIGHT, WIDTH) if orientation >= 5 else (WIDTH, HEIGHT))
    assert (header(data).width, header(data).height) == upright.size
    x = 4 if corner[0] == "l" else upright.width - 5
    y = 4 if corner[1] == "t" else upright.height - 5
    assert min(upright.getpixel((x, y))) > 240  # type: ignore[arg-type]


def test_what_is_transparent_lies_on_white() -> None:
    clear = Image.new("RGBA", (40, 40), (200, 0, 0, 0))
    clear.paste((0, 0, 200, 255), (0, 0, 20, 40))
    palette = Image.new("P", (40, 40), 1)
    palette.putpalette([0, 0, 200, 200, 0, 0])
    palette.paste(0, (0, 0, 20, 40))
    for data in (
        _bytes(clear, "PNG"),
        _bytes(palette, "PNG", transparency=1),
        _bytes(palette, "GIF", transparency=1),
        _bytes(clear, "WEBP", lossless=True),
    ):
        image = open_rgb(data, shortest=HEIGHT)
        assert image.getpixel((5, 5)) == (0, 0, 200)
        assert image.getpixel((35, 5)) == (255, 255, 255)


def test_grey_with_alpha_and_one_bit_pictures() -> None:
    grey = Image.new("LA", (40, 40), (50, 255))
    grey.putpixel((3, 3), (50, 0))
    image = open_rgb(_bytes(grey, "PNG"), shortest=HEIGHT)
    assert image.getpixel((20, 20)) == (50, 50, 50)
    assert image.getpixel((3, 3)) == (255, 255, 255)
    assert (
        open_rgb(_bytes(Image.new("1", (40, 40), 1), "PNG"), shortest=HEIGHT).getpixel((9, 9)) == (255,) * 3
    )


def test_cmyk_becomes_rgb_in_both_of_its_files() -> None:
    cmyk = _picture(200, 200).convert("CMYK")
    for format in ("JPEG", "TIFF"):
        assert _mean_difference(open_rgb(_bytes(cmyk, format), shortest=200), cmyk) < 6


def test_sixteen_bits_become_eight_and_floats_are_scaled() -> None:
    ramp = np.linspace(0, 65535, 64 * 64).reshape(64, 64)
    eight = Image.fromarray((ramp / 257).astype(np.uint8))
    sixteen = Image.fromarray(ramp.astype(np.uint16))
    for format in ("PNG", "TIFF"):
        assert _mean_difference(open_rgb(_bytes(sixteen, format), shortest=HEIGHT), eight) < 1
    bright = ramp.astype(np.float32)
    bright[0, 0] = np.nan
    assert _mean_difference(open_rgb(_bytes(Image.fromarray(bright), "TIFF"), shortest=HEIGHT), eight) < 1


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG"])
def test_of_an_animation_the_first_frame_counts(format: str) -> None:
    frames = [Image.new("RGB", (50, 40), colour) for colour in ("red", "lime", "blue")]
    options = {"lossless": True} if format == "WEBP" else {}
    data = _bytes(frames[0], format, save_all=True, append_images=frames[1:], duration=100, **options)
    assert header(data).animated
    assert open_rgb(data, shortest=HEIGHT).getpixel((20, 20)) == (255, 0, 0)


def test_a_tiff_of_pages_is_no_animation() -> None:
    pages = [_picture(), _picture()]
    assert not header(_bytes(pages[0], "TIFF", save_all=True, append_images=pages[1:])).animated


@pytest.mark.parametrize("format", ["JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_cut_file_is_never_a_picture(format: str, share: float) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (200, 300, 3), np.uint8))
    data = _bytes(noise, format)
    assert _fault(data[: int(len(data) * share)]) in {DecodeFault.TRUNCATED, DecodeFault.BROKEN}


@pytest.mark.parametrize("format", ["JPEG", "PNG"])
@pytest.mark.parametrize("size", [20, 300, 5000])
def test_a_cut_jpeg_or_png_is_called_truncated_wherever_it_is_cut(format: str, size: int) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (200, 300, 3), np.uint8))
    assert _fault(_bytes(noise, format)[:size]) is DecodeFault.TRUNCATED


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", DecodeFault.NOT_AN_IMAGE),
        (b"\x00" * 5000, DecodeFault.NOT_AN_IMAGE),
        (b"<!DOCTYPE html><html><body>404</body></html>", DecodeFault.NOT_AN_IMAGE),
        (b'{"error": 404}', DecodeFault.NOT_AN_IMAGE),
        (b"\x00\x00\x00\x18ftypheic" + bytes(64), DecodeFault.UNSUPPORTED),
        (b"\x00\x00\x00\x20ftypisom" + bytes(64), DecodeFault.UNSUPPORTED),
        (b"\xff\x0a" + bytes(64), DecodeFault.UNSUPPORTED),
        (b"  <svg xmlns='http://www.w3.org/2000/svg'/>", DecodeFault.UNSUPPORTED),
        (b"\x00\x00\x01\x00\x01\x00" + bytes(64), DecodeFault.UNSUPPORTED),
        (b"\x00\x00\x00\x18ftypavif" + bytes(64), DecodeFault.BROKEN),
        (b"\xff\xd8\xff\xe0" + bytes(500) + b"\xff\xd9", DecodeFault.BROKEN),
    ],
)
def test_what_is_no_picture_says_what_it_is(data: bytes, fault: DecodeFault) -> None:
    assert _fault(data) is fault
    with pytest.raises(DecodeError) as caught:
        header(data)
    assert caught.value.fault is fault


def _png_claiming(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(1 << 20))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def test_a_bomb_is_stopped_before_a_pixel_is_read() -> None:
    bomb = _png_claiming(50_000, 50_000)
    assert _fault(bomb) is DecodeFault.TOO_MANY_PIXELS
    assert (header(bomb).width, header(bomb).height) == (50_000, 50_000)


def test_the_limit_is_in_pixels_and_inclusive() -> None:
    data = _bytes(_picture(), "PNG")
    assert open_rgb(data, shortest=HEIGHT, max_pixels=WIDTH * HEIGHT).size == (WIDTH, HEIGHT)
    assert _fault(data, max_pixels=WIDTH * HEIGHT - 1) is DecodeFault.TOO_MANY_PIXELS


def test_pictures_above_pillows_own_limit_and_below_ours_are_read() -> None:
    assert open_rgb(_bytes(Image.new("1", (10_000, 9_500)), "PNG"), shortest=HEIGHT).width == 10_000


def test_broken_metadata_is_no_reason_to_lose_a_picture() -> None:
    data = _bytes(_picture(), "JPEG", exif=b"Exif\x00\x00II*\x00\xff\xff\xff\xff broken")
    assert open_rgb(data, shortest=HEIGHT).size == (WIDTH, HEIGHT)
    assert header(data).width == WIDTH


SAMPLES = {
    "JPEG": _bytes(_picture(), "JPEG", exif=b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x00"),
    "progressive": _bytes(_picture(), "JPEG", progressive=True),
    "PNG": _bytes(_picture(), "PNG"),
    "palette": _bytes(_picture().convert("P"), "PNG", transparency=3),
    "GIF": _bytes(_picture().convert("P"), "GIF", save_all=True, append_images=[_picture(96, 64).rotate(9)]),
    "WEBP": _bytes(_picture(), "WEBP"),
    "TIFF": _bytes(_picture(), "TIFF", compression="tiff_lzw"),
    "TIFF raw": _bytes(_picture(), "TIFF"),
    "BMP": _bytes(_picture(), "BMP"),
    "JPEG2000": _bytes(_picture(), "JPEG2000"),
} | ({"AVIF": _bytes(_picture(), "AVIF")} if features.check("avif") else {})


@settings(max_examples=400, deadline=None)
@given(data=st.data(), name=st.sampled_from(sorted(SAMPLES)))
def test_no_bytes_raise_anything_but_decode_error(data: st.DataObject, name: str) -> None:
    spoilt = bytearray(SAMPLES[name])
    # Most of a format's structure is in its first bytes, so half of the changes fall there.
    places = st.one_of(st.integers(0, min(200, len(spoilt) - 1)), st.integers(0, len(spoilt) - 1))
    for place, value in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=8)):
        spoilt[place] = value
    cut = data.draw(st.one_of(st.just(len(spoilt)), st.integers(0, len(spoilt))))
    for read in (header, lambda raw: open_rgb(raw, shortest=16, max_pixels=1_000_000)):
        try:
            read(bytes(spoilt[:cut]))
        except DecodeError as error:
            assert error.fault in DecodeFault
