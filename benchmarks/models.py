"""How fast the models are: decoding, scoring, sessions and watermark detectors, each beside what it replaces.

    python -m benchmarks.models                            all of it
    python -m benchmarks.models --only scoring,decoding    of sessions, scoring, decoding, watermarks
    python -m benchmarks.models --quick                    one round

Prints the tables of docs/models.md. Each figure is the best of its rounds, and the arms that a ratio compares take
turns. Ratios are of CPU seconds, this process's own, so that other work on the machine does not count; sessions have
the clock's too.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "models":
    # Run by its path, a script's own folder is where Python looks first: this file in place of the room.
    sys.exit(f"run a benchmark as a module, from the checkout: python -m benchmarks.{Path(sys.argv[0]).stem}")

import argparse
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from benchmarks import watermarks
from benchmarks.image_server import picture
from models.decode import open_rgb
from models.density import Density
from models.mixture import GaussianMixture
from models.precision import Precision, make, precision_path
from models.preprocess import resize, shortest_side, to_input
from models.registry import ModelRow, ResizeRule, encoder_row, resolve_weights, watermark_row
from models.session import Session

BATCHES, THREADS = (1, 8, 32), (1, 2)
SCORED = (1, 8, 32, 256)
MIXTURES = ((1, 128, "tied"), (16, 128, "tied"), (16, 64, "full"), (16, 128, "full"), (16, 512, "full"))
DRAWN = 2000
KEPT = 0.95  # of vectors like the liked ones, by the threshold
SIZES = ((1224, 816), (2448, 1632), (4240, 2832))  # 1, 4 and 12 megapixels, at 3:2 as cameras have it
ROUNDS = 3
_FULL = 1 << 20
_PLAIN = {ResizeRule.STRETCH_QUICK: ResizeRule.STRETCH_BICUBIC}
Work = Callable[[], object]
Floats = npt.NDArray[np.float64]
Scorer = Callable[[npt.NDArray[np.float32]], Floats]


def best(arms: dict[str, Work], rounds: int) -> dict[str, tuple[float, float]]:
    """Run each arm once for nothing, then in turns; gives its least wall and CPU seconds."""
    for work in arms.values():
        work()
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in arms}
    for _ in range(rounds):
        for name, work in arms.items():
            wall, cpu = time.perf_counter(), time.process_time()
            work()
            took[name].append((time.perf_counter() - wall, time.process_time() - cpu))
    return {
        name: (min(wall for wall, _ in all_of), min(cpu for _, cpu in all_of))
        for name, all_of in took.items()
    }


def sessions(rounds: int) -> Iterator[str]:
    """Time every session; encoders in int8 too, beside fp32 at as many threads."""
    heads = " | ".join(f"batch {size}" for size in BATCHES)
    yield f"| session | precision | threads | {heads} | int8 to fp32 |\n|---|---|---|---|---|---|---|"
    vit, gist = encoder_row("vit-b32-random"), encoder_row("gist")
    plain: dict[tuple[str, int], float] = {}
    for row, precision in (
        (gist, Precision.FP32),
        (gist, Precision.INT8),
        (watermark_row("watermark"), Precision.FP32),
        (vit, Precision.FP32),
        (vit, Precision.INT8),
    ):
        made = resolve_weights(row) if precision is Precision.FP32 else _made(row, precision)
        for threads in THREADS:
            found = best(_batches(Session(made, row, threads=threads)), rounds)
            rates = [(size / found[str(size)][0], size / found[str(size)][1]) for size in BATCHES]
            by_cpu = rates[-1][1]
            before = plain.setdefault((row.name, threads), by_cpu)
            ratio = "" if precision is Precision.FP32 else f"{by_cpu / before:.1f}"
            cells = " | ".join(f"{wall:.1f} ({cpu:.1f})" for wall, cpu in rates)
            yield f"| `{row.name}` | {precision} | {threads} | {cells} | {ratio} |"


def _made(row: ModelRow, precision: Precision) -> Path:
    path = precision_path(row, precision)
    return path if path.is_file() else make(row, precision)


def _batches(session: Session) -> dict[str, Work]:
    return {str(size): _run(session, noise(session.row, size)) for size in BATCHES}


def _run(session: Session, batch: npt.NDArray[np.float32]) -> Work:
    return lambda: session.run(batch)


def noise(row: ModelRow, size: int) -> npt.NDArray[np.float32]:
    """Give a batch of noise as a row's session takes it."""
    pixels = np.random.default_rng(0).integers(0, 256, (size, row.size, row.size, 3), np.uint8)
    return to_input(pixels, row)


