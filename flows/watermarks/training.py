"""How the built-in detector is trained: pairs of crops, then of whole pictures; the mean of its late weights."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from flows.demo.paint.noise import Random
from flows.watermarks.examples import CELL, TOUCHED, UNKNOWN, Cells, Examples
from flows.watermarks.network import network, start_from
from models.watermark import SIZE

AROUND_A_MARK = 0.7  # share of crops that are chosen to show a part of the mark
LEAST_CELLS = 2  # a single touched cell at a crop's edge is no evidence for or against
TOLD = 50  # steps a line of the curves
KEPT = 0.99  # of the mean weights at each step


@dataclass(frozen=True)
class Recipe:
    """Everything a training run depends on, beside the photographs, the fonts and the weights it starts from.

    `phases` are (side of the crops in pixels, pictures in a batch, steps, highest rate).
    """

    rounds: int = 7
    pairs: int = 2
    phases: tuple[tuple[int, int, int, float], ...] = ((192, 32, 6000, 1e-3), (384, 8, 800, 3e-4))
    seed: int = 1


@dataclass(frozen=True)
class Progress:
    """One line of the training curves: the losses of the last steps, averaged."""

    phase: str
    step: int
    picture: float
    cells: float
    accuracy: float
    seconds: float


def train(
    recipe: Recipe, data: Examples, threads: int, start: Path | None = None, device: str = "cpu"
) -> tuple[Any, list[Progress]]:
    """The trained detector, in evaluation mode, and its curves."""
    import torch

    torch.set_num_threads(threads)
    torch.manual_seed(recipe.seed)
    detector = network()
    if start is not None:
        start_from(detector, start)
    detector = detector.to(device, memory_format=torch.channels_last)
    mean = torch.optim.swa_utils.AveragedModel(
        detector, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(KEPT)
    )
    curves: list[Progress] = []
    for number, (side, batch, steps, peak) in enumerate(recipe.phases):
        optimiser = torch.optim.AdamW(detector.parameters(), peak, weight_decay=1e-2)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, peak, total_steps=steps + 1, pct_start=0.1)
        batches = drawn_batches((recipe.seed, number), data, side, batch, steps)
        curves += _run(f"{number} at {side}", detector, mean, optimiser, schedule, batches)
        # A phase begins where the mean of the one before is.
        detector.load_state_dict(mean.module.state_dict())
    return mean.module.eval().cpu(), curves


def _run(
    phase: str, detector: Any, mean: Any, optimiser: Any, schedule: Any, batches: Iterator[tuple[Any, Any]]
) -> list[Progress]:
    """One pass over a stream of batches; tells the losses every fifty steps."""
    import torch

    device = next(detector.parameters()).device
    detector.train()
    began, sums, curves = time.monotonic(), np.zeros(4), []
    for step, (inputs, cells) in enumerate(batches, 1):
        x = torch.from_numpy(inputs).to(device, memory_format=torch.channels_last)
        of_picture, of_cells, right, judged = losses(detector, x, torch.from_numpy(cells).to(device))
        optimiser.zero_grad()
        (of_picture + 2 * of_cells).backward()
        torch.nn.utils.clip_grad_norm_(detector.parameters(), 5.0)
        optimiser.step()
        schedule.step()
        mean.update_parameters(detector)
        sums += float(of_picture.detach()), float(of_cells.detach()), right, judged
        if step % TOLD == 0:
            line = Progress(
                phase,
                step,
                float(sums[0] / TOLD),
                float(sums[1] / TOLD),
                float(sums[2] / sums[3]),
                time.monotonic() - began,
            )
            print(line, flush=True)
            curves.append(line)
            sums[:] = 0
    return curves


def losses(detector: Any, x: Any, cells: Any) -> tuple[Any, Any, int, int]:
    """The mean losses of pictures and of cells, and how many pictures were judged rightly of how many.

    What a mark changes too little to be seen counts neither way.
    """
    from torch.nn.functional import binary_cross_entropy_with_logits as loss_of

    touched, unknown = (cells == TOUCHED).float(), (cells == UNKNOWN).float()
    count = touched.sum((1, 2))
    truth = (count >= LEAST_CELLS).float()
    known = ((count >= LEAST_CELLS) | ((count == 0) & (unknown.sum((1, 2)) == 0))).float()
    logits, spots = detector(x)
    of_picture = (loss_of(logits[:, 0], truth, reduction="none") * known).sum() / known.sum().clamp(min=1)
    of_cells = (loss_of(spots[:, 0], touched, reduction="none") * (1 - unknown)).mean()
    right = (((logits[:, 0] > 0).float() == truth).float() * known).sum()
    return of_picture, of_cells, int(right), int(known.sum())


def drawn_batches(
    seed: tuple[int, int], data: Examples, side: int, batch: int, steps: int
) -> Iterator[tuple[npt.NDArray[np.float32], Cells]]:
    """Pairs of a clean and a marked picture, the same crop of `side` pixels of both: inputs and cells."""
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        windows = [_window(rng, data.cells, side) for _ in range(batch // 2)]
        chosen = [(i + twin, y, x) for i, y, x in windows for twin in (0, 1)]
        crops = np.stack([data.pictures[i, y * CELL :, x * CELL :][:side, :side] for i, y, x in chosen])
        span = side // CELL
        yield (
            _shifted(rng, crops),
            np.stack([data.cells[i, y : y + span, x : x + span] for i, y, x in chosen]),
        )


def _window(rng: Random, cells: Cells, side: int) -> tuple[int, int, int]:
    """A pair's first index (the clean one's), and the cell where a crop of both begins."""
    pair, room = 2 * int(rng.integers(len(cells) // 2)), (SIZE - side) // CELL
    corner = rng.integers(0, room + 1, 2)
    spots = np.argwhere(cells[pair + 1] == TOUCHED)
    if room and len(spots) and rng.random() < AROUND_A_MARK:
        corner = np.clip(spots[rng.integers(len(spots))] - rng.integers(0, side // CELL, 2), 0, room)
    return pair, int(corner[0]), int(corner[1])


def _shifted(rng: Random, crops: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Crops, uint8 [n, side, side, 3], as inputs of other contrast, brightness, tint and order of colours."""
    inputs = crops.transpose(0, 3, 1, 2).astype(np.float32) / 127.5 - 1
    # Both of a pair alike: what tells them apart is the mark.
    half = (len(crops) // 2, 1, 1, 1)
    gain = np.repeat(rng.uniform(0.7, 1.25, half), 2, 0) * np.repeat(
        rng.uniform(0.9, 1.1, (half[0], 3, 1, 1)), 2, 0
    )
    shift = np.repeat(rng.uniform(-0.2, 0.2, half), 2, 0)
    if rng.random() < 0.3:
        inputs = inputs[:, rng.permutation(3)]
    if rng.random() < 0.15:
        inputs = -inputs
    shifted: npt.NDArray[np.float32] = np.clip(inputs * gain + shift, -1, 1).astype(np.float32)
    return shifted
