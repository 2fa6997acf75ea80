"""A Gaussian mixture as plain arrays: fitted by scikit-learn, scored by few matrix products."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from models.leading import Distances
from models.registry import ModelError

Vectors = npt.NDArray[np.float64]
Covariance = Literal["full", "tied", "diag", "spherical"]

_BESIDE = (
    20.0  # densities below e^-20 of a row's largest may be float32's: in its sum they are the ninth digit
)
_REST = 1e-6  # what all of those can add to the sum's logarithm, and more
_ROWS = 256  # at a time: what lies between the products stays small


@dataclass(frozen=True, slots=True, eq=False)
class GaussianMixture:
    """Weights [k], means [k, p] and precision Choleskys, float64 and read-only.

    The Choleskys are [k, p, p] (upper triangular, precision = C Cᵀ, as scikit-learn has them) or [k, p] where
    every covariance is diagonal.
    """

    weights: Vectors
    means: Vectors
    precision_choleskys: Vectors
    # The means times their Choleskys, [k, p], and all that is added to an exponent, [k]: the same for every batch.
    _turned_means: Vectors = field(init=False, repr=False)
    _constants: Vectors = field(init=False, repr=False)
    _distances: Distances | None = field(init=False, repr=False)

    def __post_init__(self) -> None:
        k, p = self.means.shape if self.means.ndim == 2 else (0, 0)
        if self.weights.shape != (k,) or self.precision_choleskys.shape not in {(k, p), (k, p, p)} or not k:
            shapes = f"{self.weights.shape}, {self.means.shape}, {self.precision_choleskys.shape}"
            raise ModelError(f"these are not the arrays of one mixture: {shapes}")
        for array in (self.weights, self.means, self.precision_choleskys):
            array.setflags(write=False)
        choleskys = self.precision_choleskys
        diagonals = choleskys if choleskys.ndim == 2 else np.diagonal(choleskys, axis1=1, axis2=2)
        scales = np.log(diagonals).sum(axis=1) - 0.5 * p * np.log(2 * np.pi)
        pairs = zip(self.means, choleskys, strict=True)
        turned = [mean * cholesky if choleskys.ndim == 2 else mean @ cholesky for mean, cholesky in pairs]
        object.__setattr__(self, "_turned_means", np.stack(turned))
        object.__setattr__(self, "_constants", np.log(self.weights) + scales)
        several = choleskys.ndim == 3 and k > 1
        object.__setattr__(self, "_distances", Distances.of(self.means, choleskys) if several else None)

    @property
    def components(self) -> int:
        """The number of Gaussians."""
        return len(self.weights)

    def log_likelihood(self, x: Vectors, side: float | None = None) -> Vectors:
        """Return the log-density, float64 [n], of each row of [n, p]; a row that is not finite gets NaN.

        Where only the ``side`` of a threshold matters, full covariances are scored by float32, and again by float64
        what lies too near to it to tell. A Gaussian's exponent is the squared length of (x − mean) C, so no inverse is
        ever taken (scikit-learn, ``_estimate_log_gaussian_prob``).
        """
        finite = np.isfinite(x).all(axis=1)
        if not finite.all():
            density = np.full(len(x), np.nan)
            density[finite] = self.log_likelihood(x[finite], side)
            return density
        x = np.asarray(x, np.float64)
        parts = [self._density(x[start : start + _ROWS], side) for start in range(0, len(x), _ROWS)]
        return parts[0] if len(parts) == 1 else np.concatenate([np.empty(0), *parts])

    def _density(self, x: Vectors, side: float | None) -> Vectors:
        if self._distances is None or side is None:
            return _log_sum_exp(self._weighted(x))
        weighted, counts, wrong = self._roughly(self._distances, x)
        density = _log_sum_exp(weighted)
        near = np.flatnonzero(~(np.abs(density - side) > wrong))
        if len(near):
            density[near] = _log_sum_exp(self._exactly(x[near], weighted[near], counts[near]))
        return density

    def _weighted(self, x: Vectors) -> Vectors:
        """Log-weight plus log-density of each row under each component, [n, k]."""
        if self.precision_choleskys.ndim == 2:
            # Σ (x − m)² c², multiplied out: two products for all components, where a loop is mostly its own cost.
            squared = self.precision_choleskys**2
            crossed = x @ (self._turned_means * self.precision_choleskys).T
            lengths = x**2 @ squared.T - 2 * crossed + (self._turned_means**2).sum(axis=1)
            return np.asarray(self._constants - 0.5 * lengths, np.float64)
        if self._distances is None:
            return self._exactly(x, np.empty((len(x), 1)), np.ones((len(x), 1), np.bool_))
        weighted, counts, _ = self._roughly(self._distances, x)
        return self._exactly(x, weighted, counts)

    def _roughly(self, distances: Distances, x: Vectors) -> tuple[Vectors, npt.NDArray[np.bool_], Vectors]:
        """The same by float32; which of them count for their row's sum, [n, k]; and what the sum may be wrong by, [n].

        Comparisons are put so that what is not a number counts.
        """
        lengths, wrong = distances(x)
        wrong *= 0.5
        weighted = self._constants - 0.5 * lengths
        least = np.fmax.reduce(weighted - wrong, axis=1, keepdims=True)
        counts = ~(weighted + wrong < least - _BESIDE)
        return weighted, counts, np.where(counts, wrong, 0.0).max(axis=1) + _REST

    def _exactly(self, x: Vectors, weighted: Vectors, counts: npt.NDArray[np.bool_]) -> Vectors:
        """Put float64's values where they count."""
        for k in np.flatnonzero(counts.any(axis=0)):
            rows = np.flatnonzero(counts[:, k])
            turned = x[rows] @ self.precision_choleskys[k]
            turned -= self._turned_means[k]
            weighted[rows, k] = self._constants[k] - 0.5 * np.einsum("np,np->n", turned, turned)
        return weighted

    def assign(self, x: Vectors) -> npt.NDArray[np.intp]:
        """Return the most probable component, [n], of each row of [n, p]."""
        return np.asarray(np.argmax(self._weighted(x), axis=1), np.intp)


