"""From the embeddings of liked images to a taste: its sizes chosen by held-out likelihood, and its first threshold."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from models.calibration import Calibration, Keep
from models.density import Density, Fitted, Separate, Shared, Sizes
from models.mixture import Covariance, Vectors
from models.taste import Taste, TasteError, as_stored

VERSION = 2  # of the method: another one makes other tastes of the same images
MINIMUM = 30
SAMPLE = 10_000  # liked images a density is fitted on; what there is beside them only calibrates it
_CANDIDATES = (1, 2, 4, 8, 16, 32)
_PER_COMPONENT = 20  # liked images
_FOLDS = 10
_FEW_FOLDS = 3  # where a fit is dear
_MANY = 2000

Spread = Literal["shared"] | Covariance
SPREADS: tuple[str, ...] = ("shared", *get_args(Covariance))


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a taste is fitted: ``components`` None chooses; a ``covariance`` other than shared is scikit-learn's."""

    components: int | None = None
    covariance: Spread = "shared"
    seed: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class _Trial:
    """One number of components: its best sizes, each image's held-out score under them, and the BIC."""

    sizes: Sizes
    held_out: Vectors
    bic: float

    @property
    def facts(self) -> dict[str, Any]:
        return {
            "components": self.sizes.components,
            "projection": self.sizes.projection,
            "shrinkage": self.sizes.shrinkage,
            "held_out": float(self.held_out.mean()),
            "standard_error": float(self.held_out.std() / np.sqrt(len(self.held_out))),
            "bic": self.bic,
        }


def fit_taste(
    embeddings: npt.NDArray[np.floating[Any]],
    *,
    encoder: str,
    encoder_fingerprint: str,
    keep: float = 0.95,
    recipe: Recipe | None = None,
) -> Taste:
    """Fit a taste to the embeddings, [n, d], of at least 30 liked images; the same one for the same input.

    ``keep`` is the share of images like these that the threshold lets through, estimated on held-out ones.
    Projection and shrinkage are those that make held-out images most likely; more components are taken only
    where the gain is larger than its standard error (Breiman et al. 1984). TasteError says what to change.
    """
    x, recipe = _usable(as_stored(embeddings)), recipe or Recipe()
    candidates = _candidates(len(x), recipe)
    rule = Keep(keep)
    # scikit-learn brings thread pools of its own, which only a limit set after the import reaches.
    importlib.import_module("sklearn.mixture")
    # The matrices are small: on a busy machine BLAS's own threads made this twenty times slower. One thread
    # also gives the same sums, and so the same taste, whatever the number of cores.
    with threadpool_limits(1):
        trials = [_trial(x, k, recipe) for k in candidates]
        chosen = _most_likely(trials)
        density = _fitted(x, candidates[trials.index(chosen)], recipe).density(chosen.sizes)
    calibration = Calibration.of(chosen.held_out)
    threshold, told = rule.choose(calibration)
    return Taste(
        encoder=encoder,
        encoder_fingerprint=encoder_fingerprint,
        density=density,
        threshold=threshold,
        rule=told,
        calibration=calibration,
        fitted={
            "images": len(x),
            "covariance": recipe.covariance,
            **chosen.facts,
            "folds": _folds(len(x), recipe),
            "candidates": [trial.facts for trial in trials],
        },
    )


def refitted(x: Vectors, facts: Mapping[str, Any], seed: int) -> Density:
    """Fit a density of the sizes that a taste's facts name to embeddings [n, d]; axes that they lack are left out."""
    recipe = Recipe(facts["components"], facts["covariance"], seed)
    sizes = Sizes(facts["components"], facts["projection"], facts["shrinkage"])
    return _fitted(x, recipe.components or 1, recipe).density(sizes)


def _usable(x: Vectors) -> Vectors:
    if x.ndim != 2 or len(x) < MINIMUM:
        raise TasteError(f"a taste needs at least {MINIMUM} liked images, not {len(x)}; add more of them")
    if not np.isfinite(x).all():
        raise TasteError("an embedding of a liked image is not finite; the encoder is broken for it")
    if np.ptp(x, axis=0).max() == 0:
        raise TasteError("the liked images all look the same to the encoder; add different ones")
    return x


def _candidates(n: int, recipe: Recipe) -> list[int]:
    if recipe.covariance not in SPREADS:
        raise TasteError(f"a covariance is one of {', '.join(SPREADS)}, not {recipe.covariance}")
    if recipe.components is None:
        return [k for k in _CANDIDATES if k == 1 or k * _PER_COMPONENT <= n]
    if not 1 <= recipe.components <= n // 10:
        raise TasteError(f"{n} liked images allow 1 to {n // 10} components, not {recipe.components}")
    return [recipe.components]


def _folds(n: int, recipe: Recipe) -> int:
    return _FOLDS if recipe.covariance == "shared" and n <= _MANY else _FEW_FOLDS


def _fitted(x: Vectors, components: int, recipe: Recipe) -> Fitted:
    if recipe.covariance == "shared":
        return Shared(x, components, recipe.seed)
    return Separate(x, components, recipe.seed, recipe.covariance)


def _trial(x: Vectors, components: int, recipe: Recipe) -> _Trial:
    """Score each image by densities fitted without its fold, in every size that all of the folds can have."""
    whole = _fitted(x, components, recipe)
    folds = _folds(len(x), recipe)
    fold = np.random.default_rng(recipe.seed).permutation(len(x)) % folds
    fits = [_fitted(x[fold != f], components, recipe) for f in range(folds)]
    # A fold may span less, or lose a component: the sizes are told apart by projection and shrinkage alone.
    spans = [max(size.projection for size in one.sizes()) for one in fits]
    sizes = fits[int(np.argmin(spans))].sizes()
    held_out = np.empty((len(x), len(sizes)))
    for f, one in enumerate(fits):
        held_out[fold == f] = one.scores(x[fold == f], sizes)
    best = int(held_out.mean(axis=0).argmax())
    chosen = Sizes(whole.sizes()[0].components, sizes[best].projection, sizes[best].shrinkage)
    likelihood = float(whole.scores(x, [chosen]).sum())
    bic = whole.parameters(chosen) * float(np.log(len(x))) - 2 * likelihood
    return _Trial(chosen, held_out[:, best], bic)


def _most_likely(trials: list[_Trial]) -> _Trial:
    chosen = trials[0]
    for trial in trials[1:]:
        gain = trial.held_out - chosen.held_out
        if gain.mean() > gain.std() / np.sqrt(len(gain)):
            chosen = trial
    return chosen
