"""The judge stage: a READY block in, a JUDGED block out, a row for a row."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pyarrow as pa

from actors.judge.look import judged, looks_at
from actors.judge.steps import Step
from models.reasons import Reason, Stage


class Judge:
    """Takes a block through its steps, each seeing only what the one before left open.

    An image that every step lets pass fits. Bad images end with a reason inside the steps; what does leave as an
    exception is a dead actor or worker, and the stream deals with it.
    """

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = tuple(steps)

    def __call__(self, block: pa.Table) -> pa.Table:
        """Judge one block (schema READY); gives the block of verdicts (schema JUDGED)."""
        looks = looks_at(block)
        seconds: list[tuple[str, float]] = []
        for step in self._steps:
            if still_open := [look for look in looks if look.reason is None]:
                began = time.perf_counter()
                step(still_open)
                seconds.append((step.name, time.perf_counter() - began))
        for look in looks:
            if look.reason is None:
                look.reason, look.stage = Reason.FITS, Stage.WATERMARK
        if looks:
            looks[0].row["step_seconds"] = seconds
        return judged(looks)