def scoring(rounds: int) -> Iterator[str]:
    """Score float32 vectors like the liked ones by a taste's density and by scikit-learn's mixture of the same arrays.

    Both on one thread, as a run's scorer has it; then whether they decide alike.
    """
    yield "| mixture | batch | goldpan, µs of CPU a vector | scikit-learn | ratio |\n|---|---|---|---|---|"
    told = []
    for components, numbers, kind in MIXTURES:
        ours, theirs, drawn, threshold = mixtures(components, numbers, kind)
        with threadpool_limits(1):
            for size in SCORED:
                found = best(
                    {"ours": _score(ours, drawn[:size]), "theirs": _score(theirs, drawn[:size])}, 30 * rounds
                )
                mine, other = (found[arm][1] / size * 1e6 for arm in ("ours", "theirs"))
                ratio = f"{mine:.1f} | {other:.1f} | {other / mine:.1f}"
                yield f"| {components} × {numbers}, {kind} | {size} | {ratio} |"
            one, other_scores = ours(drawn), theirs(drawn)
        same = ((one >= threshold) == (other_scores >= threshold)).mean()
        apart = np.abs(one - other_scores).max()
        told.append(f"{components} × {numbers}, {kind}: {same:.2%} of decisions the same, {apart:.0e} apart")
    yield f"\n{len(drawn)} vectors; " + "; ".join(told)


def _score(score: Scorer, x: npt.NDArray[np.float32]) -> Work:
    return lambda: score(x)


def mixtures(
    components: int, numbers: int, kind: str
) -> tuple[Scorer, Scorer, npt.NDArray[np.float32], float]:
    """Make the same mixture for both, of random means and Choleskys, vectors of it, and a threshold in their midst.

    Tied as a taste has it, projected first.
    """
    from sklearn.mixture import GaussianMixture as Estimator

    random = np.random.default_rng(0)
    weights = np.full(components, 1 / components)
    means = random.normal(size=(components, numbers))
    choleskys = np.triu(random.normal(size=(components, numbers, numbers)) / numbers) + np.eye(numbers)
    if kind == "tied":
        choleskys[:] = choleskys[0]
    estimator = Estimator(components, covariance_type=kind)
    estimator.weights_, estimator.means_, estimator.covariances_ = weights, means, choleskys
    estimator.precisions_cholesky_ = choleskys[0] if kind == "tied" else choleskys
    of_each = random.normal(size=(components, DRAWN // components, numbers))
    pairs = zip(means, choleskys, of_each, strict=True)
    vectors = np.concatenate([mean + np.linalg.solve(cholesky.T, z.T).T for mean, cholesky, z in pairs])
    drawn = random.permutation(vectors).astype(np.float32)
    density = _density(weights, means, choleskys, kind)
    threshold = float(np.quantile(density.score(drawn.astype(np.float64)), 1 - KEPT))
    return lambda x: density.score(x.astype(np.float64), threshold), estimator.score_samples, drawn, threshold


def _density(weights: Floats, means: Floats, choleskys: Floats, kind: str) -> Density:
    zero = np.zeros(means.shape[1])
    if kind == "full":
        return Density(
            zero, np.eye(len(zero)), 0.0, GaussianMixture(weights.copy(), means.copy(), choleskys.copy())
        )
    turned = means @ choleskys[0]
    log_jacobian = float(np.log(np.diagonal(choleskys[0])).sum())
    return Density(
        zero, choleskys[0], log_jacobian, GaussianMixture(weights.copy(), turned, np.ones_like(turned))
    )


def decoding(rounds: int) -> Iterator[str]:
    """Decode JPEGs to an encoder's square, as goldpan does and by Pillow's full decode and its resize in one step.

    Where the row's own resize is goldpan's and not a reference's, the full decode with that one is a third figure.
    """
    yield (
        "| rule | megapixels | goldpan, ms of CPU | full decode and resize | ratio | full decode, the rule's resize |"
    )
    yield "|---" * 6 + "|"
    for name in ("gist", "clip", "clip-vit-b32", "siglip-b16"):
        row = encoder_row(name)
        plain = _PLAIN.get(row.resize, row.resize)
        for width, height in SIZES:
            data = picture(0, (width, height))
            arms: dict[str, Work] = {
                "ours": _decode(data, row, shortest_side(row)),
                "full": _decode(data, replace(row, resize=plain), _FULL),
                "rule": _decode(data, row, _FULL),
            }
            found = best(arms, rounds)
            mine, other, rule = (found[arm][1] * 1e3 for arm in arms)
            times = f"{mine:.1f} | {other:.1f} | {other / mine:.1f} | {f'{rule:.1f}' if plain != row.resize else ''}"
            yield f"| `{row.resize}` (`{name}`) | {width * height / 1e6:.0f} | {times} |"


def _decode(data: bytes, row: ModelRow, shortest: int) -> Work:
    return lambda: resize(open_rgb(data, shortest=shortest), row)


PARTS: dict[str, Callable[[int], Iterator[str]]] = {
    "sessions": sessions,
    "decoding": decoding,
    "scoring": scoring,
    "watermarks": watermarks.table,
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", default=",".join(PARTS), help="parts, with commas between")
    parser.add_argument("--quick", action="store_true", help="one round")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    asked = parser.parse_args()
    parts = asked.only.split(",")
    if unknown := set(parts) - set(PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    print(f"load when it began {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores")
    for name in parts:
        print(f"\n{name}\n", flush=True)
        for line in PARTS[name](1 if asked.quick else asked.rounds):
            print(line, flush=True)
    print(f"\nload when it ended {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
