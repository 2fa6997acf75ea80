"""From the embeddings of liked images to a taste: shrinkage, the number of components and the threshold."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.linalg import eigh, solve_triangular
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from models.mixture import GaussianMixture, Vectors, fit
from models.taste import Taste, TasteError, as_stored

VERSION = 1  # of the method: another one makes other tastes of the same images
MINIMUM = 30
_CANDIDATES = (1, 2, 4, 8, 16)
_PER_COMPONENT = 20  # liked images
_FOLDS = 10
_LEADING = 20  # principal axes in which components are looked for
_BINS = 40


@dataclass(frozen=True, slots=True)
class _Density:
    mean: Vectors
    projection: Vectors
    log_jacobian: float
    mixture: GaussianMixture

    def score(self, x: Vectors) -> Vectors:
        return self.mixture.log_likelihood((x - self.mean) @ self.projection) + self.log_jacobian


def fit_taste(
    embeddings: npt.NDArray[np.floating[Any]],
    *,
    encoder: str,
    encoder_fingerprint: str,
    keep: float = 0.95,
    seed: int = 0,
    components: int | None = None,
) -> Taste:
    """Fit a taste to the embeddings, [n, d], of at least 30 liked images; the same one for the same input.

    ``keep`` is the share of images like these that the threshold lets through, estimated on held-out ones
    (10 folds). ``components`` None chooses among few by held-out likelihood, and takes more only where the
    gain is larger than its standard error (Breiman et al. 1984). TasteError says what to change.
    """
    x = _usable(as_stored(embeddings))
    if not 0 < keep < 1:
        raise TasteError(f"keep is a share between 0 and 1, like 0.95, not {keep}")
    if components is not None and not 1 <= components <= len(x) // 10:
        raise TasteError(f"{len(x)} liked images allow 1 to {len(x) // 10} components, not {components}")
    candidates = [k for k in _CANDIDATES if k == 1 or k * _PER_COMPONENT <= len(x)]
    # scikit-learn brings thread pools of its own, which only a limit set after the import reaches.
    importlib.import_module("sklearn.mixture")
    # The matrices are small: on a busy machine BLAS's own threads made this twenty times slower. One thread
    # also gives the same sums, and so the same taste, whatever the number of cores.
    with threadpool_limits(1):
        held_out = _held_out(x, [components] if components else candidates, seed)
        chosen = _most_likely(held_out)
        density = _density(x, _leading(x), chosen, seed)
    scores = held_out[chosen]
    counts, edges = np.histogram(scores, bins=_BINS)
    return Taste(
        encoder=encoder,
        encoder_fingerprint=encoder_fingerprint,
        mean=density.mean,
        projection=density.projection,
        log_jacobian=density.log_jacobian,
        mixture=density.mixture,
        threshold=_threshold(scores, keep),
        keep=keep,
        liked=len(x),
        histogram=(tuple(map(int, counts)), tuple(map(float, edges))),
    )


def _usable(x: Vectors) -> Vectors:
    if x.ndim != 2 or len(x) < MINIMUM:
        raise TasteError(f"a taste needs at least {MINIMUM} liked images, not {len(x)}; add more of them")
    if not np.isfinite(x).all():
        raise TasteError("an embedding of a liked image is not finite; the encoder is broken for it")
    if np.ptp(x, axis=0).max() == 0:
        raise TasteError("the liked images all look the same to the encoder; add different ones")
    return x


def _held_out(x: Vectors, candidates: list[int], seed: int) -> dict[int, Vectors]:
    """Each image's score under a density fitted without its fold, by number of components."""
    fold = np.random.default_rng(seed).permutation(len(x)) % _FOLDS
    scores = {k: np.empty(len(x)) for k in candidates}
    for f in range(_FOLDS):
        rest, out = x[fold != f], x[fold == f]
        axes = _leading(rest)
        for k, held in scores.items():
            held[fold == f] = _density(rest, axes, k, seed).score(out)
    return scores


def _most_likely(held_out: dict[int, Vectors]) -> int:
    chosen = min(held_out)
    for k in sorted(held_out):
        gain = held_out[k] - held_out[chosen]
        if gain.mean() > gain.std() / np.sqrt(len(gain)):
            chosen = k
    return chosen


def _threshold(scores: Vectors, keep: float) -> float:
    """The score that at least the share ``keep`` of unseen images like these reach (conformal quantile).

    The rank counts the next image too: with few scores a plain quantile lets through less than it promises
    (Vovk, Gammerman & Shafer 2005, Algorithmic learning in a random world).
    """
    rank = max(int((1 - keep) * (len(scores) + 1)), 1)
    return float(np.sort(scores)[rank - 1])


def _density(x: Vectors, axes: Vectors, components: int, seed: int) -> _Density:
    # EM sees the leading axes only: in all d of them few images have no shape.
    found = np.zeros(len(x), np.intp) if components == 1 else _assigned(axes, components, seed)
    used, component = np.unique(found, return_inverse=True)
    centres = np.stack([x[component == k].mean(axis=0) for k in range(len(used))])
    whitener = _whitener(x - centres[component], len(used))
    mean = x.mean(axis=0)
    means = (centres - mean) @ whitener
    mixture = GaussianMixture(np.bincount(component) / len(x), means, np.ones_like(means))
    return _Density(mean, whitener, float(np.log(np.diagonal(whitener)).sum()), mixture)


def _assigned(axes: Vectors, components: int, seed: int) -> npt.NDArray[np.intp]:
    return fit(axes, components, covariance="spherical", ridge=0.01, seed=seed).assign(axes)


def _leading(x: Vectors) -> Vectors:
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


def _whitener(scatter: Vectors, components: int) -> Vectors:
    """The upper triangular W [d, d] that makes z = x W white, its covariance shrunk by Ledoit & Wolf 2004."""
    from sklearn.covariance import ledoit_wolf

    # Each centre was taken from the images themselves, which makes their scatter look smaller than it is.
    unbiased = scatter * np.sqrt(len(scatter) / (len(scatter) - components))
    covariance, _ = ledoit_wolf(unbiased, assume_centered=True)
    lower = np.linalg.cholesky(covariance)
    return np.ascontiguousarray(solve_triangular(lower, np.eye(len(lower)), lower=True).T)
