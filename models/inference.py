"""Pictures through a session, a batch at a time, and the probe that tells whether its answers are numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.preprocess import to_input
from models.registry import ModelRow, NotFiniteError
from models.session import Session


def infer(session: Session, pixels: npt.NDArray[np.uint8], step: int) -> npt.NDArray[np.float32]:
    """Run squares, uint8 [n, size, size, 3], ``step`` at a time; returns float32 [n, dimension], as the model gave it.

    A model that was exported for one size of batch gets that, its last batch filled up.
    """
    answers = np.empty((len(pixels), session.row.dimension), np.float32)
    step = session.batch or step
    for start in range(0, len(pixels), step):
        part = pixels[start : start + step]
        if session.batch:
            part = np.resize(part, (step, *part.shape[1:]))
        answers[start : start + step] = session.run(to_input(part, session.row))[: len(answers) - start]
    return answers


def unit(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Scale rows [n, d] to length 1; those of length 0 become NaN.

    In float64: float32 cannot square what is large, and would make zeros of it.
    """
    wide = vectors.astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        scaled: npt.NDArray[np.float64] = wide / np.linalg.norm(wide, axis=1, keepdims=True)
    return scaled


def probes(size: int) -> npt.NDArray[np.uint8]:
    """Give a black, a white and a noisy picture, uint8 [3, size, size, 3]."""
    shape = (size, size, 3)
    noise = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    return np.stack([np.zeros(shape, np.uint8), np.full(shape, 255, np.uint8), noise])


def check_finite(answers: npt.NDArray[np.float32]) -> None:
    """Make sure that what a model said of the probes are numbers; raises NotFiniteError."""
    if not np.isfinite(answers).all():
        raise NotFiniteError(
            "it answers what is not a number for a black, a white or a noisy picture; is it the right file, and do "
            "mean and std belong to it?"
        )


def check_model(row: ModelRow, path: Path) -> Session:
    """Load a model and run it on the probes; raises the ModelError that says what is wrong with it."""
    session = Session(path, row, threads=1)
    check_finite(infer(session, probes(row.size), 3))
    return session
