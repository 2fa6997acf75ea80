"""The liked images: found, decoded and embedded, once for each set of contents."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from actors.encoder import Encoder
from models.decode import DecodeError, open_rgb
from models.fitting import MINIMUM, VERSION, fit_taste
from models.preprocess import resize, shortest_side
from models.registry import ModelRow, encoder_row, file_sha256, resolve_weights
from models.taste import Taste, TasteError

Progress = Callable[[int, int], None]
# What a folder of pictures holds besides is passed over; HEIC and the like are pictures, and are reported.
_COMMON = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".avif")
_SUFFIXES = frozenset((*_COMMON, ".tif", ".tiff", ".bmp", ".jp2", ".heic", ".heif", ".jxl"))
_CHUNK = 32
_GREY = 2  # a channel may differ by so much (JPEG's rounding) and the picture is still grey


@dataclass(frozen=True, slots=True)
class Skipped:
    """A liked image that could not be used, and why."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Liked:
    """What the liked images became: embeddings float16 [n, d], and what is to be told about them.

    ``grey`` counts the pictures without colour.
    """

    embeddings: npt.NDArray[np.float16]
    skipped: tuple[Skipped, ...]
    grey: int


def image_files(roots: Iterable[Path]) -> list[Path]:
    """Return every image file below the folders (and every file named itself), sorted, none hidden.

    Raises TasteError for a path that is not there and where no image is found.
    """
    found: set[Path] = set()
    for root in roots:
        if root.is_file():
            found.add(root)
        elif root.is_dir():
            found.update(path for path in root.rglob("*") if _is_image(path.relative_to(root), path))
        else:
            raise TasteError(f"there is no file or folder {root}; name a folder of images you like")
    if not found:
        raise TasteError(f"no images in {', '.join(map(str, roots))}; name a folder of images you like")
    return sorted(found)


def _is_image(relative: Path, path: Path) -> bool:
    hidden = any(part.startswith(".") for part in relative.parts)
    return not hidden and path.suffix.lower() in _SUFFIXES and path.is_file()


def distinct(files: Iterable[Path]) -> dict[str, Path]:
    """Return one path for each content, by the content's sha256; TasteError for a file that cannot be read."""
    by_content: dict[str, Path] = {}
    for path in files:
        try:
            by_content.setdefault(file_sha256(path), path)
        except OSError as error:
            raise TasteError(f"{path} cannot be read: {error.strerror}; remove it or allow it") from error
    return by_content


def embed(
    files: list[Path], encoder: Encoder, row: ModelRow, threads: int, progress: Progress | None
) -> Liked:
    """Decode and embed images on ``threads`` threads; TasteError where fewer than 30 are left."""
    embeddings: list[npt.NDArray[np.float16]] = []
    skipped: list[Skipped] = []
    grey = done = 0
    with ThreadPoolExecutor(threads) as pool:
        for chunk in _chunks(files):
            results = list(pool.map(lambda path: _pixels(path, row), chunk))
            skipped += [result for result in results if isinstance(result, Skipped)]
            pixels = [result for result in results if not isinstance(result, Skipped)]
            grey += sum(map(_is_grey, pixels))
            if pixels:
                embeddings.append(encoder(np.stack(pixels)))
            done += len(chunk)
            if progress is not None:
                progress(done, len(files))
    if len(files) - len(skipped) < MINIMUM:
        raise TasteError(_too_few(len(files) - len(skipped), skipped))
    return Liked(np.concatenate(embeddings), tuple(skipped), grey)


def _chunks(files: list[Path]) -> Iterator[list[Path]]:
    remaining = iter(files)
    while chunk := list(islice(remaining, _CHUNK)):
        yield chunk


def _pixels(path: Path, row: ModelRow) -> npt.NDArray[np.uint8] | Skipped:
    try:
        return resize(open_rgb(path.read_bytes(), shortest=shortest_side(row)), row)
    except DecodeError as error:
        return Skipped(path, str(error.fault))
    except OSError as error:
        return Skipped(path, error.strerror or "cannot be read")


def _is_grey(pixels: npt.NDArray[np.uint8]) -> bool:
    return int((pixels.max(axis=-1) - pixels.min(axis=-1)).max()) <= _GREY


def _too_few(usable: int, skipped: list[Skipped]) -> str:
    message = f"a taste needs at least {MINIMUM} liked images, not {usable}; add more of them"
    return f"{message} ({described(skipped)})" if skipped else message


def described(skipped: Iterable[Skipped], shown: int = 5) -> str:
    """Return one line that counts the images left out and names the first of them."""
    rows = list(skipped)
    names = ", ".join(f"{row.path.name}: {row.reason}" for row in rows[:shown])
    return f"{len(rows)} could not be used: {names}{', …' if len(rows) > shown else ''}"


def warn_skipped(skipped: tuple[Skipped, ...]) -> None:
    """Say on stderr which images were left out."""
    print(f"goldpan: of the liked images {described(skipped)}", file=sys.stderr)


def taste_from_folder(
    folder: Path,
    *,
    encoder: str,
    keep: float,
    cache: Path,
    threads: int,
    on_progress: Progress | None,
    on_skipped: Callable[[tuple[Skipped, ...]], None] = warn_skipped,
) -> Taste:
    """Return the taste of a folder of liked images, fitted once for each set of contents.

    ``on_progress`` is called with (images embedded, images); ``cache`` is a folder for fitted tastes. Raises
    TasteError for a folder without 30 usable images and ModelError for the encoder.
    """
    row = encoder_row(encoder)
    contents = distinct(image_files([folder]))
    recipe = (VERSION, file_sha256(resolve_weights(row)), keep, *sorted(contents))
    kept = cache / sha256(repr(recipe).encode()).hexdigest()[:32]
    if (kept / "taste.json").is_file():
        return Taste.load(kept)
    runner = Encoder(encoder, threads, "cpu")
    liked = embed([contents[key] for key in sorted(contents)], runner, row, threads, on_progress)
    if liked.skipped:
        on_skipped(liked.skipped)
    fingerprint = runner.describe()["fingerprint"]
    taste = fit_taste(liked.embeddings, encoder=row.name, encoder_fingerprint=fingerprint, keep=keep)
    taste.save(kept)
    return taste
