"""``goldpan models quantise``: a model in int8 and fp16, and what that changes, measured on images of the user's."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from flows.exits import PreflightError
from flows.liked import distinct, image_files
from models.calibration import At
from models.decode import DecodeError, open_rgb
from models.fitting import MINIMUM, fit_taste
from models.inference import check_model, infer, unit
from models.precision import (
    LEAST_IMAGES,
    MADE,
    Measured,
    Precision,
    Record,
    make,
    precise_weights,
    precision_path,
    write_record,
)
from models.preprocess import resize, shortest_side
from models.registry import ModelRow, file_sha256, fingerprint_of, resolve_weights
from models.session import Session
from models.taste import Taste

# The squares are held in memory, for every precision to see the same ones.
MOST_IMAGES = 2000
_BATCH = 8
Pixels = npt.NDArray[np.uint8]
Vectors = npt.NDArray[np.float32]
Progress = Callable[[str], None]


def squares(folders: Sequence[Path], row: ModelRow) -> Pixels:
    """Decode at most MOST_IMAGES, in the order of their hashes, which is a random one; [n, size, size, 3].

    PreflightError where there are too few to fit a taste on one half and judge the other.
    """
    contents = distinct(image_files(folders))
    found = []
    for key in sorted(contents)[:MOST_IMAGES]:
        try:
            found.append(resize(open_rgb(contents[key].read_bytes(), shortest=shortest_side(row)), row))
        except DecodeError:
            continue
    if len(found) < 2 * MINIMUM:
        raise PreflightError(
            f"{len(found)} images can be used; give {2 * MINIMUM} to compare precisions, {LEAST_IMAGES} to choose one"
        )
    return np.stack(found)


def quantise(
    row: ModelRow, pixels: Pixels, threads: int, taste: Taste | None, on_progress: Progress
) -> Record:
    """Make a model's int8 and fp16 files, measure both beside fp32 on the images, and keep the record.

    With a ``taste`` all are judged by it. Without, one is fitted on the first half, by fp32, and the second half is
    judged, by the threshold that half of it reaches: where most are far above, any precision would agree.
    """
    # What makes the other precisions says less clearly what is wrong with a file.
    source = check_model(row, resolve_weights(row)).fingerprint
    fingerprint = fingerprint_of(row, source)
    if taste is not None:
        taste.check_encoder(fingerprint)
    for precision in MADE:
        on_progress(f"making {precision}")
        make(row, precision)
    vectors, rates = {}, {}
    for precision in Precision:
        on_progress(f"measuring {precision}")
        vectors[precision], rates[precision] = _embedded(row, precision, pixels, threads)
    plain = vectors[Precision.FP32]
    judge, judged = taste, plain
    if judge is None:
        half = len(plain) // 2
        judge = fit_taste(plain[:half], encoder=row.name, encoder_fingerprint=fingerprint)
        vectors = {precision: found[half:] for precision, found in vectors.items()}
        judged = plain[half:]
        judge = judge.at(At(float(np.nanmedian(judge.score(judged)))))
    decided = judge.accepts(judge.score(judged))
    measured = {}
    for precision, found in vectors.items():
        same = _cosines(found, judged)
        measured[precision] = Measured(
            sha256=file_sha256(_file(row, precision)),
            least_cosine=float(same.min()),
            median_cosine=float(np.median(same)),
            agreement=float((judge.accepts(judge.score(found)) == decided).mean()),
            images_per_cpu_second=rates[precision],
        )
    record = Record(
        source=source, images=len(judged), accepted=int(decided.sum()), threads=threads, measured=measured
    )
    write_record(row, record)
    # As a run will read them.
    for precision in MADE:
        precise_weights(row, precision)
    return record


def _embedded(row: ModelRow, precision: Precision, pixels: Pixels, threads: int) -> tuple[Vectors, float]:
    session = Session(_file(row, precision), row, threads=threads)
    infer(session, pixels[:_BATCH], _BATCH)
    # Seconds of CPU, all threads': other work on the machine must not choose the precision.
    started = time.process_time()
    found = infer(session, pixels, _BATCH)
    rate = len(pixels) / (time.process_time() - started)
    if row.normalise:
        found = unit(found).astype(np.float32)
    return found, rate


def _file(row: ModelRow, precision: Precision) -> Path:
    return resolve_weights(row) if precision is Precision.FP32 else precision_path(row, precision)


def _cosines(one: Vectors, other: Vectors) -> npt.NDArray[np.float64]:
    a, b = one.astype(np.float64), other.astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        found = (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    # What is not a number has nothing of fp32's, and JSON has no word for it.
    return np.where(np.isfinite(found), found, 0.0)
