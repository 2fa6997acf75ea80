"""Bytes from the network become an RGB picture, or one of five reasons why not."""

from __future__ import annotations

import re
import struct
import warnings
import zlib
from dataclasses import dataclass
from enum import StrEnum
from io import BytesIO
from typing import Any

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

MAX_PIXELS = 200_000_000

# Only formats whose decoder runs in this process and says its size up front: no EPS (Ghostscript), no ICO
# (the picture inside may be larger than its header says).
_FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "AVIF", "TIFF", "BMP", "JPEG2000")
_ANIMATED = frozenset({"GIF", "WEBP", "PNG", "AVIF"})
_UNSUPPORTED_MAGIC = (
    b"\xff\x0a",  # JPEG XL
    b"\x00\x00\x00\x0cJXL ",
    b"\x00\x00\x01\x00",  # ICO
    b"8BPS",  # PSD
    b"%PDF",
    b"%!PS",
    b"<svg",
    b"\x1aE\xdf\xa3",  # Matroska, WebM
    b"qoif",
    b"#?RADIANCE",
    b"v/1\x01",  # OpenEXR
)
# How a file that begins so must end; cut inside its header, Pillow cannot even name it.
_ENDS = {b"\xff\xd8\xff": b"\xff\xd9", b"\x89PNG": b"IEND", b"GIF8": b";"}
# What Pillow's decoders raise on bad bytes; each was seen under mutation (tests/models/test_decode.py).
_BAD_BYTES = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
    EOFError,
    MemoryError,
    AssertionError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)
_LONGEST_TEXT = 1 << 16
_CREATOR_TOOL = re.compile(r"CreatorTool(?:=\"|>)([^<\"]{1,200})")
_EXIF_TEXTS = {
    int(tag): tag.name
    for tag in (
        ExifTags.Base.Software,
        ExifTags.Base.ImageDescription,
        ExifTags.Base.Make,
        ExifTags.Base.Model,
        ExifTags.Base.UserComment,
    )
}
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class DecodeFault(StrEnum):
    """Why bytes are not a picture."""

    NOT_AN_IMAGE = "not_an_image"
    UNSUPPORTED = "unsupported"
    TOO_MANY_PIXELS = "too_many_pixels"
    TRUNCATED = "truncated"
    BROKEN = "broken"


class DecodeError(Exception):
    """Bytes that are not a picture goldpan can read; ``fault`` says why."""

    def __init__(self, fault: DecodeFault, detail: str = "") -> None:
        super().__init__(fault, detail)
        self.fault = fault
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.fault}: {self.detail}" if self.detail else str(self.fault)


@dataclass(frozen=True, slots=True)
class Header:
    """What a picture's header says: Pillow's format name and the size in pixels after EXIF orientation."""

    format: str
    width: int
    height: int
    animated: bool


def header(data: bytes) -> Header:
    """Read the header alone; raises DecodeError and nothing else."""
    image = _open(data)
    try:
        width, height = image.size[::-1] if _orientation(image) >= 5 else image.size
        animated = image.format in _ANIMATED and bool(getattr(image, "is_animated", False))
    except _BAD_BYTES as error:
        raise _fault(error) from error
    return Header(image.format or "", width, height, animated)


