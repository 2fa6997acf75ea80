"""What metadata says of a picture's origin, in every place where generators write it, and hostile metadata."""

from __future__ import annotations

import contextlib
import io
import resource
import struct
import time
import zlib

import pytest
from PIL import ExifTags, Image, PngImagePlugin

from models.decode import DecodeError
from models.manifests import UNREADABLE
from models.reasons import Reason, Verdict
from models.synthetic import Evidence, Origin, origin
from tests.models.signed import SOURCE_TYPES, signed

PICTURE = Image.effect_mandelbrot((96, 64), (-2, -1, 1, 1), 40).convert("RGB")
PARAMETERS = "a lake\nNegative prompt: text\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1"
XMP = '<x:xmpmeta><rdf:Description Iptc4xmpExt:DigitalSourceType="{}"/></x:xmpmeta>'
XMP_ELEMENT = "<x:xmpmeta><Iptc4xmpExt:DigitalSourceType>{}</Iptc4xmpExt:DigitalSourceType></x:xmpmeta>"


def saved(kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    PICTURE.save(buffer, kind, **options)
    return buffer.getvalue()


def png(compressed: bool = False, **texts: str) -> bytes:
    info = PngImagePlugin.PngInfo()
    for name, text in texts.items():
        info.add_text(name, text, zip=compressed)
    return saved("PNG", pnginfo=info)


def exif(tag: ExifTags.Base, value: str | bytes, kind: str = "JPEG") -> bytes:
    held = Image.Exif()
    (held.get_ifd(ExifTags.IFD.Exif) if tag is ExifTags.Base.UserComment else held)[tag] = value
    return saved(kind, exif=held)


def xmp(source_type: str, kind: str = "JPEG", form: str = XMP) -> bytes:
    return saved(kind, xmp=form.format(SOURCE_TYPES + source_type).encode())


SYNTHETIC = {
    "xmp in a jpeg": (xmp("trainedAlgorithmicMedia"), Evidence.IPTC_TRAINED),
    "xmp in a webp": (xmp("compositeWithTrainedAlgorithmicMedia", "WEBP"), Evidence.IPTC_COMPOSITE),
    "xmp in an avif": (xmp("trainedAlgorithmicMedia", "AVIF"), Evidence.IPTC_TRAINED),
    "an element": (xmp("trainedAlgorithmicMedia", form=XMP_ELEMENT), Evidence.IPTC_TRAINED),
    "the bare code": (
        saved("JPEG", xmp=XMP.format("compositeWithTrainedAlgorithmicMedia").encode()),
        Evidence.IPTC_COMPOSITE,
    ),
    "parameters": (png(parameters=PARAMETERS), Evidence.GENERATION_PARAMETERS),
    "parameters, packed": (png(compressed=True, parameters=PARAMETERS), Evidence.GENERATION_PARAMETERS),
    "parameters in exif": (
        exif(ExifTags.Base.UserComment, b"UNICODE\0" + PARAMETERS.encode("utf-16-be")),
        Evidence.GENERATION_PARAMETERS,
    ),
    "comfyui": (png(prompt='{"3": {"class_type": "KSampler"}}', workflow="{}"), Evidence.COMFYUI_WORKFLOW),
    "comfyui in a webp": (
        exif(ExifTags.Base.Make, 'Prompt:{"3": {"class_type": "KSampler"}}', "WEBP"),
        Evidence.COMFYUI_WORKFLOW,
    ),
    "midjourney": (
        png(Description="a lake --v 6 Job ID: 0e4f8a51-0d6c-4b6f-8bd4-0a36d0bbba26"),
        Evidence.MIDJOURNEY_JOB,
    ),
    "novelai": (png(Software="NovelAI"), Evidence.GENERATOR_SOFTWARE),
    "exif software": (exif(ExifTags.Base.Software, "DALL·E 3".encode()), Evidence.GENERATOR_SOFTWARE),
    "creator tool": (
        saved("JPEG", xmp=b'<x xmp:CreatorTool="Adobe Firefly 2.0"/>'),
        Evidence.GENERATOR_SOFTWARE,
    ),
}
NATURAL = {
    "plain": saved("JPEG"),
    "a camera's": xmp("digitalCapture"),
    "the words in a caption": saved("JPEG", comment="not made by trainedAlgorithmicMedia"),
    "an editor": exif(ExifTags.Base.Software, "Adobe Photoshop 25.0 (Windows)"),
    "an editor in Spanish": exif(ExifTags.Base.Software, "Editor de imagen 2.1"),
    "a title": png(Title="Midjourney, a river in flux", Description="Steps: 12 up to the house"),
}


@pytest.mark.parametrize("name", SYNTHETIC)
def test_evidence_is_found(name: str) -> None:
    data, evidence = SYNTHETIC[name]
    assert origin(data) == Origin(evidence, None)
    assert evidence.reason.verdict is Verdict.REJECTED


@pytest.mark.parametrize("name", NATURAL)
def test_what_is_no_evidence_is_none(name: str) -> None:
    assert origin(NATURAL[name]) == Origin(None, None)


@pytest.mark.parametrize(
    ("kind", "mime"), [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp")]
)
def test_a_manifest_is_read_from_the_bytes(kind: str, mime: str) -> None:
    made = signed(saved(kind), "trainedAlgorithmicMedia", mime=mime)
    evidence, generator = origin(made)
    assert evidence is Evidence.C2PA_TRAINED and evidence.reason is Reason.SYNTHETIC_MANIFEST
    assert generator is not None and generator.startswith("Painter 3")


def test_a_cameras_manifest_is_no_evidence() -> None:
    evidence, generator = origin(signed(saved("JPEG"), "digitalCapture", generator="Camera"))
    assert evidence is None and generator is not None and generator.startswith("Camera 3")


def test_a_broken_manifest_is_said_to_be_unreadable() -> None:
    whole = signed(saved("JPEG"), "digitalCapture")
    start = whole.index(b"c2pa.claim") + 40
    assert origin(whole[:start] + bytes(200) + whole[start + 200 :]) == Origin(None, UNREADABLE)
    assert origin(whole.replace(b"jumd", b"jump")) == Origin(None, UNREADABLE)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def with_chunks(*chunks: bytes) -> bytes:
    plain = saved("PNG")
    return plain[:33] + b"".join(chunks) + plain[33:]


def nested_boxes(depth: int) -> bytes:
    box = b""
    for _ in range(depth):
        described = b"\0\0\0\x1ejumdc2pa\0\x11\0\x10\x80\0\0\xaa\0\x38\x9b\x71\x03c2pa\0"
        box = struct.pack(">I", len(described) + len(box) + 8) + b"jumb" + described + box
    return box


BOMB = zlib.compress(bytes(200_000_000), 9)
HOSTILE = {
    "zTXt bomb": with_chunks(chunk(b"zTXt", b"parameters\0\0" + BOMB)),
    "many zTXt bombs": with_chunks(*[chunk(b"zTXt", b"a%d\0\0" % n + BOMB) for n in range(40)]),
    "iTXt bomb": with_chunks(chunk(b"iTXt", b"parameters\0\1\0\0\0" + BOMB)),
    "huge xmp": with_chunks(
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + b"<x xmp:CreatorTool" * 3_000_000)
    ),
    "repeated type": saved("PNG") + b"rainedAlgorithmicMedia" * 1_000_000,
    "repeated name": saved("PNG") + b"digitalsourcetype=" * 2_000_000 + b"trainedAlgorithmicMedia",
    "nested boxes": with_chunks(chunk(b"caBX", nested_boxes(3000))),
    "long parameters": png(parameters="Steps: 1, " * 6_000),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_metadata_neither_hangs_nor_eats_memory(name: str) -> None:
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    # Pillow refuses what unpacks to more than a megabyte: the image is broken.
    with contextlib.suppress(DecodeError):
        assert origin(HOSTILE[name]).evidence in {None, Evidence.IPTC_TRAINED}
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert time.process_time() - started < 3
    assert grown < 400_000  # KiB; the largest of these files has 54 MB
