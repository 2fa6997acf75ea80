"""Training examples: squares as the detector sees them, and which of their cells a mark touches."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path
from shutil import disk_usage

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops

from flows.demo.paint import marks
from flows.demo.paint.copies import jpeg
from flows.demo.paint.noise import generator
from flows.exits import PreflightError
from flows.watermarks.backgrounds import CROPS, Background, drawn
from flows.watermarks.distractors import distracted
from flows.watermarks.encodings import decoded, travelled
from flows.watermarks.ink import Laid, lay
from flows.watermarks.kinds import MarkKind
from flows.watermarks.lettering import Pen
from flows.watermarks.synthesise import faces, marked
from models.watermark import SIZE, prepare

CELL = 16
CELLS = SIZE // CELL
NONE, TOUCHED, UNKNOWN = 0, 1, 2
OPACITIES = (0.18, 0.95)
DISTRACTED = 0.45
DEMO_SHARE = 0.4  # of the marks on paintings: the demo's own
SECOND = 0.12  # share of marked pictures that have another mark, as of a second site
# Mean grey levels by which a mark changes a cell: below the first it is none, above the second it is one.
SEEN = (0.3, 1.2)
# The hardest to find are shown more often.
TAUGHT = [*MarkKind, MarkKind.LOGO, MarkKind.SIGNATURE, MarkKind.STAMP, MarkKind.STRIP]
HOW = (OPACITIES, DISTRACTED, DEMO_SHARE, SECOND, SEEN, [str(kind) for kind in TAUGHT])
CHUNK = 8 * CROPS  # a photograph's crops lie beside each other: it is decoded once for most of them
REPORTED = 100  # backgrounds a line of progress
ADDED = [kind for kind in MarkKind if kind is not MarkKind.CAPTION]  # a caption's frame changes the size
Pictures = npt.NDArray[np.uint8]
Cells = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Examples:
    """Pictures, uint8 [n, 512, 512, 3], and their cells, uint8 [n, 32, 32] of NONE, TOUCHED and UNKNOWN."""

    pictures: Pictures
    cells: Cells


def made(
    sources: Sequence[Background], pairs: int, fonts: tuple[Path, ...], workers: int, kept: Path
) -> Examples:
    """`pairs` clean and as many marked pictures over each background, in the folder `kept`; read where it has them.

    On disk, as arrays that are mapped: 0.8 MB an example, of which training reads crops at random. PreflightError where
    the disk has no room for them.
    """
    files, whole = (kept / "pictures.npy", kept / "cells.npy"), kept / "whole"
    fingerprint = _fingerprint(sources, pairs, fonts)
    if whole.is_file() and whole.read_text() != fingerprint:
        raise PreflightError(
            f"{kept} has examples of other pictures, rounds or fonts: remove it, or name another folder by --scratch"
        )
    if not whole.is_file():
        kept.mkdir(parents=True, exist_ok=True)
        for file in files:
            file.unlink(missing_ok=True)  # of a making that was stopped: it has the room that these need
        each = 2 * pairs
        count = each * len(sources)
        needed, free = count * (SIZE * SIZE * 3 + CELLS * CELLS), disk_usage(kept).free
        if needed > free:
            raise PreflightError(
                f"{count} examples take {needed / 1e9:.0f} GB, and {kept} has room for {free / 1e9:.0f}: name another "
                "folder by --scratch, or take fewer --rounds"
            )
        pictures = np.lib.format.open_memmap(files[0], "w+", np.uint8, (count, SIZE, SIZE, 3))
        cells = np.lib.format.open_memmap(files[1], "w+", np.uint8, (count, CELLS, CELLS))
        job = partial(examples_of, pairs=pairs, fonts=fonts)
        with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
            for i, (squares, touched) in enumerate(pool.map(job, sources, chunksize=CHUNK)):
                part = slice(each * i, each * (i + 1))
                pictures[part], cells[part] = squares, touched
                if (i + 1) % REPORTED == 0 or i + 1 == len(sources):
                    print(f"{each * (i + 1)} of {count} examples", flush=True)
        pictures.flush()
        cells.flush()
        whole.write_text(fingerprint)
    return Examples(np.load(files[0], mmap_mode="r"), np.load(files[1]))


def _fingerprint(sources: Sequence[Background], pairs: int, fonts: tuple[Path, ...]) -> str:
    """What examples are made of and how, as 64 hex digits."""
    places = [(one.seed, one.kind, one.photo and str(one.photo.absolute())) for one in sources]
    return sha256(repr((places, pairs, [str(font.absolute()) for font in fonts], HOW)).encode()).hexdigest()


def examples_of(background: Background, *, pairs: int, fonts: tuple[Path, ...]) -> tuple[Pictures, Cells]:
    """The pairs over one background: each a clean picture, perhaps with distractors, and one under a mark."""
    image = drawn(background)
    squares, touched = [], []
    for i in range(pairs):
        pen = Pen(generator(f"example {background.name} {i}", background.seed), faces(fonts))
        scene = distracted(pen, image, most=3)[0] if pen.chance(DISTRACTED) else image
        laid = _under_marks(pen, scene, demo=background.kind is not None)
        for picture, cells in ((scene, np.zeros((CELLS, CELLS), np.uint8)), (laid.picture, cells_of(laid))):
            sent, quality = travelled(pen, picture)
            squares.append(prepare(decoded(jpeg(sent, quality)) if pen.chance(0.85) else sent))
            touched.append(cells)
    return np.stack(squares), np.stack(touched)


def _under_marks(pen: Pen, scene: Image.Image, *, demo: bool) -> Laid:
    """The scene under one mark, or two."""
    laid = _under_a_mark(pen, scene, demo=demo)
    if not pen.chance(SECOND):
        return laid
    kind = ADDED[pen.any_of(len(ADDED))]
    second = marked(pen, laid.picture, kind, pen.between(*OPACITIES))
    return Laid(second.picture, ImageChops.lighter(laid.change, second.change), laid.opacity)


def _under_a_mark(pen: Pen, scene: Image.Image, *, demo: bool) -> Laid:
    opacity = pen.between(*OPACITIES)
    if demo and pen.chance(DEMO_SHARE):
        return lay(pen, scene, marks.coverage(pen.rng, scene.size), max(opacity, 0.3))
    return marked(pen, scene, TAUGHT[pen.any_of(len(TAUGHT))], opacity)


def cells_of(laid: Laid) -> Cells:
    """Which of the 32×32 cells the mark touches, uint8 [32, 32]."""
    change = np.asarray(laid.change, np.float32)
    mean = np.asarray(Image.fromarray(change).resize((CELLS, CELLS), Image.Resampling.BOX))
    cells = np.full(mean.shape, UNKNOWN, np.uint8)
    cells[mean < SEEN[0]], cells[mean > SEEN[1]] = NONE, TOUCHED
    return cells
