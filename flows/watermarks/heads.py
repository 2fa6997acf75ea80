"""The last layer, fitted on whole pictures: what a picture's logit is read from, to the logit."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from flows.watermarks.examples import TOUCHED, UNKNOWN, Examples
from flows.watermarks.training import LEAST_CELLS

Floats = npt.NDArray[np.float64]
BATCH = 8
STRENGTHS = (0.0003, 0.001, 0.003, 0.01, 0.03)
FOLDS = 5
ALARMS = 0.02  # share of clean pictures of held-out folds that may be above the threshold of 0.5


def refit(detector: Any, data: Examples, groups: npt.NDArray[np.int64]) -> str:
    """Fit the picture's layer on whole pictures, in place; say how it does on folds that it was not fitted on.

    `groups` [n] keeps the pictures of one source in one fold. The bias is moved so that 2 % of the clean pictures
    are above 0.5: a clean picture that is lost is not seen again, and most that are judged are clean.
    """
    import torch

    features = pooled(detector, data)
    touched, unknown = (data.cells == TOUCHED).sum((1, 2)), (data.cells == UNKNOWN).sum((1, 2))
    marked = touched >= LEAST_CELLS
    known = marked | ((touched == 0) & (unknown == 0))
    weight, bias, says = fitted(features[known], marked[known], groups[known])
    with torch.no_grad():
        detector.picture.weight.copy_(torch.from_numpy(weight[None].astype(np.float32)))
        detector.picture.bias.copy_(torch.tensor([bias], dtype=torch.float32))
    return says


def pooled(detector: Any, data: Examples) -> Floats:
    """What the picture's logit is read from, float64 [n, 288]."""
    import torch

    found = []
    with torch.no_grad():
        for start in range(0, len(data.pictures), BATCH):
            batch = data.pictures[start : start + BATCH].transpose(0, 3, 1, 2).astype(np.float32) / 127.5 - 1
            found.append(detector.pooled(torch.from_numpy(np.ascontiguousarray(batch)))[0].numpy())
    return np.concatenate(found).astype(np.float64)


def fitted(
    features: Floats, marked: npt.NDArray[np.bool_], groups: npt.NDArray[np.int64]
) -> tuple[Floats, float, str]:
    """Weights and bias of a logistic regression, and what the strength that was chosen gives on held-out folds."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import GroupKFold, cross_val_predict

    centre, scale = features.mean(0), features.std(0) + 1e-6
    scaled = (features - centre) / scale
    best: tuple[float, float, Floats] = (0.0, STRENGTHS[0], np.empty(0))
    for strength in STRENGTHS:
        model = LogisticRegression(C=strength, max_iter=400)
        folds = GroupKFold(FOLDS)
        logits = cross_val_predict(model, scaled, marked, groups=groups, cv=folds, method="decision_function")
        best = max(best, (float(roc_auc_score(marked, logits)), strength, logits), key=lambda one: one[0])
    area, strength, logits = best
    shift = float(np.quantile(logits[~marked], 1 - ALARMS))
    model = LogisticRegression(C=strength, max_iter=400).fit(scaled, marked)
    weight = model.coef_[0] / scale
    bias = float(model.intercept_[0] - weight @ centre - shift)
    missed = float((logits[marked] <= shift).mean())
    return (
        weight,
        bias,
        f"folds: AUC {area:.4f} at C={strength}, {missed:.1%} missed at {ALARMS:.0%} false alarms",
    )
