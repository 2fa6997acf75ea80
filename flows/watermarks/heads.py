"""The last layer, fitted on whole pictures: what a picture's logit is read from, to the logit."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from flows.watermarks.examples import TOUCHED, UNKNOWN, Examples, Pictures
from flows.watermarks.training import LEAST_CELLS
from models.watermark import to_input

Floats = npt.NDArray[np.float64]
Truths = npt.NDArray[np.bool_]
BATCH = 4
STRENGTHS = (0.0003, 0.001, 0.003, 0.01, 0.03)
ALARMS = 0.05  # share of the clean pictures that were never trained on that may be above the threshold of 0.5


def refit(detector: Any, data: Examples, held: Truths) -> str:
    """Fit the picture's layer on whole pictures, in place; say how it does on those that are `held` [n].

    The bias is moved so that of the held clean pictures only so many are above 0.5: one that is lost is not seen
    again, and most that are judged are clean. Nearly half of them have something like a mark in the scene, so that
    fewer of a user's are lost.
    """
    import torch

    touched, unknown = (data.cells == TOUCHED).sum((1, 2)), (data.cells == UNKNOWN).sum((1, 2))
    marked = touched >= LEAST_CELLS
    known = marked | ((touched == 0) & (unknown == 0))
    found = pooled(detector, data.pictures)
    weight, bias, says = fitted(found[known], marked[known], held[known])
    with torch.no_grad():
        detector.picture.weight.copy_(torch.from_numpy(weight[None].astype(np.float32)))
        detector.picture.bias.copy_(torch.tensor([bias], dtype=torch.float32))
    return says


def pooled(detector: Any, pictures: Pictures) -> Floats:
    """What a picture's logit is read from, float64 [n, 288]."""
    import torch

    found = []
    with torch.no_grad():
        for start in range(0, len(pictures), BATCH):
            x = torch.from_numpy(to_input(pictures[start : start + BATCH]))
            found.append(detector.pooled(*detector.seen(x))[0].numpy())
    return np.concatenate(found).astype(np.float64)


def fitted(features: Floats, marked: Truths, held: Truths) -> tuple[Floats, float, str]:
    """Weights and bias of a logistic regression, and what the strength that was chosen gives on the held ones."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score

    taught = ~held
    centre, scale = features[taught].mean(0), features[taught].std(0) + 1e-6
    scaled = (features - centre) / scale
    models = [
        LogisticRegression(C=one, max_iter=400).fit(scaled[taught], marked[taught]) for one in STRENGTHS
    ]
    truth = marked[held]
    logits = [model.decision_function(scaled[held]) for model in models]
    areas = [float(roc_auc_score(truth, one)) for one in logits]
    best = int(np.argmax(areas))
    shift = float(np.quantile(logits[best][~truth], 1 - ALARMS))
    weight = models[best].coef_[0] / scale
    bias = float(models[best].intercept_[0] - weight @ centre - shift)
    missed = float((logits[best][truth] <= shift).mean())
    says = (
        f"{len(truth)} pictures never trained on: AUC {areas[best]:.4f} at C={STRENGTHS[best]}, "
        f"{missed:.1%} missed at {ALARMS:.0%} false alarms"
    )
    return weight, bias, says
