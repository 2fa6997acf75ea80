"""Perceptual hashes on photographs that were changed on their way: which find their copies, and what the index costs.

    pip install pdqhash
    python -m benchmarks.near_duplicates shared/data

Prints Markdown. Copies are made of ``photos/``; false alarms are counted among all pairs of different pictures of
``photos/``, ``objects/`` and ``scenes/``.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import imagehash
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from actors.duplicates import DuplicateIndex
from benchmarks.degraded import photograph
from models import decode
from models.hashes import perceptual_hash

Bits = npt.NDArray[np.bool_]
ENTRIES = 1_000_000


def _phash(image: Image.Image) -> Bits:
    return np.unpackbits(np.array([perceptual_hash(image)], ">u8").view(np.uint8)).astype(bool)


def _phash_256(image: Image.Image) -> Bits:
    return np.asarray(imagehash.phash(image, hash_size=16).hash, bool).ravel()


def _pdq(image: Image.Image) -> Bits:
    import pdqhash

    return np.asarray(pdqhash.compute(np.asarray(image))[0], bool)


HASHES: dict[str, tuple[Callable[[Image.Image], Bits], tuple[int, ...]]] = {
    "pHash, 64 bits": (_phash, (4, 6, 8, 10, 12)),
    "pHash, 256 bits": (_phash_256, (31, 50, 70, 90)),
    "PDQ, 256 bits": (_pdq, (31, 50, 70, 90)),
}


def _saved(image: Image.Image, quality: int = 85, kind: str = "JPEG") -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, quality=quality)
    return buffer.getvalue()


def _smaller(image: Image.Image, factor: int) -> Image.Image:
    return image.resize((image.width // factor, image.height // factor), Image.Resampling.BICUBIC)


def _cropped(image: Image.Image, share: float) -> Image.Image:
    left, top = (round(size * share / 2) for size in image.size)
    return image.crop((left, top, image.width - left, image.height - top))


def _corner_cropped(image: Image.Image, share: float) -> Image.Image:
    return image.crop((round(image.width * share), round(image.height * share), *image.size))


def _marked(image: Image.Image) -> Image.Image:
    marked = image.copy()
    font = ImageFont.load_default(image.height // 30)
    place = (image.width * 3 // 4, image.height * 93 // 100)
    ImageDraw.Draw(marked, "RGBA").text(place, "© somebody.example", (255, 255, 255, 180), font)
    return marked


CHANGES: dict[str, Callable[[Image.Image], bytes]] = {
    "JPEG 30": lambda image: _saved(image, 30),
    "WebP 60": lambda image: _saved(image, 60, "WEBP"),
    "half the size": lambda image: _saved(_smaller(image, 2)),
    "a third": lambda image: _saved(_smaller(image, 3)),
    "2 % cropped": lambda image: _saved(_cropped(image, 0.02)),
    "5 % cropped": lambda image: _saved(_cropped(image, 0.05)),
    "5 % off one corner": lambda image: _saved(_corner_cropped(image, 0.05)),
    "small watermark": lambda image: _saved(_marked(image)),
    "mark, 2 % cropped, half, JPEG 50": lambda image: _saved(_smaller(_cropped(_marked(image), 0.02), 2), 50),
}


class Measured:
    """All hashes of the pictures and of their changed copies, and the CPU seconds that each kind took."""

    def __init__(self, data: Path) -> None:
        self.seconds = dict.fromkeys(HASHES, 0.0)
        self.hashed = 0
        photos = [photograph(path) for path in sorted((data / "photos").glob("*.jpg"))]
        self.originals = self._all([_saved(photo, 92) for photo in photos])
        self.copies = {
            name: self._all([change(photo) for photo in photos]) for name, change in CHANGES.items()
        }
        others = [*(data / "objects").iterdir(), *(data / "scenes").rglob("*.*")]
        different = self._all([path.read_bytes() for path in sorted(others) if path.is_file()])
        self.different = {kind: np.concatenate([self.originals[kind], different[kind]]) for kind in HASHES}

    def _all(self, files: list[bytes]) -> dict[str, Bits]:
        images = [decode.open_rgb(data, shortest=256) for data in files]
        self.hashed += len(images)
        return {kind: np.array([self._one(kind, image) for image in images]) for kind in HASHES}

    def _one(self, kind: str, image: Image.Image) -> Bits:
        started = time.process_time()
        bits = HASHES[kind][0](image)
        self.seconds[kind] += time.process_time() - started
        return bits

    def false_alarms(self, kind: str, bits: int) -> int:
        """Count the pairs of different pictures that are within so many bits."""
        known = self.different[kind]
        return sum(int(((one != known[n + 1 :]).sum(axis=1) <= bits).sum()) for n, one in enumerate(known))

    def found(self, kind: str, change: str, bits: int) -> float:
        """Tell the share of copies within so many bits of their original."""
        away = (self.originals[kind] != self.copies[change][kind]).sum(axis=1)
        return float((away <= bits).mean())


def roc(measured: Measured) -> str:
    """Draw up the table: for each hash and distance, false alarms and the share of each kind of copy found."""
    lines = [
        "| hash | bits | false alarms | " + " | ".join(CHANGES) + " |",
        "|---" * (3 + len(CHANGES)) + "|",
    ]
    for kind, (_, distances) in HASHES.items():
        for bits in distances:
            found = " | ".join(f"{measured.found(kind, change, bits):.3f}" for change in CHANGES)
            lines.append(f"| {kind} | {bits} | {measured.false_alarms(kind, bits)} | {found} |")
    return "\n".join(lines)


def index_cost() -> str:
    """Fill an index with a million entries, and time it."""
    values = np.random.default_rng(0).integers(0, 2**63, ENTRIES, np.uint64)
    entries = [
        (f"t3_{n}/0", hashlib.sha256(b"%d" % n).hexdigest(), f"{one:016x}") for n, one in enumerate(values)
    ]
    with tempfile.TemporaryDirectory() as folder:
        index = DuplicateIndex(folder)
        started = time.process_time()
        index.add(entries)
        filled = time.process_time()
        asked = [(f"t3_x{n}/0", "0" * 64, f"{n * 7919:016x}") for n in range(100)]
        index.find(asked)
        searched = time.process_time()
        index.add([("t3_y/0", "1" * 64, "2" * 16)])
        added = time.process_time()
    return (
        f"{ENTRIES:,} entries: {index.entry_bytes} bytes each, {filled - started:.1f} s to fill, "
        f"{(searched - filled) * 10:.1f} ms a query, {(added - searched) * 1e3:.0f} ms to add one (CPU time)"
    )


def main() -> None:
    """Hash, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    arguments = parser.parse_args()
    print(index_cost())
    measured = Measured(arguments.data)
    print(roc(measured))
    for kind, seconds in measured.seconds.items():
        print(f"{kind}: {seconds / measured.hashed * 1e3:.1f} ms of CPU a picture, after decoding")


if __name__ == "__main__":
    main()
