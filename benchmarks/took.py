"""What an arm of the crawl benchmark did, and what it left."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Keep(StrEnum):
    """What becomes of an image's bytes once they are there."""

    NOTHING = "let go"
    FILES = "files"
    SYNCED = "synced files"


@dataclass(frozen=True, slots=True)
class Took:
    """``seconds`` from the first request to the last image; ``whole`` from the command's start to its end."""

    images: int
    seconds: float
    whole: float

    @property
    def rate(self) -> float:
        """Images a second."""
        return self.images / self.seconds


def digests(folder: Path) -> Counter[str]:
    """Count the sha256 of every JPEG below a folder."""
    return Counter(hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*.jpg"))
