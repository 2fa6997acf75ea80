"""What the first bytes tell is what the whole picture would have told."""

from __future__ import annotations

import io
import random
import struct
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from actors.crawler.peek import LONGEST_HEAD, size_of, unwanted
from models import decode
from models.gates import ShapeGates

KNOWN = ("JPEG", "PNG", "GIF", "WEBP", "AVIF")
OTHERS = ("TIFF", "BMP", "JPEG2000", "PPM", "ICO", "MPO")
# As the limits are, but for pictures that take no time to make.
GATES = ShapeGates(min_pixels=64 * 48, max_wide=3, max_tall=2, max_pixels=300 * 200)
ENOUGH = 4096


def picture(name: str, width: int, height: int, **how: Any) -> bytes:
    file = io.BytesIO()
    mode = how.pop("mode", "RGB")
    how |= {"speed": 10} if name == "AVIF" else {}
    Image.effect_noise((width, height), 60).convert(mode).save(file, name, **how)
    return file.getvalue()


def oriented(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x112] = orientation
    return exif.tobytes()


def told(head: bytes) -> Any:
    """Why the picture is not wanted; () where that is not known."""
    found = unwanted(head, GATES)
    return () if found is None else found[1]


def whole(data: bytes) -> Any:
    header = decode.header(data)
    return GATES.reason(header.width, header.height)


@given(
    name=st.sampled_from((*KNOWN, *OTHERS)),
    width=st.integers(1, 420),
    height=st.integers(1, 420),
    orientation=st.integers(0, 8),
    metadata=st.sampled_from([0, 300, 50_000]),
    cut=st.floats(0, 1),
)
@settings(max_examples=250, deadline=None)
def test_the_verdict_is_the_whole_pictures(
    name: str, width: int, height: int, orientation: int, metadata: int, cut: float
) -> None:
    how: dict[str, Any] = {}
    if name in {"JPEG", "PNG", "WEBP", "AVIF", "MPO", "TIFF"}:
        how |= {"exif": oriented(orientation)} if orientation else {}
        how |= {"icc_profile": random.Random(1).randbytes(metadata)} if metadata else {}
    if name == "ICO":
        width, height = min(width, 250), min(height, 250)
    data = picture(name, width, height, **how)
    expected = whole(data) if name not in {"PPM", "ICO"} else None
    for end in (int(len(data) * cut), *range(0, min(len(data), 600), 7), 4096, 1 << 16):
        found = told(data[:end])
        assert found in ((), expected)
    if name in KNOWN:
        size = size_of(data[: ENOUGH + metadata])
        assert size is not None
        assert {size.width, size.height} == {width, height}
        # A WebP has its orientation at its end.
        if orientation == 0 or name != "WEBP":
            assert told(data[: ENOUGH + metadata]) == expected or (name == "PNG" and orientation)


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("JPEG", {"progressive": True}),
        ("JPEG", {"mode": "CMYK"}),
        ("JPEG", {"mode": "L", "comment": b"x" * 60_000}),
        ("PNG", {"mode": "RGBA"}),
        ("PNG", {"mode": "P"}),
        ("PNG", {"mode": "I;16"}),
        ("WEBP", {"lossless": True}),
        ("WEBP", {"mode": "RGBA"}),
        ("AVIF", {"mode": "RGBA"}),
        *[(name, {"save_all": True, "append_images": True}) for name in KNOWN[1:-1]],
    ],
)
def test_every_kind_is_known_within_its_first_bytes(name: str, how: dict[str, Any]) -> None:
    if "append_images" in how:
        how = how | {"append_images": [Image.effect_noise((200, 100), 60).convert("RGB")]}
    for width, height in ((200, 100), (20, 20), (199, 33), (99, 250)):
        if "append_images" in how and width != 200:
            continue
        data = picture(name, width, height, **how)
        size = size_of(data[: 64_000 if "comment" in how else 1200])
        assert size is not None
        assert (size.width, size.height) == (width, height)
        assert told(data) in ((), whole(data))


def test_an_orientation_that_is_not_known_decides_only_what_holds_both_ways() -> None:
    assert told(picture("WEBP", 250, 40)) == "too_wide"
    assert told(picture("WEBP", 250, 40, exif=oriented(6))) == ()
    assert told(picture("WEBP", 20, 20, exif=oriented(6))) == "too_small"
    assert told(picture("AVIF", 250, 40)) == "too_wide"
    assert told(picture("AVIF", 250, 40, exif=oriented(6))) == "too_tall"
    assert told(picture("AVIF", 250, 40, xmp=b"<x/>")) == ()
    assert told(picture("AVIF", 420, 420)) == "too_many_pixels"
    # A sequence has its size in its tracks.
    sequence = {"save_all": True, "append_images": [Image.new("RGB", (250, 40))]}
    assert size_of(picture("AVIF", 250, 40, **sequence)) is None
    assert told(picture("JPEG", 250, 40, exif=oriented(6))) == "too_tall"
    assert told(picture("PNG", 250, 40, exif=oriented(6))) == ()
    assert told(picture("PNG", 250, 40, exif=oriented(6))[:30]) == ()


@pytest.mark.parametrize("name", KNOWN)
def test_odd_bytes_are_unknown_and_cost_no_time(name: str) -> None:
    chance = random.Random(name)
    data = picture(name, 64, 48)[:2000]
    for _ in range(400):
        odd = bytearray(data[: chance.randrange(len(data))])
        for _ in range(min(chance.randrange(9), len(odd))):
            odd[chance.randrange(len(odd))] = chance.randrange(256)
        unwanted(bytes(odd), GATES)


def box(name: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I4s", 8 + len(content), name) + content


@pytest.mark.parametrize(
    "body",
    [
        box(b"ftyp", b"avif\0\0\0\0avif") + box(b"meta", bytes(4) + box(b"free") * 100_000),
        box(b"ftyp", b"avif\0\0\0\0avif") + box(b"free") * 100_000,
        b"\x89PNG\r\n\x1a\n" + box(b"tEXt") * 80_000,
        b"\xff\xd8" + b"\xff\xe1\0\2" * 200_000,
        b"\xff\xd8" + b"\xff" * 1_000_000,
        b"GIF89a\x40\0\x40\0\0\0\0" + b"!\xfe\0" * 300_000,
        b"RIFF\xff\xff\xff\xffWEBP" + b"JUNK\0\0\0\0" * 100_000,
    ],
    ids=["meta", "boxes", "chunks", "segments", "fill", "extensions", "riff"],
)
def test_a_header_that_goes_on_and_on_costs_little(body: bytes) -> None:
    began = time.process_time()
    at = 512
    while at <= LONGEST_HEAD:
        unwanted(body[:at], GATES)
        at *= 2
    assert time.process_time() - began < 5
