"""Densities of embeddings, and the sizes they can have: components, principal axes kept, and shrinkage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy.linalg import eigh
from scipy.special import logsumexp

from models.mixture import Covariance, GaussianMixture, Vectors, fit
from models.registry import ModelError

_LEADING = 20  # principal axes in which components are looked for
_NOTHING = 1e-9  # of the largest variance


_ALIKE = "too many of the liked images look the same to the encoder; add different ones"


class AlikeError(ModelError):
    """The images leave nothing to fit a density to: too many are the same to the encoder."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """What a density is made of: components, principal axes kept, and the share of the covariance that is a sphere."""

    components: int
    projection: int
    shrinkage: float


@dataclass(frozen=True, slots=True, eq=False)
class Density:
    """A mixture in projected embeddings z = (x − mean) W; ``log_jacobian`` is log |det W|."""

    mean: Vectors
    projection: Vectors
    log_jacobian: float
    mixture: GaussianMixture
    _projects: bool = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # The ancestors' mixtures are of embeddings as they are: a product with the identity is dear for nothing.
        itself = np.array_equal(self.projection, np.eye(len(self.mean)))
        object.__setattr__(self, "_projects", not itself)

    def score(self, x: Vectors, side: float | None = None) -> Vectors:
        """Return the log-density, float64 [n], of embeddings [n, d].

        Where only the ``side`` of a threshold matters it may be float32's, never on the other side of it.
        """
        z = x - self.mean
        if self._projects:
            z = z @ self.projection
        within = None if side is None else side - self.log_jacobian
        return self.mixture.log_likelihood(z, within) + self.log_jacobian


class Fitted(Protocol):
    """Images in so many components, of which densities of several sizes can be had."""

    def sizes(self) -> list[Sizes]:
        """Give the sizes worth trying."""

    def scores(self, x: Vectors, sizes: Sequence[Sizes]) -> Vectors:
        """Return log-densities, [n, sizes]."""

    def density(self, size: Sizes) -> Density:
        """Return the density of one size."""

    def parameters(self, size: Sizes) -> int:
        """Count the free parameters of one size, for the BIC."""


class Shared:
    """Gaussians that share one covariance: principal axes, a sphere for the rest, and shrinkage towards a sphere.

    Probabilistic principal components (Tipping & Bishop 1999) with the shrinkage of Ledoit & Wolf (2004), both
    from one eigendecomposition, so that many sizes cost little more than one. EM sees the leading axes only: in
    all d of them few images have no shape.
    """

    _PROJECTIONS = (16, 32, 64, 128, 256)
    _SHRINKAGES = (0.01, 0.03, 0.1, 0.2, 0.4, 0.7)

    def __init__(self, x: Vectors, components: int, seed: int) -> None:
        if not np.ptp(x, axis=0).any():
            raise AlikeError(_ALIKE)
        axes = _leading(x)
        found = (
            np.zeros(len(x), np.intp)
            if components == 1
            else fit(axes, components, covariance="spherical", ridge=0.01, seed=seed).assign(axes)
        )
        used, component = np.unique(found, return_inverse=True)
        self._weights = np.bincount(component) / len(x)
        self._mean = x.mean(axis=0)
        self._centres = np.stack([x[component == k].mean(axis=0) for k in range(len(used))]) - self._mean
        # Each centre was taken from the images themselves, which makes their scatter look smaller than it is.
        free = max(len(x) - len(used), 1)
        scatter = x - self._mean - self._centres[component]
        if not scatter.any():
            raise AlikeError(_ALIKE)
        self._variances, self._axes = _principal(scatter, free)
        self._sphere = self._variances.sum() / x.shape[1]

    def sizes(self) -> list[Sizes]:
        """Give every projection narrower than what the images span, and that, by every shrinkage."""
        rank = len(self._variances)
        projections = [*(q for q in self._PROJECTIONS if q < rank), rank]
        return [Sizes(len(self._weights), q, s) for q in projections for s in self._SHRINKAGES]

    def scores(self, x: Vectors, sizes: Sequence[Sizes]) -> Vectors:
        """Return log-densities, [n, sizes]; (x − c)ᵀ Σ⁻¹ (x − c) is a sphere's term and one an axis."""
        width = x.shape[1]
        spectra = [self._spectrum(size) for size in sizes]
        tails = np.array([tail for _, tail in spectra])
        bends = np.zeros((len(self._variances), len(sizes)))
        constants = np.empty(len(sizes))
        for at, (lead, tail) in enumerate(spectra):
            bends[: len(lead), at] = 1 / lead - 1 / tail
            constants[at] = (
                np.log(lead).sum() + (width - len(lead)) * np.log(tail) + width * np.log(2 * np.pi)
            )
        terms = []
        centred = x - self._mean
        along, turned = centred @ self._axes, self._centres @ self._axes
        lengths = np.einsum("nd,nd->n", centred, centred)
        for weight, centre, at_axes in zip(self._weights, self._centres, turned, strict=True):
            apart = lengths - 2 * centred @ centre + centre @ centre
            distance = (along - at_axes) ** 2 @ bends + apart[:, None] / tails
            terms.append(np.log(weight) - 0.5 * (distance + constants))
        return np.asarray(logsumexp(terms, axis=0))

    def _spectrum(self, size: Sizes) -> tuple[Vectors, float]:
        """Variances along the axes kept, and the one of every direction beside them."""
        width, keeps = self._centres.shape[1], 1 - size.shrinkage
        floor = size.shrinkage * self._sphere
        lead = keeps * self._variances[: size.projection] + floor
        rest = self._variances[size.projection :].sum() / max(width - len(lead), 1)
        return lead, float(keeps * rest + floor)

    def density(self, size: Sizes) -> Density:
        """Return the density of one size; its projection [d, d] is symmetric and makes the covariance white."""
        lead, tail = self._spectrum(size)
        axes, width = self._axes[:, : len(lead)], self._centres.shape[1]
        whitener = np.eye(width) / np.sqrt(tail) + (axes * (1 / np.sqrt(lead) - 1 / np.sqrt(tail))) @ axes.T
        log_jacobian = -0.5 * float(np.log(lead).sum() + (width - len(lead)) * np.log(tail))
        means = self._centres @ whitener
        return Density(
            self._mean, whitener, log_jacobian, GaussianMixture(self._weights, means, np.ones_like(means))
        )

    def parameters(self, size: Sizes) -> int:
        """Count weights, centres, axes (orthonormal), their variances and the sphere's."""
        components, width = len(self._centres), len(self._mean)
        axes = size.projection * width - size.projection * (size.projection + 1) // 2
        return components - 1 + components * width + axes + size.projection + 1


