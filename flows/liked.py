"""The liked images: found, decoded and embedded, once for each set of contents."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from actors.encoder import Encoder
from models.calibration import Calibration, Keep
from models.decode import DecodeError, open_rgb
from models.fitting import MINIMUM, SAMPLE, VERSION, Recipe, fit_taste
from models.preprocess import resize, shortest_side
from models.registry import ModelRow, encoder_row, file_sha256, fingerprint_of, resolve_weights
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


@dataclass(slots=True)
class Tally:
    """What is to be told of images that were embedded; ``grey`` counts those without colour."""

    usable: int = 0
    skipped: list[Skipped] = field(default_factory=list)
    grey: int = 0

    @property
    def seen(self) -> int:
        """The number of images looked at."""
        return self.usable + len(self.skipped)


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
    files: Sequence[Path],
    encoder: Encoder,
    threads: int,
    tally: Tally,
    on_progress: Callable[[], None] | None = None,
) -> Iterator[npt.NDArray[np.float16]]:
    """Decode images on ``threads`` threads and give their embeddings, float16 [n, d], at most 32 at a time."""
    row = encoder.row
    with ThreadPoolExecutor(threads) as pool:
        for chunk in _chunks(files):
            results = list(pool.map(lambda path: _pixels(path, row), chunk))
            tally.skipped += [result for result in results if isinstance(result, Skipped)]
            pixels = [result for result in results if not isinstance(result, Skipped)]
            tally.usable += len(pixels)
            tally.grey += sum(map(_is_grey, pixels))
            if on_progress is not None:
                on_progress()
            if pixels:
                yield encoder(np.stack(pixels))


def fit_images(
    contents: Mapping[str, Path],
    encoder: Encoder,
    *,
    keep: float,
    threads: int,
    recipe: Recipe | None = None,
    sample: int = SAMPLE,
    on_progress: Progress | None = None,
) -> tuple[Taste, Tally]:
    """Fit a taste to images by the sha256 of their contents; TasteError where fewer than 30 can be used.

    In the order of their hashes, which is a random one: the first ``sample`` are fitted, and the others, embedded and
    scored a few at a time, only calibrate the threshold. The same contents always give the same taste.
    """
    tally, about = Tally(), encoder.describe()
    files = [contents[key] for key in sorted(contents)]
    tell = None if on_progress is None else lambda: on_progress(tally.seen, len(files))
    fitted = list(embed(files[:sample], encoder, threads, tally, tell))
    if tally.usable < MINIMUM:
        raise TasteError(_too_few(tally))
    taste = fit_taste(
        np.concatenate(fitted),
        encoder=about["name"],
        encoder_fingerprint=about["fingerprint"],
        keep=keep,
        recipe=recipe,
    )
    others = [taste.score(batch) for batch in embed(files[sample:], encoder, threads, tally, tell)]
    if others:
        # Unseen by the density, as held-out ones are.
        taste = taste.at(Keep(keep), Calibration.of(np.concatenate([taste.calibration.liked, *others])))
    return taste, tally


def _chunks(files: Sequence[Path]) -> Iterator[list[Path]]:
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


def _too_few(tally: Tally) -> str:
    message = f"a taste needs at least {MINIMUM} liked images, not {tally.usable}; add more of them"
    return f"{message} ({described(tally.skipped)})" if tally.skipped else message


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
    fingerprint = fingerprint_of(row, file_sha256(resolve_weights(row)))
    recipe = (VERSION, fingerprint, keep, *sorted(contents))
    kept = cache / sha256(repr(recipe).encode()).hexdigest()[:32]
    if (kept / "taste.json").is_file():
        return Taste.load(kept)
    runner = Encoder(encoder, threads, "cpu")
    taste, tally = fit_images(contents, runner, keep=keep, threads=threads, on_progress=on_progress)
    if tally.skipped:
        on_skipped(tuple(tally.skipped))
    taste.save(kept)
    return taste
