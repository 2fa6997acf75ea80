"""An AVIF's size, out of the boxes before its pixels (ISO/IEC 14496-12, 8.11, and 23008-12, 6.5)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

Box = tuple[bytes, int, int]  # name, and where its content begins and ends


def avif_size(head: bytes) -> tuple[int, int, bool] | None:
    """Give width and height after rotation, and whether nothing behind may turn it further.

    None where the first bytes do not hold all of the ``meta`` box. May raise struct.error or IndexError on bad bytes.
    """
    meta = next((box for box in _boxes(head, 0, len(head)) if box[0] == b"meta"), None)
    if meta is None:
        return None
    parts = {name: (start, end) for name, start, end in _boxes(head, meta[1] + 4, meta[2])}
    properties, used = _properties(head, *parts.get(b"iprp", (0, 0)))
    at = parts[b"pitm"][0] if b"pitm" in parts else len(head)
    (primary,) = struct.unpack_from(">I" if head[at] else ">H", head, at + 4)
    size, turned = None, False
    for name, start in (properties[index - 1] for index in used.get(primary, ()) if index):
        if name == b"ispe":
            size = struct.unpack_from(">II", head, start + 4)
        elif name == b"irot":
            turned = bool(head[start] & 1)  # by 90 or 270 degrees
    if size is None:
        return None
    # Only XMP, which is an item of its own, may say more: irot and imir stand above EXIF.
    start, end = parts.get(b"iinf", (0, 0))
    return (*(size[::-1] if turned else size), b"mime" not in head[start:end])


def _boxes(head: bytes, at: int, end: int) -> Iterator[Box]:
    """Give the boxes between two places, as long as they are whole."""
    while at + 8 <= end:
        length, name = struct.unpack_from(">I4s", head, at)
        start = at + 8
        if length == 1:
            (length,) = struct.unpack_from(">Q", head, start)
            start += 8
        if at + length > end or at + length < start:
            return
        yield name, start, at + length
        at += length


def _properties(head: bytes, start: int, end: int) -> tuple[list[tuple[bytes, int]], dict[int, list[int]]]:
    """Read ``iprp``: the properties, by name and place, and the numbers (from 1) of those that each item has."""
    found: list[tuple[bytes, int]] = []
    used: dict[int, list[int]] = {}
    for name, inside, until in _boxes(head, start, end):
        if name == b"ipco":
            found += [(kind, at) for kind, at, _ in _boxes(head, inside, until)]
        elif name == b"ipma":
            used |= _associations(head[inside:until])
    return found, used


def _associations(ipma: bytes) -> dict[int, list[int]]:
    item, number = (">I" if ipma[0] else ">H"), (">H" if ipma[3] & 1 else ">B")
    mask = 0x7FFF if ipma[3] & 1 else 0x7F
    (count,) = struct.unpack_from(">I", ipma, 4)
    found: dict[int, list[int]] = {}
    at = 8
    for _ in range(count):
        (identity,) = struct.unpack_from(item, ipma, at)
        at += struct.calcsize(item)
        numbers = range(at + 1, at + 1 + ipma[at] * struct.calcsize(number), struct.calcsize(number))
        found[identity] = [struct.unpack_from(number, ipma, place)[0] & mask for place in numbers]
        at = numbers.stop
    return found
