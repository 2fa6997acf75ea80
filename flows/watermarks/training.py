"""How the built-in detector is trained: pairs of crops, then of whole pictures; the mean of its late weights.

The text detector's stages are kept at first: what they make of the examples is computed once, and only what is new
learns from it. A later phase moves the deeper ones too; the first ones stay as they are.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from flows.demo.paint.noise import Random
from flows.watermarks.examples import CELL, TOUCHED, UNKNOWN, Cells
from flows.watermarks.seen import GRAINS, Seen
from models.watermark import SIZE

AROUND_A_MARK = 0.7  # share of crops that are chosen to show a part of the mark
LEAST_CELLS = 2  # a single touched cell at a crop's edge is no evidence for or against
TOLD = 25  # steps a line of the curves
TESTED = 2  # batches that the curves' test loss is of
KEPT = 0.98  # of the mean weights at each step
SLOWER = 0.2  # the rate of the pretrained stages, of the new layers'
STEADY = 0.1  # share of a phase's steps in which its rate rises
PRETRAINED = ("first", "second", "third")
Batch = tuple[tuple[npt.NDArray[np.float32], ...], Cells]


@dataclass(frozen=True)
class Phase:
    """Crops of `side` pixels, `batch` pictures at a time; `deep` moves the pretrained stages after the first too."""

    side: int
    batch: int
    steps: int
    rate: float
    deep: bool = False


@dataclass(frozen=True)
class Recipe:
    """Everything a training run depends on, beside the photographs, the fonts and the weights it starts from."""

    rounds: int = 4
    pairs: int = 2
    phases: tuple[Phase, ...] = (
        Phase(256, 24, 730, 2e-3),
        Phase(256, 30, 565, 1e-3, deep=True),
        Phase(512, 10, 150, 4e-4, deep=True),
    )
    seed: int = 1


@dataclass(frozen=True)
class Progress:
    """One line of the training curves: losses of the last steps, averaged, and of crops that are never trained on."""

    phase: int
    step: int
    train: float
    test: float
    cells: float
    accuracy: float
    seconds: float


def train(
    recipe: Recipe, detector: Any, seen: Seen, cells: Cells, held: npt.NDArray[np.bool_], threads: int,
    device: str = "cpu",
) -> tuple[Any, list[Progress]]:  # fmt: skip
    """The trained detector, in evaluation mode, and its curves; what is `held` [pairs] is only tested on."""
    import torch

    torch.set_num_threads(threads)
    torch.manual_seed(recipe.seed)
    detector = detector.to(device)
    mean = torch.optim.swa_utils.AveragedModel(
        detector, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(KEPT)
    )
    mean.eval()  # it is only asked
    curves: list[Progress] = []
    pairs = np.arange(len(held))
    for number, phase in enumerate(recipe.phases):
        seed = (recipe.seed, number)
        tested = list(drawn_batches(seed, seen, cells, pairs[held], phase, TESTED)) if held.any() else []
        batches = drawn_batches(seed, seen, cells, pairs[~held], phase, phase.steps)
        curves += _run(number, phase, detector, mean, batches, tested)
        # A phase begins where the mean of the one before is.
        detector.load_state_dict(mean.module.state_dict())
    return mean.module.eval().cpu(), curves


def _optimiser(detector: Any, phase: Phase) -> tuple[Any, Any]:
    """AdamW and its schedule, over the layers that the phase moves."""
    import torch

    new: list[Any] = []
    old: list[Any] = []
    for name, parameter in detector.named_parameters():
        part = name.split(".")[0]
        parameter.requires_grad_(part not in PRETRAINED or (phase.deep and part != "first"))
        if parameter.requires_grad:
            (old if part in PRETRAINED else new).append(parameter)
    rates = [(new, phase.rate), (old, phase.rate * SLOWER)]
    groups = [{"params": parameters, "lr": rate} for parameters, rate in rates if parameters]
    optimiser = torch.optim.AdamW(groups, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, [group["lr"] for group in groups], total_steps=phase.steps + 1, pct_start=STEADY
    )
    return optimiser, schedule


def _run(
    number: int, phase: Phase, detector: Any, mean: Any, batches: Iterator[Batch], tested: Sequence[Batch]
) -> list[Progress]:
    """One pass over a stream of batches; tells the losses every few steps."""
    import torch

    detector.train()
    optimiser, schedule = _optimiser(detector, phase)
    began, sums, curves, since = time.monotonic(), np.zeros(4), [], 0
    for step, batch in enumerate(batches, 1):
        found = losses(detector, batch)
        optimiser.zero_grad()
        (found[0] + 2 * found[1]).backward()
        torch.nn.utils.clip_grad_norm_(detector.parameters(), 5.0)
        optimiser.step()
        schedule.step()
        mean.update_parameters(detector)
        sums += np.array([float(one) for one in (found[0].detach(), found[1].detach(), *found[2:])])
        since += 1
        if step % TOLD == 0 or step == phase.steps:
            line = Progress(
                number, step, float(sums[0] / since), tested_loss(mean.module, tested), float(sums[1] / since),
                float(sums[2] / max(1, sums[3])), time.monotonic() - began,
            )  # fmt: skip
            print(line, flush=True)
            curves.append(line)
            sums, since = np.zeros(4), 0
    return curves


def tested_loss(detector: Any, batches: Sequence[Batch]) -> float:
    """The mean loss of those batches' pictures; not a number where there are none."""
    import torch

    with torch.no_grad():
        found = [float(losses(detector, batch)[0]) for batch in batches]
    return float(np.mean(found)) if found else float("nan")


