"""What the first bytes say a body is: enough to stop early at a page, a text or a video.

Only a clear "no image" is decided here; formats that nobody here knows are left to the decoder. The bytes
decide, whatever the host or the file's name says. Signatures: https://mimesniff.spec.whatwg.org
"""

from __future__ import annotations

import re

ENOUGH = 512

_IMAGES = (
    b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"BM", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+",
    b"\0\0\1\0", b"\0\0\2\0", b"\xff\x0a", b"\0\0\0\x0cJXL ", b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51", b"8BPS",
    b"qoif", b"v/1\1", b"DDS ",
)  # fmt: skip
_PORTABLE = re.compile(rb"P[1-7fF]\s")
_IMAGE_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_OTHERS = (
    b"\x1aE\xdf\xa3", b"FLV\1", b"OggS", b"ID3", b"fLaC", b"\0\0\1\xba", b"\0\0\1\xb3", b"0&\xb2u\x8ef\xcf\x11",
    b"%PDF", b"%!PS", b"PK\3\4", b"PK\5\6", b"Rar!", b"7z\xbc\xaf\x27\x1c", b"\x1f\x8b\x08", b"BZh",
    b"\x28\xb5\x2f\xfd", b"\xfd7zXZ", b"\x7fELF", b"MZ", b"SQLite format 3\0", b"PAR1",
)  # fmt: skip
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")


def is_no_image(head: bytes) -> bool:
    """Tell whether a body that starts so is certainly not an image; ``head``: 512 bytes, or all there are."""
    head = head[:ENOUGH]
    if head.startswith(_IMAGES) or _PORTABLE.match(head):
        return False
    if head[4:8] == b"ftyp":
        return not _has_image_brand(head)
    if head[:4] == b"RIFF":
        return head[8:12] != b"WEBP"
    return head.startswith(_OTHERS) or head[4:8] in (b"moov", b"mdat", b"wide", b"free") or _is_text(head)


def _has_image_brand(head: bytes) -> bool:
    """Look through the brands of an ISO base media file (ISO/IEC 14496-12, 4.3), the first being the major."""
    end = min(int.from_bytes(head[:4], "big"), len(head))
    brands = [head[8:12], *(head[at : at + 4] for at in range(16, end, 4))]
    return brands[0] in _IMAGE_BRANDS or any(brand in _IMAGE_BRANDS[:4] for brand in brands)


def _is_text(head: bytes) -> bool:
    if head.startswith((b"\xef\xbb\xbf", b"\xfe\xff", b"\xff\xfe")):
        return True
    if _CONTROL.search(head):
        return False
    try:
        head.decode()
    except UnicodeDecodeError as error:
        return error.start >= len(head) - 3  # a character that the end of the head cuts in two
    return True
