"""``goldpan train-watermark``: train a watermark detector, and write its weights and its curves.

The built-in one is trained on marks over a folder of photographs and over paintings; the ancestors' two on a folder
with ``watermark`` and ``no_watermark`` in it, as ``goldpan watermarks synthesise`` writes. The networks need the
extra `train`; the quadrants do not.
"""

from __future__ import annotations

import csv
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import typer

from flows.exits import INTERRUPTED, PreflightError, explained, run_script
from flows.watermarks import efficientnet, quadrant_head
from flows.watermarks.backgrounds import Background, backgrounds
from flows.watermarks.examples import made
from flows.watermarks.heads import refit
from flows.watermarks.network import export, network
from flows.watermarks.synthesise import picture_files
from flows.watermarks.training import Recipe, Trained, train

HELD_OUT = 3  # every third photograph, by name, is not touched
TESTED = 6  # every sixth source of the others is tested on: it chooses the last layer and the threshold


class System(StrEnum):
    """Which detector."""

    BUILTIN = "builtin"
    QUADRANTS = "quadrants"
    EFFICIENTNET = "efficientnet"


def train_watermark(
    pictures: Annotated[
        Path, typer.Argument(help="A folder of clean photographs, or one with watermark/ and no_watermark/.")
    ],
    out: Annotated[Path, typer.Option(help="The file to write: .onnx, or .npz for the quadrants.")],
    system: Annotated[System, typer.Option(help="Which detector.")] = System.BUILTIN,
    encoder: Annotated[str, typer.Option(help="Of the quadrants: clip, or gist.")] = "clip",
    start: Annotated[
        Path | None, typer.Option(help="Of the built-in one: an earlier one's ONNX file to start from.")
    ] = None,
    more: Annotated[
        list[Path] | None,
        typer.Option(
            help="Of the built-in one: a folder of more clean pictures, none left out; may be repeated."
        ),
    ] = None,
    fonts: Annotated[list[Path] | None, typer.Option(help="A folder of more fonts; may be repeated.")] = None,
    scratch: Annotated[
        Path, typer.Option(help="A folder for the built-in one's examples, 0.8 MB each.")
    ] = Path("examples"),
    rounds: Annotated[
        int,
        typer.Option(
            min=1, help="Of the built-in one: rounds of 1 to 3 crops a photograph and 80 paintings."
        ),
    ] = Recipe.rounds,
    quick: Annotated[float, typer.Option(help="The share of the recipe's steps or epochs to take.")] = 1.0,
    pretrained: Annotated[bool, typer.Option(help="Of efficientnet: start from ImageNet's weights.")] = True,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads; all cores if unset.")] = None,
    device: Annotated[str, typer.Option(help="Where the built-in one is trained: cpu or cuda.")] = "cpu",
) -> None:
    """Train a watermark detector; write it, and its curves as CSV and PNG beside it.

    The built-in one leaves out every third photograph by name: ask `goldpan watermarks measure` about those. Ctrl-C
    ends its training early: what was learnt until then is written, and the exit code is 130.
    """
    cores = threads or os.cpu_count() or 1
    curves: Sequence[Any]
    whole = True
    if system is not System.QUADRANTS and find_spec("torch") is None:
        raise PreflightError(
            "training this needs torch: pip install 'goldpan[train]'; the quadrants need none"
        )
    match system:
        case System.BUILTIN:
            recipe = shortened(Recipe(rounds=rounds), quick)
            extra = [file for folder in more or () for file in picture_files(folder)]
            trained = built_in(
                recipe, picture_files(pictures), extra, tuple(fonts or ()), scratch, cores, start, out, device
            )
            curves, whole = trained.curves, trained.whole
        case System.QUADRANTS:
            curves = quadrant_head.trained(pictures, encoder, cores, out, quick)
        case System.EFFICIENTNET:
            curves = efficientnet.trained(pictures, cores, out, quick, pretrained=pretrained)
    write_curves(out, curves)
    print(f"{out}: {out.stat().st_size} bytes; {curves[-1]}")
    if not whole:
        raise typer.Exit(INTERRUPTED)


def shortened(recipe: Recipe, quick: float) -> Recipe:
    """The recipe with that share of its steps, 10 a phase at least: the rate rises in the first tenth."""
    phases = tuple(replace(one, steps=max(10, round(one.steps * quick))) for one in recipe.phases)
    return replace(recipe, phases=phases)


def built_in(
    recipe: Recipe, files: Sequence[Path], more: Sequence[Path], fonts: tuple[Path, ...], scratch: Path,
    threads: int, start: Path | None, out: Path, device: str,
) -> Trained:  # fmt: skip
    """Train the built-in detector and write it; PreflightError where there is no such device."""
    import torch

    if device != "cpu" and not torch.cuda.is_available():
        raise PreflightError(f"--device {device} is not here, or torch cannot use it; train on the cpu")
    detector = network(start, recipe.seed)
    photos = [file for i, file in enumerate(files) if i % HELD_OUT] + list(more)
    sources, began = backgrounds(recipe.rounds, photos), time.monotonic()
    data = made(sources, recipe.pairs, fonts, threads, scratch)
    print(f"{len(data.pictures)} examples in {time.monotonic() - began:.0f} s", flush=True)
    held = tested_on(sources, 2 * recipe.pairs)
    trained = train(recipe, detector, data, held[::2], threads, device)
    print(refit(trained.detector, data, held), flush=True)
    export(trained.detector, out)
    return trained


def tested_on(sources: Sequence[Background], each: int) -> npt.NDArray[np.bool_]:
    """Which examples are never trained on: those over every sixth photograph, and every sixth painting."""
    names = [source.photo.name if source.photo else f"{source.name} {source.seed}" for source in sources]
    numbers = {name: i for i, name in enumerate(dict.fromkeys(names))}
    return np.repeat([numbers[name] % TESTED == 0 for name in names], each)


def write_curves(out: Path, curves: Sequence[Any]) -> None:
    """Write the curves beside the weights: a line a step or an epoch as CSV, the losses as PNG."""
    # The object interface: pyplot would look for a display.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = [asdict(line) for line in curves]
    with out.with_suffix(".csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    figure = Figure(figsize=(6, 3), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot(xlabel="step" if "step" in rows[0] else "epoch", ylabel="loss")
    for name in ("train", "test", "cells"):
        if name in rows[0]:
            axes.plot([row[name] for row in rows], label=name)
    axes.legend()
    figure.savefig(out.with_suffix(".png"), dpi=100)


train_watermark_command = explained(train_watermark)

if __name__ == "__main__":
    run_script(train_watermark_command)
