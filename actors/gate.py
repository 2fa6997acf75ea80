"""The gate actor: pictures that the taste accepted in, a classifier's score of each out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from actors.storage import Output
from models.classifier import GateRow, scores
from models.registry import BrokenModelError, cache_folder, file_sha256, write_atomically
from models.session import Device, Session


def held_at(row: GateRow) -> str:
    """Name the gate's model in the output: every node reads it there, whatever files it has."""
    return f"state/gate-{row.sha256}.onnx"


def cached(row: GateRow) -> Path:
    """Name the copy of the gate's model on this machine."""
    return cache_folder() / "gates" / f"{row.sha256}.onnx"


class Gate:
    """One classifier's session on a model that the output holds; the caller decides where it runs.

    Raises a ModelError for a broken file, another input than its row says, or an absent device.
    """

    def __init__(self, output_uri: str, row: GateRow, threads: int, device: Device) -> None:
        path = cached(row)
        if not path.is_file() or file_sha256(path) != row.sha256:
            write_atomically(path, Output(output_uri).read(held_at(row)))
        if file_sha256(path) != row.sha256:
            raise BrokenModelError(f"gate {row.name}: {held_at(row)} in the output was changed; remove it")
        self._row = row
        self._session = Session(path, row.model_row(), threads=threads, device=device)

    def __call__(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Score uint8 [n, size, size, 3]; returns float32 [n]."""
        return scores(self._session, self._row, pixels)
