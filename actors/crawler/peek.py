"""What a body's first bytes say of its picture's size, so that an unwanted picture costs a few of them, not all.

A JPEG or GIF header is read by what inspects the whole picture later (Pillow, lazily and in Python), unless a JPEG is
wanted whichever way it is turned: to see that takes a tenth of the time. Pillow reads a WebP or AVIF as a whole, in
native code, and inflates what a PNG holds before its pixels, so their headers are read here. imagesize 2.0.1, the
library for it, fails at each AVIF that is turned.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from actors.crawler.avif import avif_size
from models import decode
from models.gates import ShapeGates
from models.reasons import Reason

# Longer headers are rare, and one that is made of tiny parts costs a second of Python for each 300 KB.
LONGEST_HEAD = 1 << 18
_JPEG = b"\xff\xd8\xff"
_PNG = b"\x89PNG\r\n\x1a\n"
_BAD_BYTES = (struct.error, IndexError)


@dataclass(frozen=True, slots=True)
class Size:
    """A picture's size in pixels; as it is stored, where it is not known to be ``upright``."""

    width: int
    height: int
    upright: bool

    def reasons(self, gates: ShapeGates) -> set[Reason | None]:
        """Give why the whole picture will not be wanted (None: it will); several where that is not certain."""
        found = {gates.reason(self.width, self.height)}
        return found if self.upright else found | {gates.reason(self.height, self.width)}


def unwanted(head: bytes, gates: ShapeGates) -> tuple[Size, Reason | None] | None:
    """Give a picture's size, and why the gates do not let it through if they do not; None where that is not certain."""
    stored = _jpeg(head) if head.startswith(_JPEG) else None
    size = stored if stored is not None and stored.reasons(gates) == {None} else size_of(head)
    reasons = size.reasons(gates) if size is not None else set()
    return (size, reasons.pop()) if size is not None and len(reasons) == 1 else None


def size_of(head: bytes) -> Size | None:
    """Read the size out of a body's first bytes; None where they do not tell it (yet)."""
    try:
        if head.startswith((_JPEG, b"GIF8")):
            return _whole_header(head)
        if head.startswith(_PNG) and head[12:16] == b"IHDR":
            width, height = struct.unpack_from(">II", head, 16)
            return Size(width, height, _is_upright_png(head))
        if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
            return _webp(head)
        found = avif_size(head) if head[4:12] == b"ftypavif" else None
    except _BAD_BYTES:
        return None
    return None if found is None else Size(*found)


def _jpeg(head: bytes) -> Size | None:
    """Read the size that a JPEG is stored in, out of its first frame header (ITU-T T.81, B.1.1.4 and B.2.2)."""
    at = 2
    while at + 9 <= len(head) and head[at] == 0xFF:
        marker = head[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", head, at + 5)
            return Size(width, height, upright=False)
        at += 2 + int.from_bytes(head[at + 2 : at + 4], "big")
    return None


def _whole_header(head: bytes) -> Size | None:
    try:
        header = decode.header(head)
    except decode.DecodeError:
        return None
    return Size(header.width, header.height, upright=True)


def _is_upright_png(head: bytes) -> bool:
    """Tell whether the pixels begin before any orientation was given (an eXIf chunk behind them does not count)."""
    at = len(_PNG)
    while at + 8 <= len(head):
        length, name = struct.unpack_from(">I4s", head, at)
        if name in (b"IDAT", b"eXIf"):
            return bool(name == b"IDAT")
        at += 12 + length
    return False


def _webp(head: bytes) -> Size | None:
    """Read a WebP's canvas (https://developers.google.com/speed/webp/docs/riff_container, RFC 6386, RFC 9649)."""
    kind = head[12:16]
    if kind == b"VP8X":
        width = 1 + int.from_bytes(head[24:27], "little")
        # Its EXIF or XMP, which may turn it, come at the end.
        return (
            Size(width, 1 + int.from_bytes(head[27:30], "little"), not head[20] & 0x0C) if head[29:] else None
        )
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", head, 21)
        return Size(1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF), upright=True)
    if kind == b"VP8 " and head[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", head, 26)
        return Size(width & 0x3FFF, height & 0x3FFF, upright=True)
    return None