def _log_sum_exp(columns: Vectors) -> Vectors:
    """Sum densities given by their logarithms, [n, k]; scipy's takes longer than all the products of 32 rows."""
    if columns.shape[1] == 1:
        return columns[:, 0]
    top = columns.max(axis=1)
    # Where every density underflows so does the sum.
    shift = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        summed: Vectors = shift + np.log(np.exp(columns - shift[:, None]).sum(axis=1))
    return summed


def fit(
    x: Vectors,
    components: int,
    *,
    covariance: Covariance = "full",
    ridge: float = 1e-6,
    seed: int = 0,
    starts: int = 3,
) -> GaussianMixture:
    """Fit a mixture to the rows of [n, p] by scikit-learn's EM; ``ridge`` is added to every variance."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture as Estimator

    estimator = Estimator(
        components,
        covariance_type=covariance,
        reg_covar=ridge,
        n_init=starts,
        max_iter=200,
        random_state=seed,
    )
    with warnings.catch_warnings():
        # A mixture a little short of its optimum is still the best of its starts.
        warnings.simplefilter("ignore", ConvergenceWarning)
        estimator.fit(x)
    return from_estimator(estimator)


def from_estimator(estimator: Any) -> GaussianMixture:
    """Take the arrays of a fitted ``sklearn.mixture.GaussianMixture`` of any covariance type."""
    means = np.array(estimator.means_, np.float64)
    choleskys = np.array(estimator.precisions_cholesky_, np.float64)
    match estimator.covariance_type:
        case "tied":
            choleskys = np.repeat(choleskys[None], len(means), axis=0)
        case "spherical":
            choleskys = np.repeat(choleskys[:, None], means.shape[1], axis=1)
    return GaussianMixture(np.array(estimator.weights_, np.float64), means, choleskys)
