"""How well a taste tells liked scenes from others, by encoder and setting: mean ROC AUC over five 75/25 splits.

``python -m benchmarks.tastes shared/data``; ``--only gist-grey`` for one encoder. It has scenes/ (natural scenes are
liked, every other one is a negative), objects/ and photos/ with labels.csv. In minutes on one core.
``--detectors ECOD,KNN`` compares the taste with PyOD's instead (``pip install 'goldpan[pyod]'``), on the same splits.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt
import typer

from actors.encoder import Encoder
from flows.liked import Tally, embed, image_files
from models.density import Shared, Sizes
from models.detectors import area, detector_kind, fit_detector
from models.fitting import Recipe, fit_taste
from models.taste import as_stored

NATURAL = ("coast", "forest", "mountain", "opencountry")
SPLITS = 5
Vectors = npt.NDArray[np.float64]
Scorer = Callable[[Vectors], npt.NDArray[Any]]
Fit = Callable[[Vectors, int], tuple[Scorer, str]]


@dataclass(frozen=True)
class Pictures:
    """Embeddings [n, d] of the sets that are compared."""

    natural: Vectors
    other: Vectors
    objects: Vectors
    scenery: Vectors
    no_scenery: Vectors


def main(data: Path, only: str | None = None, detectors: str | None = None) -> None:
    """Print the table."""
    compared = [(name, _detector(name), None) for name in detectors.split(",")] if detectors else []
    print("| encoder | setting | AUC, other scenes | AUC, objects | of photographs | components | fit |")
    print("|---|---|---|---|---|---|---|")
    for encoder in [only] if only else ["gist", "gist-grey"]:
        pictures = load(data, encoder)
        for name, fit, most in [next(settings()), *compared] if compared else settings():
            print(f"| {encoder} | {name} | {row(pictures, fit, most)} |", flush=True)


def load(data: Path, encoder: str) -> Pictures:
    """Embed every set."""
    scenes = image_files([data / "scenes"])
    runner = Encoder(encoder, 1, "cpu")

    def embedded(files: list[Path]) -> Vectors:
        return as_stored(np.concatenate(list(embed(files, runner, 1, Tally()))))

    with (data / "photos" / "labels.csv").open() as file:
        labels = list(csv.DictReader(file))
    photos = [[data / "photos" / row["file"] for row in labels if row["scenery"] == kind] for kind in "10"]
    return Pictures(
        natural=embedded([path for path in scenes if path.parent.name in NATURAL]),
        other=embedded([path for path in scenes if path.parent.name not in NATURAL]),
        objects=embedded(image_files([data / "objects"])),
        scenery=embedded(photos[0]),
        no_scenery=embedded(photos[1]),
    )


def settings() -> Iterator[tuple[str, Fit, int | None]]:
    """Give each setting's name, what fits it with a seed, and how many images it gets at most."""
    yield "chosen by held-out likelihood", _taste(None, "shared"), None
    yield "the same, 100 liked images", _taste(None, "shared"), 100
    yield "the same, 30 liked images", _taste(None, "shared"), 30
    yield "1 component", _taste(1, "shared"), None
    yield "16 components", _taste(16, "shared"), None
    for projection in (16, 64):
        yield f"1 component, {projection} axes, 0.1 shrinkage", _fixed(projection, 0.1), None
    yield "1 component, all axes, 0.7 shrinkage", _fixed(10**6, 0.7), None
    yield "16 components, full (the ancestors' setting)", _taste(16, "full"), None
    yield "16 components, diagonal", _taste(16, "diag"), None


def _taste(components: int | None, covariance: Any) -> Fit:
    def fit(x: Vectors, seed: int) -> tuple[Scorer, str]:
        recipe = Recipe(components, covariance, seed)
        taste = fit_taste(x, encoder="gist", encoder_fingerprint="0" * 64, recipe=recipe)
        return taste.score, str(taste.fitted["components"])

    return fit


def _fixed(projection: int, shrinkage: float) -> Fit:
    def fit(x: Vectors, seed: int) -> tuple[Scorer, str]:
        fitted = Shared(x, 1, seed)
        size = Sizes(1, min(projection, fitted.sizes()[-1].projection), shrinkage)
        return fitted.density(size).score, "1"

    return fit


def _detector(name: str) -> Fit:
    detector_kind(name)  # before anything is embedded
    return lambda x, seed: (fit_detector(name, x, seed), "")


def row(pictures: Pictures, fit: Fit, most: int | None) -> str:
    """Measure one setting; photographs are scored by each split's fit on scenes."""
    areas: dict[str, list[float]] = {"other": [], "objects": [], "photos": []}
    components, took = [], []
    for seed in range(SPLITS):
        order = np.random.default_rng(seed).permutation(len(pictures.natural))
        cut = len(order) * 3 // 4
        started = perf_counter()
        score, found = fit(pictures.natural[order[:cut]][:most], seed)
        took.append(perf_counter() - started)
        components.append(found)
        held_out = score(pictures.natural[order[cut:]])
        areas["other"].append(area(held_out, score(pictures.other)))
        areas["objects"].append(area(held_out, score(pictures.objects)))
        areas["photos"].append(area(score(pictures.scenery), score(pictures.no_scenery)))
    told = [f"{np.mean(values):.3f} ± {np.std(values):.3f}" for values in areas.values()]
    told.append("/".join(sorted(set(components), key=lambda found: (len(found), found))))
    return f"{' | '.join(told)} | {np.median(took):.1f} s"


if __name__ == "__main__":
    typer.run(main)