class Separate:
    """scikit-learn's mixture of embeddings as they are, one covariance a Gaussian: the ancestors' setting."""

    def __init__(self, x: Vectors, components: int, seed: int, covariance: Covariance) -> None:
        self._covariance: Covariance = covariance
        self._width = int(x.shape[1])
        # One start, as the ancestors had it: a full covariance in hundreds of numbers is dear.
        self._mixture = fit(x, components, covariance=covariance, seed=seed, starts=1)

    def sizes(self) -> list[Sizes]:
        """Give the one size there is: all axes, no shrinkage."""
        return [Sizes(self._mixture.components, self._width, 0.0)]

    def scores(self, x: Vectors, sizes: Sequence[Sizes]) -> Vectors:
        """Return log-densities, [n, 1]."""
        return self._mixture.log_likelihood(x)[:, None].repeat(len(sizes), axis=1)

    def density(self, size: Sizes) -> Density:
        """Return the mixture; nothing is projected."""
        return Density(np.zeros(self._width), np.eye(self._width), 0.0, self._mixture)

    def parameters(self, size: Sizes) -> int:
        """Count weights, centres and covariances."""
        k, d = size.components, self._width
        covariances: dict[Covariance, int] = {
            "full": k * d * (d + 1) // 2,
            "tied": d * (d + 1) // 2,
            "diag": k * d,
            "spherical": k,
        }
        return k - 1 + k * d + covariances[self._covariance]


def _principal(scatter: Vectors, free: int) -> tuple[Vectors, Vectors]:
    """Variances [r], largest first, and principal axes [d, r] of the rows of [n, d] around zero."""
    wide = len(scatter) < scatter.shape[1]
    values, vectors = eigh(scatter @ scatter.T if wide else scatter.T @ scatter)
    kept = values > _NOTHING * values[-1]
    values, vectors = values[kept][::-1], vectors[:, kept][:, ::-1]
    axes = scatter.T @ vectors / np.sqrt(values) if wide else vectors
    return np.asarray(values / free), np.ascontiguousarray(axes)


def _leading(x: Vectors) -> npt.NDArray[np.float64]:
    """The leading principal axes of the rows of [n, d], scaled alike to mean variance 1: [n, at most 20].

    Each keeps its share: where the liked images fall into kinds, the kinds make the long axes.
    """
    centred = x - x.mean(axis=0)
    wide = len(x) < x.shape[1]
    products = centred @ centred.T if wide else centred.T @ centred
    side = len(products)
    count = min(_LEADING, len(x) // 4, side)
    values, vectors = eigh(products, subset_by_index=[side - count, side - 1])
    values = np.maximum(values, 0)
    axes = vectors * np.sqrt(values) if wide else centred @ vectors
    return np.asarray(axes / np.sqrt(values.mean() / len(x)))