def open_rgb(data: bytes, *, shortest: int, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Decode a picture as RGB, upright; raises DecodeError and nothing else.

    A JPEG is decoded at 1/2, 1/4 or 1/8 of its size as long as both sides keep ``shortest`` pixels. Of an
    animation the first frame counts; what is transparent lies on white; 16 bits become 8.
    """
    image = _open(data)
    _check_pixels(image, max_pixels)
    try:
        image.draft("RGB", (shortest, shortest))
        image.load()
        turn = _TURNS.get(_orientation(image))
        rgb = _as_rgb(image)
        return rgb if turn is None else rgb.transpose(turn)
    except _BAD_BYTES as error:
        raise _fault(error) from error


def open_luma(data: bytes, *, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Decode a picture's luma (mode L) in full resolution, as it is stored; raises DecodeError and nothing else.

    Of a JPEG the colours are not even decoded: a third of the memory.
    """
    image = _open(data)
    _check_pixels(image, max_pixels)
    try:
        image.draft("L", image.size)
        image.load()
        return image if image.mode == "L" else _as_rgb(image).convert("L")
    except _BAD_BYTES as error:
        raise _fault(error) from error


def texts(data: bytes) -> dict[str, str]:
    """Read what a picture's metadata has in words: PNG text by key, EXIF by tag name, XMP's CreatorTool.

    Each is cut at 64 KiB, and nothing behind the pixels is read. Raises DecodeError for what is no picture.
    """
    image = _open(data)
    found = {str(name): _words(value) for name, value in image.info.items() if isinstance(value, str | bytes)}
    if tool := _CREATOR_TOOL.search(found.pop("xmp", "") + found.pop("XML:com.adobe.xmp", "")):
        found["CreatorTool"] = tool[1]
    for ifd in _exif(image):
        for tag, value in ifd.items():
            if (name := _EXIF_TEXTS.get(tag)) and isinstance(value, str | bytes):
                found[name] = _words(value)
    return found


def _exif(image: Image.Image) -> list[dict[int, Any]]:
    # Pillow would decode a whole PNG in search of an EXIF chunk behind the pixels.
    if image.format == "PNG" and "exif" not in image.info:
        return []
    try:
        exif = image.getexif()
        return [dict(exif), dict(exif.get_ifd(ExifTags.IFD.Exif))]
    except _BAD_BYTES:
        return []


def _words(value: str | bytes) -> str:
    if isinstance(value, str):
        return value[:_LONGEST_TEXT]
    value = value[:_LONGEST_TEXT]
    # EXIF UserComment: eight bytes name its character code; what says UNICODE is UTF-16 of either order.
    if value[:8] == b"UNICODE\0":
        order = "utf-16-be" if value[8:9] == b"\0" else "utf-16-le"
        return value[8:].decode(order, "replace")
    return value.removeprefix(b"ASCII\0\0\0").decode("utf-8", "replace")


def _check_pixels(image: Image.Image, limit: int) -> None:
    if image.width * image.height > limit:
        raise DecodeError(DecodeFault.TOO_MANY_PIXELS, f"{image.width}×{image.height}, the limit is {limit}")


def _open(data: bytes) -> Image.Image:
    # Pillow's guard warns below our limit; ours is checked before any pixel is read.
    Image.MAX_IMAGE_PIXELS = None
    # Odd metadata is no reason to lose a picture, nor to fill a worker's log.
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
    try:
        return Image.open(BytesIO(data), formats=_FORMATS)
    except UnidentifiedImageError as error:
        raise DecodeError(_unidentified(data)) from error
    except _BAD_BYTES as error:
        raise _fault(error) from error


def _unidentified(data: bytes) -> DecodeFault:
    for magic, end in _ENDS.items():
        if data.startswith(magic):
            return DecodeFault.BROKEN if end in data[-64:] else DecodeFault.TRUNCATED
    if data[8:12] in {b"WEBP", b"avif", b"avis"}:
        return DecodeFault.BROKEN
    # ISO media: HEIC, or a video served under an image's name.
    unsupported = data[4:8] == b"ftyp" or data[:64].lstrip().startswith(_UNSUPPORTED_MAGIC)
    return DecodeFault.UNSUPPORTED if unsupported else DecodeFault.NOT_AN_IMAGE


def _fault(error: Exception) -> DecodeError:
    text = str(error)
    truncated = isinstance(error, EOFError) or "truncated" in text.lower()
    return DecodeError(DecodeFault.TRUNCATED if truncated else DecodeFault.BROKEN, text[:200])


def _orientation(image: Image.Image) -> int:
    # Pillow turns TIFFs itself, and would decode a whole PNG in search of an EXIF chunk behind the pixels.
    if image.format == "TIFF" or (image.format == "PNG" and "exif" not in image.info):
        return 1
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
    except _BAD_BYTES:
        return 1
    return value if isinstance(value, int) else 1


def _as_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith(("I", "F")):
        return _eight_bits(image).convert("RGB")
    if image.mode in {"RGBA", "LA", "PA", "La", "RGBa"} or "transparency" in image.info:
        shown = image.convert("RGBA")
        white = Image.new("RGBA", shown.size, "white")
        return Image.alpha_composite(white, shown).convert("RGB")
    return image.convert("RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    values = np.nan_to_num(np.asarray(image, np.float32), posinf=0.0, neginf=0.0)
    # Integers are 16-bit samples; floats have no agreed white, so their brightest pixel is it.
    white = max(float(values.max(initial=0.0)), 1.0) if image.mode == "F" else 65535.0
    return Image.fromarray(np.clip(values * (255 / white), 0, 255).astype(np.uint8))
