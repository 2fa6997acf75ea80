"""How many pictures a session should be given at a time, by a short measured search."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from models.registry import Layout, ModelContractError
from models.session import Session

SMALLEST, LARGEST = 8, 256
_GAIN = 1.05  # what twice the batch has to bring
_ROUNDS = 3


def quickest_batch(session: Session, *, clock: Callable[[], float] = time.perf_counter) -> int:
    """Double the batch while that gives more pictures a second; a size that does not fit in memory ends the search.

    A model that takes one size only gets that. Raises ModelContractError where even the smallest cannot be run.
    """
    if session.batch:
        return session.batch
    best, rate = SMALLEST, _rate(session, SMALLEST, clock)
    while best < LARGEST:
        try:
            found = _rate(session, 2 * best, clock)
        except ModelContractError:
            break
        if found < _GAIN * rate:
            break
        best, rate = 2 * best, found
    return best


def _rate(session: Session, size: int, clock: Callable[[], float]) -> float:
    """Pictures a second at this size, in the quickest of a few rounds after a first one that is not counted."""
    side = session.row.size
    shape = (3, side, side) if session.row.layout is Layout.NCHW else (side, side, 3)
    batch = np.zeros((size, *shape), np.float32)
    session.run(batch)
    took = []
    for _ in range(_ROUNDS):
        started = clock()
        session.run(batch)
        took.append(clock() - started)
    return size / min(took)
