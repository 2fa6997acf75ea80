"""``goldpan watermarks synthesise DIR --out DIR``: marks over clean pictures, in the layout that training reads.

A clean picture gives pairs: a file in ``no_watermark``, perhaps with a distractor in the scene, and one in
``watermark``. ``table.csv`` says what lies on each. Same pictures, fonts and seed, same bytes.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated

import typer
from PIL import Image, ImageOps, UnidentifiedImageError

from flows.demo.paint.copies import jpeg
from flows.demo.paint.noise import generator
from flows.exits import PreflightError, explained
from flows.watermarks.distractors import distracted
from flows.watermarks.encodings import travelled
from flows.watermarks.fonts import Faces, find_faces
from flows.watermarks.ink import Laid, lay
from flows.watermarks.kinds import CAPTION_ROOM, MarkKind, coverage
from flows.watermarks.lettering import Pen

MARKED, CLEAN, TABLE = "watermark", "no_watermark", "table.csv"
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
OPACITIES = (0.15, 0.95)
DISTRACTED = 0.35  # share of pairs that show something like a mark in the scene
LONGEST = 1400  # pixels of the longer side at most


@dataclass(frozen=True)
class Example:
    """A line of the table: `kind` and `opacity` are empty for a clean picture."""

    file: str
    source: str
    kind: str
    opacity: float | None
    distractors: str
    quality: int


def synthesise(
    pictures: Annotated[Path, typer.Argument(help="A folder of clean pictures.")],
    out: Annotated[
        Path, typer.Option(help="The folder to write watermark/, no_watermark/ and table.csv to.")
    ],
    each: Annotated[int, typer.Option(min=1, help="Pairs a picture.")] = 4,
    seed: Annotated[int, typer.Option(help="Another seed, other marks.")] = 1,
    fonts: Annotated[list[Path] | None, typer.Option(help="A folder of more fonts; may be repeated.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; all cores if unset.")] = None,
) -> None:
    """Lay marks over the clean PICTURES, and write them beside unmarked ones, with a table of what is what."""
    found = picture_files(pictures)
    if out.exists() and any(out.iterdir()):
        raise PreflightError(f"--out {out} is not empty; name another folder")
    for folder in (MARKED, CLEAN):
        (out / folder).mkdir(parents=True, exist_ok=True)
    job = partial(pairs_of, root=pictures, out=out, each=each, seed=seed, fonts=tuple(fonts or ()))
    with ProcessPoolExecutor(workers or os.cpu_count() or 1, get_context("spawn")) as pool:
        examples = [example for several in pool.map(job, found, chunksize=4) for example in several]
    write_table(out / TABLE, examples)
    print(f"{out}: {len(examples) // 2} marked and {len(examples) // 2} clean pictures")


synthesise_command = explained(synthesise)


def picture_files(folder: Path) -> list[Path]:
    """The pictures of a folder and of those in it, by name; PreflightError where there are none."""
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not found:
        raise PreflightError(f"{folder} has no pictures ({', '.join(SUFFIXES)}); name a folder of clean ones")
    return found


def pairs_of(
    file: Path, *, root: Path, out: Path, each: int, seed: int, fonts: tuple[Path, ...]
) -> list[Example]:
    """Write the pairs over one picture and return their lines."""
    picture, source = opened(file), file.relative_to(root).as_posix()
    lines = []
    for i in range(each):
        pen = Pen(generator(f"marks {source} {i}", seed), faces(fonts))
        stem = f"{source.rsplit('.', 1)[0].replace('/', '_')}_{i}"
        lines += list(pair(pen, picture, source, out, stem))
    return lines


@cache
def faces(fonts: tuple[Path, ...]) -> Faces:
    """The fonts, found once a process."""
    return find_faces(fonts)


@contextmanager
def readable(file: Path) -> Iterator[Image.Image]:
    """A picture's file, open; PreflightError names one that is none."""
    try:
        with Image.open(file) as image:
            yield image
    except (UnidentifiedImageError, OSError) as error:
        raise PreflightError(f"{file} cannot be read as a picture; take it out of the folder") from error


def opened(file: Path, longest: int = LONGEST) -> Image.Image:
    """An upright RGB picture, its longer side at most `longest`; PreflightError names a file that is none."""
    with readable(file) as image:
        image.draft("RGB", (longest, longest))
        upright = ImageOps.exif_transpose(image).convert("RGB")
    upright.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    return upright


def pair(pen: Pen, picture: Image.Image, source: str, out: Path, stem: str) -> Iterator[Example]:
    """Write a clean picture and a marked one; both may have the same distractors, so that they tell nothing."""
    scene, seen = distracted(pen, picture) if pen.chance(DISTRACTED) else (picture, ())
    kind = list(MarkKind)[pen.any_of(len(MarkKind))]
    laid = marked(pen, scene, kind, pen.between(*OPACITIES))
    for folder, image in ((CLEAN, scene), (MARKED, laid.picture)):
        sent, quality = travelled(pen, image)
        name = f"{folder}/{stem}.jpg"
        (out / name).write_bytes(jpeg(sent, quality))
        is_marked = folder == MARKED
        yield Example(
            name, source, kind if is_marked else "", round(laid.opacity, 3) if is_marked else None,
            " ".join(seen), quality,
        )  # fmt: skip


def marked(pen: Pen, picture: Image.Image, kind: MarkKind, opacity: float) -> Laid:
    """The picture under a mark of that kind; a caption gets a frame around the picture first."""
    if kind is MarkKind.CAPTION and pen.chance(0.7):
        picture = framed(pen, picture)
        opacity = max(opacity, 0.5)
    return lay(pen, picture, coverage(pen, kind, picture.size), opacity)


def framed(pen: Pen, picture: Image.Image) -> Image.Image:
    """The picture in a frame that is broader below, where a caption goes."""
    side = round(min(picture.size) * pen.between(0.0, 0.06))
    below = round((picture.height + side) * CAPTION_ROOM / (1 - CAPTION_ROOM))
    tone = (250, 250, 248) if pen.chance(0.6) else (8, 8, 10) if pen.chance(0.7) else (120, 100, 80)
    return ImageOps.expand(picture, (side, side, side, below), tone)


def write_table(path: Path, examples: Sequence[Example]) -> None:
    """Write the lines as CSV, in their order."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Example)])
        writer.writeheader()
        writer.writerows(asdict(example) for example in examples)


def read_table(path: Path) -> list[Example]:
    """The lines of a table; PreflightError where it is not there, or is another."""
    try:
        with path.open(newline="") as file:
            return [
                Example(
                    line["file"], line["source"], line["kind"],
                    float(line["opacity"]) if line["opacity"] else None, line["distractors"], int(line["quality"]),
                )
                for line in csv.DictReader(file)
            ]  # fmt: skip
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise PreflightError(
            f"{path} is no table that `goldpan watermarks synthesise` wrote: {error}; name the folder it wrote to"
        ) from error
