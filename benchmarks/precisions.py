"""Do int8 and fp16 decide as fp32 does where it is hardest: with thresholds that half of the pictures reach?

    python -m benchmarks.precisions shared/data
    python -m benchmarks.precisions shared/data --encoder clip --precisions int8,fp16

Tastes are fitted by fp32 on one kind of the pictures each, and on random halves; each judges all others, by a threshold
at their median. Prints Markdown. The default encoder has random weights; with a real one the figures are worth more.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from flows.liked import distinct, image_files
from models.calibration import At
from models.decode import open_rgb
from models.fitting import fit_taste
from models.inference import infer
from models.precision import Precision, make, precision_path
from models.preprocess import resize, shortest_side
from models.registry import ModelRow, encoder_row, resolve_weights
from models.session import Session
from models.taste import Taste

NATURAL = ("coast", "forest", "mountain", "opencountry")
HALVES = 4
_BATCH = 8
Vectors = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


def embedded(files: list[Path], row: ModelRow, precision: Precision) -> Vectors:
    """Embed pictures in a precision, [n, d], as an encoder gives them."""
    path = resolve_weights(row)
    if precision is not Precision.FP32:
        path = precision_path(row, precision)
        path = path if path.is_file() else make(row, precision)
    session = Session(path, row, threads=1)
    batches = [
        np.stack([resize(open_rgb(file.read_bytes(), shortest=shortest_side(row)), row) for file in some])
        for some in (files[start : start + _BATCH] for start in range(0, len(files), _BATCH))
    ]
    found = np.concatenate([infer(session, batch, _BATCH) for batch in batches])
    return found / np.linalg.norm(found, axis=1, keepdims=True) if row.normalise else found


def liked(files: list[Path]) -> Iterator[tuple[str, Mask]]:
    """Give what each taste is fitted on."""
    kinds = np.array([path.parent.name for path in files])
    natural = np.isin(kinds, NATURAL)
    yield "natural scenes", natural
    yield "streets, rooms, buildings", ~natural & ~np.isin(kinds, ("photos", "objects"))
    yield "objects and animals", kinds == "objects"
    yield "photographs", kinds == "photos"
    for seed in range(HALVES):
        yield f"any half, {seed}", np.random.default_rng(seed).permutation(len(files)) % 2 == 0


def middle(plain: Vectors, chosen: Mask) -> Taste:
    """Fit a taste to the chosen vectors, with a threshold that half of the others reach."""
    taste = fit_taste(plain[chosen], encoder="measured", encoder_fingerprint="0" * 64)
    return taste.at(At(float(np.median(taste.score(plain[~chosen])))))


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--encoder", default="vit-b32-random")
    parser.add_argument("--precisions", default="int8")
    parser.add_argument("--every", type=int, default=1, help="take every nth picture")
    asked = parser.parse_args()
    row, files = (
        encoder_row(asked.encoder),
        list(distinct(image_files([asked.data])).values())[:: asked.every],
    )
    plain = embedded(files, row, Precision.FP32)
    tastes = {name: (middle(plain, chosen), chosen) for name, chosen in liked(files)}
    print(
        "| precision | liked | judged | accepted | decided alike | score moves by, median | 99 % | spread |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for precision in map(Precision, asked.precisions.split(",")):
        found = embedded(files, row, precision)
        alike = []
        for name, (taste, chosen) in tastes.items():
            before, after = taste.score(plain[~chosen]), taste.score(found[~chosen])
            same = taste.accepts(before) == taste.accepts(after)
            alike.append(same)
            moved = np.abs(after - before)
            cells = (
                f"{len(same)} | {taste.accepts(before).sum()} | {same.mean():.2%} | {np.median(moved):.2f}"
            )
            far = f"{np.quantile(moved, 0.99):.2f} | {before.std():.1f}"
            print(f"| {precision} | {name} | {cells} | {far} |", flush=True)
        whole = np.concatenate(alike)
        print(f"| {precision} | all | {len(whole)} | | **{whole.mean():.2%}** | | | |", flush=True)


if __name__ == "__main__":
    main()
