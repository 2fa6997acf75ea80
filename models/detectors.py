"""PyOD's detectors by name: what else could tell liked images from others, to see what the mixture is worth.

They are for comparison only. PyOD can save them in no form but pickle, so none is ever a taste.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from models.fitting import refitted
from models.mixture import Vectors
from models.registry import ModelError

TASTE = "this taste"
_SPLITS = 5
_FEW = "ECOD, KNN, LOF, IForest, OCSVM"


class DetectorError(ModelError):
    """A detector cannot be had by this name."""


def compare(
    liked: Vectors, others: Vectors, facts: Mapping[str, Any], names: Sequence[str]
) -> list[dict[str, Any]]:
    """Tell how well a density of a taste's sizes and detectors know liked images from others, embeddings [n, d].

    Each is fitted on the same three quarters of the liked ones, and scores the last quarter and the others: the mean
    ROC AUC of five such splits, and its standard deviation.
    """
    fits: dict[str, Callable[[Vectors, int], Callable[[Vectors], Vectors]]] = {
        TASTE: lambda x, seed: refitted(x, facts, seed).score,
        **{name: partial(fit_detector, name) for name in names},
    }
    areas: dict[str, list[float]] = {name: [] for name in fits}
    for seed in range(_SPLITS):
        order = np.random.default_rng(seed).permutation(len(liked))
        held_out, fitted = np.split(order, [len(order) // 4])
        for name, fit in fits.items():
            with threadpool_limits(1):
                score = fit(liked[fitted], seed)
                areas[name].append(area(score(liked[held_out]), score(others)))
    return [
        {"by": name, "auc": float(np.mean(found)), "deviation": float(np.std(found))}
        for name, found in areas.items()
    ]


def area(liked: Vectors, others: Vectors) -> float:
    """Return the ROC AUC of scores: how often one that is liked is above another, ties for half."""
    ordered = np.sort(others)
    below = [np.searchsorted(ordered, liked, side) for side in ("left", "right")]
    return float(np.mean(below) / len(ordered))


def fit_detector(name: str, x: Vectors, seed: int = 0) -> Callable[[Vectors], Vectors]:
    """Fit one, with PyOD's own settings, to embeddings [n, d]; gives what scores others, higher for more alike."""
    kind = detector_kind(name)
    seeded = {"random_state": seed} if "random_state" in inspect.signature(kind).parameters else {}
    detector = kind(**seeded)
    detector.fit(x)
    return lambda y: -np.asarray(detector.decision_function(y), np.float64)


def detector_kind(name: str) -> Any:
    """Return a detector's class by its name in any case; DetectorError says what is missing."""
    if find_spec("pyod") is None:
        raise DetectorError("detectors are PyOD's, which is not installed: pip install 'goldpan[pyod]'")
    try:
        module = importlib.import_module(f"pyod.models.{name.lower()}")
    except ImportError as error:
        raise DetectorError(
            f"{name} is no detector of PyOD's, or one that needs more ({error}); some are {_FEW}"
        ) from error
    found = [kind for label, kind in vars(module).items() if label.lower() == name.lower()]
    if not found or not hasattr(found[0], "decision_function"):
        raise DetectorError(f"{name} is no detector of PyOD's; some are {_FEW}")
    return found[0]
