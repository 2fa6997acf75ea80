"""Squared distances by float32 to all Gaussians of a mixture, with a bound of what each may be wrong by.

That is enough to tell on which side of a threshold nearly every vector lies, and which Gaussians count for it, at half
of float64's cost; and a triangular Cholesky is half zeros.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]

_WIDE = 64  # columns of one product: few enough to skip most zeros, enough for BLAS to be quick
_ROUNDING = 2.0**-24  # of float32
# Of a sum of roundings that are each as large as can be. 4 would do where they go both ways; of columns that are alike,
# and a vector that is as well, all roundings go one way, and together they were seen at 12.
_DEVIATIONS = 16


@dataclass(frozen=True, slots=True, eq=False)
class Distances:
    """Squared lengths of (x − mean) C: ``blocks`` hold the same columns of all Choleskys, side by side.

    ``offsets`` are the means times these; ``steepest`` and ``farthest``, [k], the longest of a Cholesky's columns and
    the largest of its offsets.
    """

    centre: Vectors
    blocks: tuple[Singles, ...]
    offsets: tuple[Singles, ...]
    steepest: Vectors
    farthest: Vectors

    @classmethod
    def of(cls, means: Vectors, choleskys: Vectors) -> Distances:
        """Pack means [k, p] and upper triangular Choleskys [k, p, p]."""
        # float32's digits are for what tells vectors apart, not for what all have in common.
        centre = means.mean(axis=0)
        turned = np.stack([mean @ one for mean, one in zip(means - centre, choleskys, strict=True)])
        columns = [slice(start, start + _WIDE) for start in range(0, len(centre), _WIDE)]
        return cls(
            centre,
            # Below its own columns a triangle has nothing.
            tuple(_side_by_side(choleskys[:, : at.stop, at].swapaxes(0, 1)) for at in columns),
            tuple(_side_by_side(turned[None, :, at])[0] for at in columns),
            np.linalg.norm(choleskys, axis=1).max(axis=1),
            np.abs(turned).max(axis=1),
        )

    def __call__(self, x: Vectors) -> tuple[Vectors, Vectors]:
        """Return squared lengths, [n, k], of rows [n, p], and the most that each may be wrong by.

        The roundings of a sum of p products go both ways, so its error grows as √p (Higham & Mary 2019, A new approach
        to probabilistic rounding error analysis): an estimate with a margin, not a proof. It is no number where float32
        overflows.
        """
        apart = x - self.centre
        with np.errstate(over="ignore", invalid="ignore"):
            lengths = self._lengths(apart.astype(np.float32)).astype(np.float64)
            step = _DEVIATIONS * np.sqrt(x.shape[1] + 4) * _ROUNDING
            far = np.linalg.norm(apart, axis=1)[:, None]
            moved = step * (far * self.steepest + self.farthest)
            wrong = step * lengths + 2 * np.sqrt(lengths) * moved + x.shape[1] * moved**2
            return lengths, np.where(np.isfinite(lengths), wrong, np.nan)

    def _lengths(self, x: Singles) -> Singles:
        total = np.zeros((len(x), len(self.steepest)), np.float32)
        for block, offset in zip(self.blocks, self.offsets, strict=True):
            turned = x[:, : len(block)] @ block
            turned -= offset
            parts = turned.reshape(len(x), len(self.steepest), -1)
            total += np.einsum("nkp,nkp->nk", parts, parts)
        return total


def _side_by_side(columns: Vectors) -> Singles:
    """[rows, k, p] as float32 [rows, k · p]."""
    return np.ascontiguousarray(columns.reshape(len(columns), -1), np.float32)
