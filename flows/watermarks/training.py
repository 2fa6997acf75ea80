"""How the built-in detector is trained: pairs of crops, then of whole pictures; the mean of its late weights.

What is new learns faster than the text detector's stages; their layers down to a quarter of the size stay as they are:
edges are edges, and a step takes a quarter less time.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from flows.demo.paint.noise import Random
from flows.watermarks.examples import CELL, TOUCHED, UNKNOWN, Cells, Examples
from flows.watermarks.replicas import Batch, Replicas, Sums
from models.watermark import SIZE, to_input

AROUND_A_MARK = 0.7  # share of crops that are chosen to show a part of the mark
LEAST_CELLS = 2  # a single touched cell at a crop's edge is no evidence for or against
MIRRORED, RECOLOURED = 0.5, 0.15  # shares of pairs
REPORTED = 50  # steps a line of the curves
TESTED = 4  # batches that the curves' test loss is of
KEPT = 0.995  # of the mean weights at each step, and less at first
SLOWER = 0.3  # the rate of the pretrained stages, of the new layers'
STEADY = 0.1  # share of a phase's steps in which its rate rises
PRETRAINED = ("first", "second", "third")
KEPT_AS_THEY_ARE = ("first.0.", "first.2.", "first.3.", "first.4.")  # to a quarter


@dataclass(frozen=True)
class Phase:
    """Crops of `side` pixels, `batch` pictures at a time; `rate` is that of the new layers."""

    side: int
    batch: int
    steps: int
    rate: float


@dataclass(frozen=True)
class Recipe:
    """Everything a training run depends on, beside the photographs, the fonts and the weights it starts from."""

    rounds: int = 3
    pairs: int = 3
    phases: tuple[Phase, ...] = (Phase(256, 32, 4000, 1.2e-3), Phase(512, 8, 2400, 6e-4))
    seed: int = 1


@dataclass(frozen=True)
class Progress:
    """One line of the training curves: losses of the last steps, averaged, and of crops that are never trained on.

    `phase` counts from 0; `seconds` are those of the phase.
    """

    phase: int
    step: int
    train: float
    test: float
    cells: float
    accuracy: float
    seconds: float


@dataclass(frozen=True)
class Trained:
    """A detector in evaluation mode, its curves, and whether its recipe was followed to the end."""

    detector: Any
    curves: list[Progress]
    whole: bool


def train(
    recipe: Recipe,
    detector: Any,
    data: Examples,
    held: npt.NDArray[np.bool_],
    threads: int,
    device: str = "cpu",
) -> Trained:
    """Train a detector; what is `held` [pairs] is only tested on.

    Ctrl-C after the first line of the curves ends the training alone: what was learnt until then is kept.
    """
    import torch

    torch.manual_seed(recipe.seed)
    detector = detector.to(device)
    mean = torch.optim.swa_utils.AveragedModel(detector, avg_fn=_averaged)
    mean.eval()  # it is only asked
    curves: list[Progress] = []
    pairs = np.arange(len(held))
    whole = False
    try:
        for number, phase in enumerate(recipe.phases):
            seed = (recipe.seed, number)
            tested = list(drawn_batches(seed, data, pairs[held], phase, TESTED)) if held.any() else []
            batches = drawn_batches(seed, data, pairs[~held], phase, phase.steps)
            replicas = min(threads, phase.batch // 2) if device == "cpu" else 1
            torch.set_num_threads(threads // replicas)
            for line in _run(number, phase, detector, mean, batches, tested, replicas):
                curves.append(line)
                print(line, flush=True)
            # A phase begins where the mean of the one before is.
            detector.load_state_dict(mean.module.state_dict())
        whole = True
    except KeyboardInterrupt:
        if not curves:
            raise
        print("interrupted: the last layer is fitted and the file written; Ctrl-C again gives up", flush=True)
    finally:
        torch.set_num_threads(threads)
    return Trained(mean.module.eval().cpu(), curves, whole)


def _averaged(mean: Any, now: Any, steps: Any) -> Any:
    """The mean weights after one more step."""
    kept = min(KEPT, (1 + float(steps)) / (10 + float(steps)))
    return mean + (now - mean) * (1 - kept)


def _optimiser(detector: Any, phase: Phase) -> tuple[Any, Any]:
    """AdamW and its schedule: what is new at the phase's rate, the pretrained stages slower."""
    import torch

    new: list[Any] = []
    old: list[Any] = []
    for name, parameter in detector.named_parameters():
        if name.startswith(KEPT_AS_THEY_ARE):
            parameter.requires_grad_(False)
        else:
            (old if name.startswith(PRETRAINED) else new).append(parameter)
    groups = [{"params": new, "lr": phase.rate}, {"params": old, "lr": phase.rate * SLOWER}]
    optimiser = torch.optim.AdamW(groups, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, [group["lr"] for group in groups], total_steps=phase.steps + 1, pct_start=STEADY
    )
    return optimiser, schedule


