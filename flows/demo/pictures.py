"""The pictures of the demo world: which painting, what was done to it, and the file it becomes."""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from pathlib import Path

import platformdirs
from PIL import Image

from flows.demo import paint as painter
from flows.demo.paint import Kind

CACHE_VARIABLE = "GOLDPAN_CACHE"
SMALL_WIDTH = 720
# Both hold more than 1280×1024 pixels, so that it is the shape that keeps them out.
WIDE = (2240, 640)
TALL = (800, 1760)
_PILLOW = {"jpg": "JPEG", "png": "PNG", "webp": "WEBP"}


class Treatment(StrEnum):
    """What was done to a painting before it was posted."""

    PLAIN = "plain"
    NEAR = "near"
    MARKED = "marked"
    SMALL = "small"
    WIDE = "wide"
    TALL = "tall"


@dataclass(frozen=True, slots=True)
class Picture:
    """One painting as posted; ``suffix`` (jpg, png or webp) is the format of its file."""

    kind: Kind
    seed: int
    treatment: Treatment = Treatment.PLAIN
    suffix: str = "jpg"

    @property
    def name(self) -> str:
        """The name of its file; equal pictures have equal names, and the other way round."""
        return f"{self.kind}-{self.seed}-{self.treatment}.{self.suffix}"

    @property
    def size(self) -> tuple[int, int] | None:
        """(width, height) in pixels; None for a near duplicate, whose size only its making tells."""
        width, height = painter.size_of(self.kind, self.seed)
        match self.treatment:
            case Treatment.SMALL:
                return SMALL_WIDTH, round(SMALL_WIDTH * height / width)
            case Treatment.WIDE:
                return WIDE
            case Treatment.TALL:
                return TALL
            case Treatment.NEAR:
                return None
            case _:
                return width, height


@dataclass(frozen=True, slots=True)
class Photo:
    """A file of the user's that is served as it is; ``size`` is (width, height) in pixels."""

    path: Path
    size: tuple[int, int]

    @property
    def suffix(self) -> str:
        """The file's extension without the dot, in lower case."""
        return self.path.suffix.lower().lstrip(".") or "jpg"


@cache
def painter_version() -> str:
    """Name the state of the painter's sources in 12 hex digits: another painter paints everything anew."""
    digest = hashlib.sha256()
    folder = Path(painter.__file__).parent
    for source in sorted(folder.rglob("*.py")):
        digest.update(source.relative_to(folder).as_posix().encode() + b"\0" + source.read_bytes())
    digest.update(Path(__file__).read_bytes())
    return digest.hexdigest()[:12]


def cache_folder() -> Path:
    """Where pictures are kept: ``demo/`` under ``$GOLDPAN_CACHE`` or the user's cache folder."""
    root = os.environ.get(CACHE_VARIABLE)
    return (Path(root) if root else platformdirs.user_cache_path("goldpan")) / "demo"


def world_folder(cache: Path) -> Path:
    """Where the pictures of this painter's worlds are kept under a cache folder."""
    return cache / painter_version()


def ensure(folder: Path, picture: Picture) -> Path:
    """Give the file of a picture in a folder, painting it where it is not there yet."""
    path = folder / picture.name
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        # Beside the folder: what a killed painter leaves behind must not look like one of its pictures.
        write_atomically(path, _encoded(_made(folder, picture), picture.suffix), folder.parent)
    return path


def write_atomically(path: Path, data: bytes, scratch: Path | None = None) -> None:
    """Write a file that is either whole or not there, by way of a temporary one in ``scratch`` or beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=scratch or path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _made(folder: Path, picture: Picture) -> Image.Image:
    if picture.treatment is Treatment.NEAR:
        # A repost is made from the posted file; that also spares painting the original twice.
        original = ensure(folder, replace(picture, treatment=Treatment.PLAIN))
        with Image.open(original) as posted:
            return painter.near_duplicate(posted.convert("RGB"), picture.seed)
    image = painter.paint(picture.kind, picture.seed)
    match picture.treatment:
        case Treatment.MARKED:
            return painter.watermark(image, picture.seed)
        case Treatment.SMALL:
            return image.resize(picture.size or image.size, Image.Resampling.LANCZOS)
        case Treatment.WIDE | Treatment.TALL:
            return _cropped(image, picture.size or image.size)
        case _:
            return image


def _cropped(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The middle of an image in the shape of ``size``, at that size."""
    width = min(image.width, round(image.height * size[0] / size[1]))
    height = min(image.height, round(image.width * size[1] / size[0]))
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.resize(size, Image.Resampling.LANCZOS, box=(left, top, left + width, top + height))


def _encoded(image: Image.Image, suffix: str) -> bytes:
    if suffix == "jpg":
        return painter.jpeg(image)
    buffer = io.BytesIO()
    # The quickest settings: these files are painted while somebody waits for them.
    settings = {"compress_level": 1} if suffix == "png" else {"quality": 85, "method": 0}
    image.save(buffer, _PILLOW[suffix], **settings)
    return buffer.getvalue()
