"""A step's gradients by several threads, a share of the batch each.

A network of this size leaves torch's own threads waiting for each other: for 32 crops two of them took 0.96 s on two
cores, one 0.84, and two replicas of a thread each 0.64. What is dropped out is drawn from torch's one generator by
whichever replica comes first: with more than one, the same seed does not give the same weights again.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from copy import deepcopy
from itertools import repeat
from typing import Any

import numpy as np
import numpy.typing as npt

from flows.watermarks.examples import Cells, Pictures

Batch = tuple[Pictures, Cells]
Sums = npt.NDArray[np.float64]


class Replicas:
    """A detector and copies of it that share its weights, each with gradients of its own."""

    def __init__(self, detector: Any, count: int, pool: Executor) -> None:
        self._detector = detector
        self._copies = [_shared(detector) for _ in range(count - 1)]
        self._pool = pool

    def gradients(self, backward: Callable[[Any, Batch, Batch], Sums], batch: Batch) -> Sums:
        """Leave the batch's gradients in the detector, and return the sum of what `backward` gave.

        It is called with a replica, whose gradients are zero, with a share of the batch's pairs, and with the batch.
        """
        everyone = [self._detector, *self._copies]
        shares = _shares(batch, len(everyone))
        for one in everyone:
            one.zero_grad()
        found = sum(self._pool.map(backward, everyone, shares, repeat(batch)), np.zeros(()))
        for copy in self._copies:
            for ours, theirs in zip(self._detector.parameters(), copy.parameters(), strict=True):
                if theirs.grad is not None:
                    ours.grad += theirs.grad
        return found


def _shared(detector: Any) -> Any:
    copy = deepcopy(detector)
    for ours, theirs in zip(copy.parameters(), detector.parameters(), strict=True):
        ours.data = theirs.data
    return copy


def _shares(batch: Batch, count: int) -> list[Batch]:
    """At most so many parts of the batch, as even as its pairs of a clean and a marked picture allow."""
    pairs = len(batch[0]) // 2
    parts = np.array_split(np.arange(pairs), min(count, pairs))
    return [tuple(one[2 * part[0] : 2 * part[-1] + 2] for one in batch) for part in parts]  # type: ignore[misc]