def _run(
    number: int,
    phase: Phase,
    detector: Any,
    mean: Any,
    batches: Iterator[Batch],
    tested: Sequence[Batch],
    replicas: int,
) -> Iterator[Progress]:
    """One pass over a stream of batches; yields the losses every few steps."""
    import torch

    detector.train()
    optimiser, schedule = _optimiser(detector, phase)
    began, sums, since = time.monotonic(), np.zeros(4), 0
    with ThreadPoolExecutor(replicas) as pool:
        several = Replicas(detector, replicas, pool)
        for step, batch in enumerate(batches, 1):
            sums += several.gradients(backward, batch)
            torch.nn.utils.clip_grad_norm_(detector.parameters(), 5.0)
            optimiser.step()
            schedule.step()
            mean.update_parameters(detector)
            since += 1
            if step % REPORTED == 0 or step == phase.steps:
                yield Progress(
                    number, step, float(sums[0] / since), tested_loss(mean.module, tested), float(sums[1] / since),
                    float(sums[2] / max(1, sums[3])), time.monotonic() - began,
                )  # fmt: skip
                sums, since = np.zeros(4), 0


def backward(detector: Any, share: Batch, batch: Batch) -> Sums:
    """Add the gradients of a share of a batch; return its parts of the two losses, of the right and of the known."""
    of_picture, of_cells, right, known = losses(detector, share)
    # Each loss is a mean: of what is known, and of all.
    parts = (
        of_picture * known / max(1, int(judged(batch[1])[1].sum())),
        of_cells * len(share[0]) / len(batch[0]),
    )
    (parts[0] + 2 * parts[1]).backward()
    return np.array([*(float(part.detach()) for part in parts), right, known])


def tested_loss(detector: Any, batches: Sequence[Batch]) -> float:
    """The mean loss of those batches' pictures; not a number where there are none."""
    import torch

    with torch.no_grad():
        found = [float(losses(detector, batch)[0]) for batch in batches]
    return float(np.mean(found)) if found else float("nan")


def judged(cells: Cells) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Which pictures have a mark, by their cells [n, h, w], and of which that is known, each [n].

    What a mark changes too little to be seen counts neither way.
    """
    touched, unknown = (cells == TOUCHED).sum((1, 2)), (cells == UNKNOWN).sum((1, 2))
    marked = touched >= LEAST_CELLS
    return marked, marked | ((touched == 0) & (unknown == 0))


def losses(detector: Any, batch: Batch) -> tuple[Any, Any, int, int]:
    """The mean losses of pictures and of cells, and how many pictures were judged rightly of how many."""
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits as loss_of

    device = next(detector.parameters()).device
    inputs, cells = (torch.from_numpy(one).to(device) for one in (to_input(batch[0]), batch[1]))
    touched, unknown = (cells == TOUCHED).float(), (cells == UNKNOWN).float()
    truth, known = (torch.from_numpy(one).to(device).float() for one in judged(batch[1]))
    logits, spots = detector(inputs.to(memory_format=torch.channels_last))
    of_picture = (loss_of(logits[:, 0], truth, reduction="none") * known).sum() / known.sum().clamp(min=1)
    of_cells = (loss_of(spots[:, 0], touched, reduction="none") * (1 - unknown)).mean()
    right = (((logits[:, 0] > 0).float() == truth).float() * known).sum()
    return of_picture, of_cells, int(right), int(known.sum())


def drawn_batches(
    seed: tuple[int, int], data: Examples, pairs: npt.NDArray[np.intp], phase: Phase, steps: int
) -> Iterator[Batch]:
    """Pairs of a clean and a marked picture, the same crop of both: uint8 [n, side, side, 3], and their cells.

    Some pairs are mirrored, and some have their colours exchanged: there are never enough photographs.
    """
    rng = np.random.default_rng(seed)
    span = phase.side // CELL
    for _ in range(steps):
        crops, cells = [], []
        for _ in range(phase.batch // 2):
            pair, y, x = _window(rng, data.cells, int(rng.choice(pairs)), span)
            way = -1 if rng.random() < MIRRORED else 1
            colours = rng.permutation(3) if rng.random() < RECOLOURED else np.arange(3)
            for i in (pair, pair + 1):
                crop = data.pictures[i, y * CELL :, x * CELL :][: phase.side, : phase.side]
                crops.append(crop[:, ::way, colours])
                cells.append(data.cells[i, y : y + span, x : x + span][:, ::way])
        yield np.stack(crops), np.stack(cells)


def _window(rng: Random, cells: Cells, number: int, span: int) -> tuple[int, int, int]:
    """A pair's first index (the clean one's), and the cell where a crop of both begins."""
    pair, room = 2 * number, SIZE // CELL - span
    corner = rng.integers(0, room + 1, 2)
    spots = np.argwhere(cells[pair + 1] == TOUCHED)
    if room and len(spots) and rng.random() < AROUND_A_MARK:
        corner = np.clip(spots[rng.integers(len(spots))] - rng.integers(0, span, 2), 0, room)
    return pair, int(corner[0]), int(corner[1])
