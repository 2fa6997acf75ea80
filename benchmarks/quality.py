"""The quality measures on photographs, as they are and made worse: how well each tells them apart, and its cost.

    python -m benchmarks.quality shared/data/photos --figure docs/quality.png

Prints Markdown; CPU time is this process's own, so that other work on the machine does not count.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.degraded import DEGRADATIONS, jpeg, photograph
from models import decode
from models.quality import Measures, QualityGates, glance, study

REAL = "as they are"
# What a gate may cost: one photograph in a hundred that it should have kept.
KEPT = 0.99
_LIMITS = {name.partition("_")[2]: name for name in QualityGates.model_fields if "_" in name}
Values = dict[str, list[Measures]]


def measured(data: bytes, seconds: dict[str, list[float]]) -> Measures:
    """Measure as the judge does, with each part's CPU seconds."""
    started = time.process_time()
    image = decode.open_rgb(data, shortest=256)
    decoded = time.process_time()
    measures = glance(image)
    glanced = time.process_time()
    luma = decode.open_luma(data)
    opened = time.process_time()
    measures |= study(luma)
    ends = (decoded, glanced, opened, time.process_time())
    parts = ("decode for the encoder", "glance", "decode the luma", "study")
    for part, begin, end in zip(parts, (started, *ends), ends, strict=False):
        seconds[part].append(end - begin)
    return measures


def collect(photos: list[Path]) -> tuple[Values, dict[str, list[float]]]:
    """Measure every photograph, as it is and in every degradation."""
    values: Values = defaultdict(list)
    seconds: dict[str, list[float]] = defaultdict(list)
    for path in photos:
        values[REAL].append(measured(path.read_bytes(), defaultdict(list)))
        image = photograph(path)
        for name, (_, degrade) in DEGRADATIONS.items():
            values[name].append(measured(jpeg(degrade(image)), seconds))
    return values, seconds


def column(values: Values, kind: str, measure: str) -> npt.NDArray[np.float64]:
    """Give one measure of one kind of picture."""
    return np.array([measures[measure] for measures in values[kind]])


def table(values: Values) -> str:
    """Compare each degradation with the photographs, by the measure that should tell it."""
    lines = [
        "| measure | pictures | 5 % | median | 95 % | AUC | limit that keeps 99 % of the photographs | ends of these |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for measure in dict.fromkeys(measure for measure, _ in DEGRADATIONS.values()):
        real = column(values, REAL, measure)
        lines.append(f"| `{measure}` | {REAL} | {_quantiles(real)} | | | |")
        for kind, (by, _) in DEGRADATIONS.items():
            if by == measure:
                lines.append(f"| | {kind} | {_told(real, column(values, kind, measure), measure)} |")
    return "\n".join(lines)


def _quantiles(found: npt.NDArray[np.float64]) -> str:
    return " | ".join(f"{value:.3g}" for value in np.quantile(found, (0.05, 0.5, 0.95)))


def _told(real: npt.NDArray[np.float64], worse: npt.NDArray[np.float64], measure: str) -> str:
    limit = _LIMITS[measure]
    sign = -1 if limit.startswith("min") else 1
    higher = (sign * worse[:, None] > sign * real[None]).mean()
    auc = higher + (worse[:, None] == real[None]).mean() / 2
    bound = np.quantile(sign * real, KEPT)
    ended = (sign * worse > bound).mean()
    return f"{_quantiles(worse)} | {auc:.2f} | `{limit}` {sign * bound:.2g} | {ended:.0%}"


def draw(values: Values, path: Path) -> None:
    """Draw every measure, the photographs above what was made of them."""
    from matplotlib.figure import Figure

    measures = dict.fromkeys(measure for measure, _ in DEGRADATIONS.values())
    figure = Figure(figsize=(11, 8), layout="constrained")
    for axes, measure in zip(figure.subplots(4, 2).flat, measures, strict=True):
        kinds = [REAL, *(kind for kind, (by, _) in DEGRADATIONS.items() if by == measure)]
        for place, kind in enumerate(reversed(kinds)):
            found = column(values, kind, measure)
            axes.scatter(found, np.full(len(found), place), s=9, alpha=0.4, color=f"C{int(kind != REAL)}")
        axes.set_yticks(range(len(kinds)), list(reversed(kinds)))
        axes.set_title(measure, loc="left")
        axes.margins(y=0.4)
    figure.savefig(path, dpi=72)


def main() -> None:
    """Measure, print, and draw where a figure is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--figure", type=Path)
    parser.add_argument("--every", type=int, default=1, help="take every nth photograph")
    arguments = parser.parse_args()
    photos = sorted(arguments.photos.glob("*.jpg"))[:: arguments.every]
    values, seconds = collect(photos)
    print(table(values))
    for part, spent in seconds.items():
        print(f"{part}: {np.median(spent) * 1e3:.1f} ms of CPU at about 2 megapixels")
    if arguments.figure:
        draw(values, arguments.figure)


if __name__ == "__main__":
    main()
