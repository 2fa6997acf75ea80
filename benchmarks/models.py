"""How fast the models are: sessions by batch, threads and precision; scoring and decoding against what they replace.

    python -m benchmarks.model_speed
    python -m benchmarks.model_speed --rounds 5

Prints Markdown. Each figure is the best of its rounds, and the arms that a ratio compares take turns. CPU seconds are
this process's own, so that other work on the machine does not count; wall seconds are what a run sees. Not named after
its room, models: a script's own folder is where Python looks first.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from benchmarks.image_server import picture
from models.decode import open_rgb
from models.mixture import GaussianMixture
from models.precision import Precision, make, precision_path
from models.preprocess import resize, shortest_side, to_input
from models.registry import ModelRow, encoder_row, resolve_weights, watermark_row
from models.session import Session

BATCHES, THREADS = (1, 8, 32), (1, 2)
SIZES = ((1224, 816), (2448, 1632), (4240, 2832))  # 1, 4 and 12 megapixels, at 3:2 as cameras have it
_FULL = 1 << 20
Work = Callable[[], object]


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


def sessions(rounds: int) -> None:
    """Time every session; of ViT-B/32, which costs what CLIP does, in int8 too."""
    print("| session | precision | threads | " + " | ".join(f"batch {size}" for size in BATCHES) + " |")
    print("|---|---|---|---|---|---|")
    vit = encoder_row("vit-b32-random")
    for row, precision in (
        (encoder_row("gist"), Precision.FP32),
        (watermark_row("watermark"), Precision.FP32),
        (vit, Precision.FP32),
        (vit, Precision.INT8),
    ):
        made = precision_path(row, precision)
        if precision is Precision.FP32:
            made = resolve_weights(row)
        elif not made.is_file():
            make(row, precision)
        for threads in THREADS:
            found = best(_batches(Session(made, row, threads=threads)), rounds)
            cells = [
                f"{size / found[str(size)][0]:.1f} ({size / found[str(size)][1]:.1f})" for size in BATCHES
            ]
            print(f"| `{row.name}` | {precision} | {threads} | " + " | ".join(cells) + " |", flush=True)


def _batches(session: Session) -> dict[str, Work]:
    return {str(size): _run(session, noise(session.row, size)) for size in BATCHES}


def _run(session: Session, batch: npt.NDArray[np.float32]) -> Work:
    return lambda: session.run(batch)


def noise(row: ModelRow, size: int) -> npt.NDArray[np.float32]:
    """Give a batch of noise as a row's session takes it."""
    pixels = np.random.default_rng(0).integers(0, 256, (size, row.size, row.size, 3), np.uint8)
    return to_input(pixels, row)


def scoring(rounds: int) -> None:
    """Score vectors by goldpan's mixture and by scikit-learn's, of the same arrays."""
    print("| mixture | batch | goldpan, µs a vector | scikit-learn | ratio |")
    print("|---|---|---|---|---|")
    for components, numbers, kind in (
        (1, 128, "tied"),
        (16, 128, "tied"),
        (16, 128, "full"),
        (16, 512, "full"),
    ):
        ours, theirs = mixtures(components, numbers, kind)
        for size in (1, 32, 256):
            x = np.random.default_rng(1).normal(size=(size, numbers))
            arms: dict[str, Work] = {"ours": _score(ours, x), "theirs": _score(theirs, x)}
            found = best(arms, 30 * rounds)
            mine, other = found["ours"][0] / size * 1e6, found["theirs"][0] / size * 1e6
            print(
                f"| {components} × {numbers}, {kind} | {size} | {mine:.1f} | {other:.1f} | {other / mine:.1f} |"
            )


def _score(score: Callable[[npt.NDArray[np.float64]], object], x: npt.NDArray[np.float64]) -> Work:
    return lambda: score(x)


Scorer = Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]


def mixtures(components: int, numbers: int, kind: str) -> tuple[Scorer, Scorer]:
    """Make the same mixture for both: random means and Choleskys; tied as a taste has it, projected first."""
    from sklearn.mixture import GaussianMixture as Estimator

    random = np.random.default_rng(0)
    weights = np.full(components, 1 / components)
    means = random.normal(size=(components, numbers))
    choleskys = np.triu(random.normal(size=(components, numbers, numbers)) / numbers) + np.eye(numbers)
    estimator = Estimator(components, covariance_type=kind)
    estimator.weights_, estimator.means_ = weights, means
    estimator.precisions_cholesky_ = choleskys[0] if kind == "tied" else choleskys
    estimator.covariances_ = choleskys
    if kind == "tied":
        ours = _projected(weights, means, choleskys[0])
    else:
        ours = GaussianMixture(weights.copy(), means.copy(), choleskys.copy()).log_likelihood
    x = random.normal(size=(8, numbers))
    np.testing.assert_allclose(ours(x), estimator.score_samples(x), rtol=1e-9)
    return ours, estimator.score_samples


def _projected(
    weights: npt.NDArray[np.float64], means: npt.NDArray[np.float64], cholesky: npt.NDArray[np.float64]
) -> Scorer:
    turned = means @ cholesky
    mixture = GaussianMixture(weights.copy(), turned, np.ones_like(turned))
    log_jacobian = np.log(np.diagonal(cholesky)).sum()
    return lambda x: mixture.log_likelihood(x @ cholesky) + log_jacobian


def decoding(rounds: int) -> None:
    """Decode JPEGs to an encoder's square, as goldpan does and by Pillow's full decode and the same resize."""
    print("| encoder | megapixels | goldpan, ms | of CPU | full decode, ms | of CPU | ratio | of CPU |")
    print("|---|---|---|---|---|---|---|---|")
    for name in ("gist", "clip", "clip-vit-b32"):
        row = encoder_row(name)
        for width, height in SIZES:
            data = picture(0, (width, height))
            arms: dict[str, Work] = {
                "ours": _decode(data, row, shortest_side(row)),
                "full": _decode(data, row, _FULL),
            }
            found = best(arms, rounds)
            cells = [f"{seconds * 1e3:.1f}" for arm in ("ours", "full") for seconds in found[arm]]
            cells += [f"{found['full'][clock] / found['ours'][clock]:.1f}" for clock in (0, 1)]
            print(
                f"| `{name}` | {width * height / 1e6:.0f} | " + " | ".join(cells) + " |",
                flush=True,
            )


def _decode(data: bytes, row: ModelRow, shortest: int) -> Work:
    return lambda: resize(open_rgb(data, shortest=shortest), row)


def main() -> None:
    """Measure and print all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    print(f"load when it began {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores\n")
    for part in (decoding, scoring, sessions):
        part(rounds)
        print()
    print(f"load when it ended {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
