"""What a taste's mixture is worth: the same images told from an unfiltered sample by other detectors, by name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from actors.encoder import Encoder
from actors.storage import Output
from flows.exits import PreflightError
from flows.liked import Tally, distinct, embed, image_files
from flows.unfiltered import Embeddings, embedded, is_output
from models.detectors import compare, detector_kind
from models.fitting import SAMPLE
from models.mixture import Vectors
from models.taste import Taste, as_stored


def named(text: str | None, against: str | None) -> list[str]:
    """Read the names of detectors; PreflightError where there is nothing to tell liked images from."""
    names = [name.strip() for name in text.split(",")] if text else []
    if names and against is None:
        raise PreflightError(
            "--compare tells liked images from an unfiltered sample: name one with --against"
        )
    for name in names:
        detector_kind(name)
    return names


def compared(
    taste: Taste, images: Sequence[Path], against: str, names: Sequence[str], encoder: Encoder, threads: int
) -> Taste:
    """Return the taste with the comparison among its facts; of many images 10,000 are compared on each side."""
    liked = _of_files(images, encoder, threads)
    if is_output(against):
        others = _first(vectors for _, vectors in embedded(Output(against), taste))
    else:
        others = _of_files([Path(against)], encoder, threads)
    return replace(taste, fitted={**taste.fitted, "compared": compare(liked, others, taste.fitted, names)})


def _of_files(roots: Sequence[Path], encoder: Encoder, threads: int) -> Vectors:
    contents = distinct(image_files(roots))
    files = [contents[key] for key in sorted(contents)][:SAMPLE]
    return _first(embed(files, encoder, threads, Tally()))


def _first(batches: Iterable[Embeddings]) -> Vectors:
    held: list[Embeddings] = []
    for batch in batches:
        held.append(batch[np.isfinite(batch).all(axis=1)])
        if sum(map(len, held)) >= SAMPLE:
            break
    return as_stored(np.concatenate(held)[:SAMPLE])
