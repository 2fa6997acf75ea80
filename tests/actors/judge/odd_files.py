"""Odd images, made here: broken, cut, huge, animated, deep, turned, misnamed, and what hosts send in their place."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image, ImageCms, features

from models.reasons import Reason

# What may become of a file; None where it is a picture that is looked at.
Ends = set[Reason | None]
Odd = dict[str, tuple[bytes, Ends]]

SIDE = (320, 240)
MEGAPIXELS = 4
BAD: Ends = {Reason.TRUNCATED, Reason.BROKEN, Reason.NOT_AN_IMAGE, Reason.UNSUPPORTED_FORMAT}
FORMATS = [
    "JPEG",
    "PNG",
    "GIF",
    "WEBP",
    "TIFF",
    "BMP",
    "JPEG2000",
    *(["AVIF"] if features.check("avif") else []),
]


def picture(width: int = SIDE[0], height: int = SIDE[1]) -> Image.Image:
    """Paint something with edges, ramps and noise."""
    y, x = np.mgrid[0:height, 0:width]
    noise = np.random.default_rng(5).integers(0, 40, (height, width, 3))
    ramps = np.stack([x * 215 // width, y * 215 // height, ((x // 16 + y // 16) % 2) * 200], axis=-1)
    return Image.fromarray((ramps + noise).astype(np.uint8))


def encoded(image: Image.Image, format: str, **options: Any) -> bytes:
    """Write an image as a file's bytes."""
    buffer = io.BytesIO()
    if format == "GIF":
        # Into the web's palette: to find a better one takes a second.
        image = image.convert("P")
    image.save(buffer, format, **options)
    return buffer.getvalue()


def all_odd_files() -> Odd:
    """Give every odd file by its name."""
    return sound() | bombs() | spoilt() | dict(others())


def sound() -> Odd:
    """Give what is odd and right: it is looked at."""
    rgb = picture()
    seen: Ends = {None}
    exif = Image.Exif()
    exif[0x0112] = 6
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    sixteen = Image.fromarray((np.asarray(rgb.convert("L"), np.uint16) << 8) + 7)
    turned = [rgb.rotate(7 * n) for n in range(1, 6)]
    frames: dict[str, Any] = {"save_all": True, "append_images": turned}
    few: dict[str, Any] = {"save_all": True, "append_images": [one.convert("P") for one in turned]}
    found = {f"plain.{format}": encoded(rgb, format) for format in FORMATS}
    found |= {
        "progressive.jpg": encoded(rgb, "JPEG", progressive=True),
        "cmyk.jpg": encoded(rgb.convert("CMYK"), "JPEG"),
        "cmyk.tif": encoded(rgb.convert("CMYK"), "TIFF"),
        "grey.jpg": encoded(rgb.convert("L"), "JPEG"),
        "turned.jpg": encoded(rgb, "JPEG", exif=exif),
        "turned.png": encoded(rgb, "PNG", exif=exif),
        "turned.webp": encoded(rgb, "WEBP", exif=exif),
        "lab-profile.jpg": encoded(rgb, "JPEG", icc_profile=profile),
        "broken-profile.jpg": encoded(rgb, "JPEG", icc_profile=b"no profile" * 9000),
        "broken-profile.png": encoded(rgb, "PNG", icc_profile=b"no profile"),
        "broken-exif.jpg": encoded(rgb, "JPEG", exif=b"Exif\x00\x00II*\x00\xff\xff\xff\xff"),
        "16-bit.png": encoded(sixteen, "PNG"),
        "16-bit.tif": encoded(sixteen, "TIFF"),
        "16-bit.jp2": encoded(sixteen, "JPEG2000"),
        "float.tif": encoded(rgb.convert("F"), "TIFF"),
        "palette.png": encoded(rgb.convert("P"), "PNG"),
        "palette-clear.png": encoded(rgb.convert("P"), "PNG", transparency=bytes(range(256))),
        "one-bit.png": encoded(rgb.convert("1"), "PNG"),
        "one-bit.tif": encoded(rgb.convert("1"), "TIFF", compression="group4"),
        "grey-alpha.png": encoded(rgb.convert("LA"), "PNG"),
        "interlaced.gif": encoded(rgb, "GIF", interlace=1),
        "animated.gif": encoded(rgb, "GIF", **few),
        "animated.png": encoded(rgb, "PNG", **frames),
        "animated.webp": encoded(rgb, "WEBP", **frames),
        "pages.tif": encoded(rgb, "TIFF", **frames),
        "lossless.webp": encoded(rgb.convert("RGBA"), "WEBP", lossless=True),
        "one-pixel.png": encoded(rgb.crop((0, 0, 1, 1)), "PNG"),
        "a-line.png": encoded(rgb.resize((40_000, 1)), "PNG"),
        "a-column.jpg": encoded(rgb.resize((1, 40_000)), "JPEG"),
        "trailing.jpg": encoded(rgb, "JPEG") + b"\x00" * 5000,
        "png-named.jpg": encoded(rgb, "PNG"),
        "jpeg-named.avif": encoded(rgb, "JPEG"),
        "mpo.jpg": encoded(rgb, "MPO", save_all=True, append_images=[rgb]),
    }
    return {name: (data, seen) for name, data in found.items()}