def losses(detector: Any, batch: Batch) -> tuple[Any, Any, int, int]:
    """The mean losses of pictures and of cells, and how many pictures were judged rightly of how many.

    What a mark changes too little to be seen counts neither way.
    """
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits as loss_of

    device = next(detector.parameters()).device
    stages, cells = (
        [torch.from_numpy(one).to(device) for one in batch[0]],
        torch.from_numpy(batch[1]).to(device),
    )
    if len(stages) == 1:
        stages += detector.deeper(stages[0])
    touched, unknown = (cells == TOUCHED).float(), (cells == UNKNOWN).float()
    count = touched.sum((1, 2))
    truth = (count >= LEAST_CELLS).float()
    known = ((count >= LEAST_CELLS) | ((count == 0) & (unknown.sum((1, 2)) == 0))).float()
    logits, spots = detector.judged(*stages)
    of_picture = (loss_of(logits[:, 0], truth, reduction="none") * known).sum() / known.sum().clamp(min=1)
    of_cells = (loss_of(spots[:, 0], touched, reduction="none") * (1 - unknown)).mean()
    right = (((logits[:, 0] > 0).float() == truth).float() * known).sum()
    return of_picture, of_cells, int(right), int(known.sum())


def drawn_batches(
    seed: tuple[int, int], seen: Seen, cells: Cells, pairs: npt.NDArray[np.intp], phase: Phase, steps: int
) -> Iterator[Batch]:
    """Pairs of a clean and a marked picture, the same crop of both: features (the fine alone if deep) and cells."""
    rng = np.random.default_rng(seed)
    span = phase.side // CELL
    kept = list(zip(seen.stages, GRAINS, strict=True))[: 1 if phase.deep else None]
    for _ in range(steps):
        windows = [_window(rng, cells, int(rng.choice(pairs)), span) for _ in range(phase.batch // 2)]
        chosen = [(i + twin, y, x) for i, y, x in windows for twin in (0, 1)]
        features = tuple(
            np.stack(
                [
                    _cut(stage[i], y * CELL // grain, x * CELL // grain, phase.side // grain)
                    for i, y, x in chosen
                ]
            ).astype(np.float32)
            for stage, grain in kept
        )
        yield features, np.stack([cells[i, y : y + span, x : x + span] for i, y, x in chosen])


def _cut(planes: npt.NDArray[np.float16], y: int, x: int, side: int) -> npt.NDArray[np.float16]:
    return planes[:, y : y + side, x : x + side]


def _window(rng: Random, cells: Cells, number: int, span: int) -> tuple[int, int, int]:
    """A pair's first index (the clean one's), and the cell where a crop of both begins: on the coarsest grid."""
    pair, room = 2 * number, SIZE // CELL - span
    corner = rng.integers(0, room + 1, 2)
    spots = np.argwhere(cells[pair + 1] == TOUCHED)
    if room and len(spots) and rng.random() < AROUND_A_MARK:
        corner = np.clip(spots[rng.integers(len(spots))] - rng.integers(0, span, 2), 0, room)
    coarse = GRAINS[-1] // CELL
    return pair, int(corner[0]) // coarse * coarse, int(corner[1]) // coarse * coarse
