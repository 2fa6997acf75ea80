"""A Gaussian mixture as plain arrays: fitted by scikit-learn, scored by one matrix product a component."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp

from models.registry import ModelError

Vectors = npt.NDArray[np.float64]
Covariance = Literal["full", "tied", "diag", "spherical"]


@dataclass(frozen=True, slots=True, eq=False)
class GaussianMixture:
    """Weights [k], means [k, p] and precision Choleskys, float64 and read-only.

    The Choleskys are [k, p, p] (upper triangular, precision = C Cᵀ, as scikit-learn has them) or [k, p] where
    every covariance is diagonal.
    """

    weights: Vectors
    means: Vectors
    precision_choleskys: Vectors

    def __post_init__(self) -> None:
        k, p = self.means.shape if self.means.ndim == 2 else (0, 0)
        if self.weights.shape != (k,) or self.precision_choleskys.shape not in {(k, p), (k, p, p)} or not k:
            shapes = f"{self.weights.shape}, {self.means.shape}, {self.precision_choleskys.shape}"
            raise ModelError(f"these are not the arrays of one mixture: {shapes}")
        for array in (self.weights, self.means, self.precision_choleskys):
            array.setflags(write=False)

    @property
    def components(self) -> int:
        """The number of Gaussians."""
        return len(self.weights)

    def log_likelihood(self, x: Vectors) -> Vectors:
        """Return the log-density, float64 [n], of each row of [n, p]; a row that is not finite gets NaN.

        A Gaussian's exponent is the squared length of (x − mean) C, so no inverse is ever taken (scikit-learn,
        ``_estimate_log_gaussian_prob``).
        """
        density = np.full(len(x), np.nan)
        finite = np.isfinite(x).all(axis=1)
        density[finite] = logsumexp(self._weighted(np.asarray(x[finite], np.float64)), axis=1)
        return density

    def _weighted(self, x: Vectors) -> Vectors:
        """Log-weight plus log-density of each row under each component, [n, k]."""
        diagonal = self.precision_choleskys.ndim == 2
        columns = []
        for weight, mean, cholesky in zip(self.weights, self.means, self.precision_choleskys, strict=True):
            turned = x * cholesky - mean * cholesky if diagonal else x @ cholesky - mean @ cholesky
            scale = np.log(cholesky if diagonal else np.diagonal(cholesky)).sum()
            exponent = -0.5 * np.einsum("np,np->n", turned, turned)
            columns.append(np.log(weight) + scale + exponent - 0.5 * x.shape[1] * np.log(2 * np.pi))
        return np.stack(columns, axis=1)

    def assign(self, x: Vectors) -> npt.NDArray[np.intp]:
        """Return the most probable component, [n], of each row of [n, p]."""
        return np.asarray(np.argmax(self._weighted(x), axis=1), np.intp)


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