def bombs() -> Odd:
    """Give small files that claim, or hold, far more than they should."""
    huge: Ends = {Reason.TOO_MANY_PIXELS}
    zeros = zlib.compress(bytes(100 << 20), 1)
    return {
        "bomb.png": (_png(50_000, 50_000, bytes(1 << 20)), huge),
        "bomb.gif": (_gif_of(65_535, 65_535), huge),
        "bomb.bmp": (_bmp_of(60_000, 60_000), huge | BAD),
        "bomb.jpg": (_resized_jpeg(65_000, 65_000), huge),
        "most-negative.bmp": (_bmp_of(-(2**31), 2**31 - 1), huge | BAD),
        # Another size inside than outside.
        "larger-inside.png": (_png(64, 64, bytes(20 << 20)), {None, *BAD}),
        "text-bomb.png": (
            _png(64, 64, bytes(64 * 65), (b"zTXt", b"a\0\0" + zeros)),
            {None, *BAD},
        ),
        "profile-bomb.png": (
            _png(64, 64, bytes(64 * 65), (b"iCCP", b"a\0\0" + zeros)),
            {None, *BAD},
        ),
        "scans.jpg": (_scans(100), {None}),
    }


def spoilt() -> Odd:
    """Give every format cut in several places, with a hole in it, and with another format's beginning."""
    found: Odd = {}
    shown = picture()
    for format in FORMATS:
        data = encoded(shown, format)
        for share in (0.01, 0.3, 0.7, 0.999):
            # A format that shows what it has of a picture is not cut before its last bytes.
            found[f"cut-{share}.{format}"] = (
                data[: int(len(data) * share)],
                BAD | ({None} if share > 0.99 else set()),
            )
        middle = len(data) // 2
        found[f"hole.{format}"] = data[:middle] + bytes(200) + data[middle + 200 :], {None, *BAD}
        found[f"begins-as-jpeg.{format}"] = b"\xff\xd8\xff\xe0" + data[4:], {None, *BAD}
        found[f"begins-as-png.{format}"] = b"\x89PNG\r\n\x1a\n" + data[8:], {None, *BAD}
    return found


def others() -> Iterator[tuple[str, tuple[bytes, Ends]]]:
    """Give what is no picture, or none that is read here."""
    yield "empty.jpg", (b"", {Reason.EMPTY})
    for name, data in {
        "one-byte.jpg": b"\xff",
        "zeros.png": bytes(10_000),
        "page.jpg": b"<!doctype html><html><body>gone</body></html>",
        "answer.png": b'{"error": 404}',
        "film.jpg": b"\x00\x00\x00\x20ftypisom" + bytes(500),
        "photo.heic": b"\x00\x00\x00\x18ftypheic" + bytes(500),
        "drawing.svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        "icon.ico": encoded(picture(64, 64), "ICO"),
        "script.eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(x) run\n",
        "head.avif": b"\x00\x00\x00\x18ftypavif" + bytes(64),
        "head.jp2": b"\x00\x00\x00\x0cjP  \r\n\x87\n" + bytes(64),
        "head.tif": b"II*\x00\xff\xff\xff\xff",
        "loop.tif": b"II*\x00\x08\x00\x00\x00\x00\x00\x08\x00\x00\x00" + bytes(20),
    }.items():
        yield name, (data, BAD)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _png(width: int, height: int, pixels: bytes, *more: tuple[bytes, bytes]) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", head), *more, (b"IDAT", zlib.compress(pixels)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)


def _gif_of(width: int, height: int) -> bytes:
    data = bytearray(encoded(picture(8, 8), "GIF"))
    data[6:10] = struct.pack("<HH", width, height)
    return bytes(data)


def _bmp_of(width: int, height: int) -> bytes:
    data = bytearray(encoded(picture(8, 8), "BMP"))
    data[18:26] = struct.pack("<ii", width, height)
    return bytes(data)


def _resized_jpeg(width: int, height: int) -> bytes:
    data = bytearray(encoded(picture(64, 64), "JPEG"))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def _scans(count: int) -> bytes:
    """Give a progressive JPEG of the largest size whose last scan comes again and again."""
    data = encoded(Image.new("L", (MEGAPIXELS * 500, 2000), 90), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * count + data[-2:]
