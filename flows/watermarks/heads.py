"""The last layer, fitted on whole pictures: what a picture's logit is read from, to the logit."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from flows.watermarks.examples import Examples, Pictures
from flows.watermarks.training import judged
from models.watermark import to_input

Floats = npt.NDArray[np.float64]
Truths = npt.NDArray[np.bool_]
BATCH = 4
MOST = 4000  # pictures to fit on, and to test on
STRENGTHS = (0.0003, 0.001, 0.003, 0.01, 0.03)
ALARMS = 0.05  # share of the clean pictures that were never trained on that may be above the threshold of 0.5


def refit(detector: Any, data: Examples, held: Truths) -> str:
    """Fit the picture's layer on whole pictures, in place; say how it does on those that are `held` [n].

    The layer that was trained with the rest stays where none that is fitted is better on these.
    The bias is moved so that of the held clean pictures only so many are above 0.5: one that is lost is not seen
    again, and most that are judged are clean. Nearly half of them have something like a mark in the scene, so that
    fewer of a user's are lost.
    """
    import torch

    marked, known = judged(data.cells)
    asked = np.concatenate([sampled(np.flatnonzero(known & part)) for part in (held, ~held)])
    found = pooled(detector, data.pictures, asked)
    layer = detector.picture
    trained = layer.weight.detach().numpy()[0].astype(np.float64), float(layer.bias.detach()[0])
    weight, bias, summary = chosen(trained, found, marked[asked], held[asked])
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(weight[None].astype(np.float32)))
        layer.bias.copy_(torch.tensor([bias], dtype=torch.float32))
    return summary


def sampled(numbers: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """At most `MOST` of them, at random."""
    return np.sort(np.random.default_rng(0).permutation(numbers)[:MOST])


def pooled(detector: Any, pictures: Pictures, numbers: npt.NDArray[np.intp]) -> Floats:
    """What a picture's logit is read from, float64 [n, 288]."""
    import torch

    found = []
    with torch.no_grad():
        for start in range(0, len(numbers), BATCH):
            x = torch.from_numpy(to_input(pictures[numbers[start : start + BATCH]]))
            found.append(detector.pooled(x)[0].numpy())
    return np.concatenate(found).astype(np.float64)


def chosen(
    trained: tuple[Floats, float], features: Floats, marked: Truths, held: Truths
) -> tuple[Floats, float, str]:
    """The layer that tells the held ones best apart, with its bias moved, and what it gives on them."""
    from sklearn.metrics import roc_auc_score

    layers = {"as trained": trained} | fitted(features[~held], marked[~held])
    truth = marked[held]
    logits = {name: features[held] @ weight + bias for name, (weight, bias) in layers.items()}
    areas = {name: float(roc_auc_score(truth, one)) for name, one in logits.items()}
    best = max(areas, key=lambda name: areas[name])
    shift = float(np.quantile(logits[best][~truth], 1 - ALARMS))
    missed = float((logits[best][truth] <= shift).mean())
    weight, bias = layers[best]
    summary = (
        f"{len(truth)} pictures never trained on: AUC {areas[best]:.4f}, last layer {best}, "
        f"{missed:.1%} missed at {ALARMS:.0%} false alarms"
    )
    return weight, bias - shift, summary


def fitted(features: Floats, marked: Truths) -> dict[str, tuple[Floats, float]]:
    """Weights and bias of logistic regressions, by their strength."""
    from sklearn.linear_model import LogisticRegression

    centre, scale = features.mean(0), features.std(0) + 1e-6
    scaled, found = (features - centre) / scale, {}
    for strength in STRENGTHS:
        model = LogisticRegression(C=strength, max_iter=400).fit(scaled, marked)
        weight = model.coef_[0] / scale
        found[f"C={strength}"] = weight, float(model.intercept_[0] - weight @ centre)
    return found
