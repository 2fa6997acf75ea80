"""A look at one candidate: what the judge knows of it so far, from READY row to JUDGED row."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from models.reasons import Reason, Stage
from models.schema import JUDGED, READY


@dataclass(slots=True)
class Look:
    """One candidate on its way through the steps.

    ``row`` holds the columns of ``models.schema.JUDGED``; ``data`` the original bytes, without a copy; ``pixels``
    the encoder's square, uint8 [size, size, 3]. A look with a ``reason`` has its verdict: no step touches it.
    """

    row: dict[str, Any]
    data: memoryview | None
    pixels: npt.NDArray[np.uint8] | None = None
    embedding: npt.NDArray[np.float16] | None = None
    reason: Reason | None = None
    stage: Stage | None = None
    detail: str | None = field(default=None)

    def end(self, reason: Reason, stage: Stage, detail: str = "") -> None:
        """Give the verdict: the pixels and bytes are not needed any more."""
        self.reason, self.stage, self.detail = reason, stage, detail or None
        self.pixels = None
        self.data = None


def looks_at(block: pa.Table) -> list[Look]:
    """Make a look of each row of a READY block; rows that come with an outcome have their verdict."""
    columns = block.drop_columns(["data"]).to_pylist()
    return [_look(row, data) for row, data in zip(columns, _views(block), strict=True)]


def _look(row: dict[str, Any], data: memoryview | None) -> Look:
    if row["reason"] is None:
        return Look(row, data)
    return Look(row, None, None, None, Reason(row["reason"]), Stage(row["stage"]), row["detail"])


def _views(block: pa.Table) -> list[memoryview | None]:
    scalars = (value for chunk in block["data"].chunks for value in chunk)
    return [memoryview(value.as_buffer()) if value.is_valid else None for value in scalars]


def judged(looks: list[Look]) -> pa.Table:
    """Make the JUDGED block; original bytes travel on only where nothing speaks against the image."""
    return pa.Table.from_pylist([_judged_row(look) for look in looks], schema=JUDGED)


def _judged_row(look: Look) -> dict[str, Any]:
    if look.reason is None:
        raise RuntimeError(f"{look.row['key']} left the judge without a verdict")
    return look.row | {
        "reason": look.reason.value,
        "stage": look.stage,
        "detail": look.detail,
        "data": look.data if look.reason is Reason.FITS else None,
        "embedding": None if look.embedding is None else look.embedding.tobytes(),
    }


def empty_row(key: str) -> dict[str, Any]:
    """Give a READY row in which nothing but the key is known."""
    return dict.fromkeys(READY.names) | {"key": key}
