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
from dataclasses import asdict, fields
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import typer

from flows.exits import PreflightError, explained, run_script
from flows.watermarks.backgrounds import Background, backgrounds
from flows.watermarks.examples import made
from flows.watermarks.heads import refit
from flows.watermarks.network import export
from flows.watermarks.synthesise import picture_files
from flows.watermarks.training import Progress, Recipe, train

HELD_OUT = 3  # every third photograph, by name, is never trained on
AGREEING = 1e-4


class System(StrEnum):
    """Which detector."""

    BUILTIN = "builtin"


def train_watermark(
    pictures: Annotated[Path, typer.Argument(help="A folder of clean photographs.")],
    out: Annotated[Path, typer.Option(help="The ONNX file to write.")],
    system: Annotated[System, typer.Option(help="Which detector.")] = System.BUILTIN,
    start: Annotated[
        Path | None, typer.Option(help="An earlier built-in detector's ONNX file to start from.")
    ] = None,
    fonts: Annotated[list[Path] | None, typer.Option(help="A folder of more fonts; may be repeated.")] = None,
    scratch: Annotated[Path, typer.Option(help="A folder for the training examples.")] = Path("examples"),
    rounds: Annotated[
        int, typer.Option(min=1, help="Rounds of 4 crops a photograph and 60 paintings.")
    ] = Recipe.rounds,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads; all cores if unset.")] = None,
    quick: Annotated[float, typer.Option(help="The share of the recipe's steps to take.")] = 1.0,
) -> None:
    """Train on PICTURES, all but every third, which `goldpan watermarks measure` may then be asked about."""
    if find_spec("torch") is None:
        raise PreflightError("training needs torch: pip install 'goldpan[train]'")
    recipe = Recipe(
        rounds=rounds,
        phases=tuple(
            (side, batch, max(1, round(steps * quick)), rate) for side, batch, steps, rate in Recipe.phases
        ),
    )
    files = picture_files(pictures)
    taught = [file for i, file in enumerate(files) if i % HELD_OUT]
    detector, curves, says = built_in(
        recipe, taught, tuple(fonts or ()), scratch, threads or os.cpu_count() or 1, start
    )
    difference = export(detector, out)
    write_curves(out.with_suffix(".csv"), curves)
    print(
        f"{says}\n{out}: {out.stat().st_size} bytes; onnxruntime and torch differ by at most {difference:.1e}"
    )
    if difference > AGREEING:
        raise PreflightError("the exported graph does not compute what torch computed; use another torch")


def built_in(
    recipe: Recipe,
    photos: Sequence[Path],
    fonts: tuple[Path, ...],
    scratch: Path,
    threads: int,
    start: Path | None,
) -> tuple[Any, list[Progress], str]:
    """The trained detector, its curves, and what its last layer does on held-out folds."""
    sources, began = backgrounds(recipe.rounds, photos), time.monotonic()
    data = made(sources, recipe.pairs, fonts, threads, scratch)
    print(f"{len(data.pictures)} examples in {time.monotonic() - began:.0f} s", flush=True)
    detector, curves = train(recipe, data, threads, start)
    return detector, curves, refit(detector, data, groups_of(sources, 2 * recipe.pairs))


def groups_of(sources: Sequence[Background], each: int) -> npt.NDArray[np.int64]:
    """A number for each example: the same for all crops of a photograph, and for all over one painting."""
    names = [source.photo.name if source.photo else source.name + str(source.seed) for source in sources]
    numbers = {name: i for i, name in enumerate(dict.fromkeys(names))}
    return np.repeat([numbers[name] for name in names], each)


def write_curves(path: Path, curves: Sequence[Progress]) -> None:
    """Write the curves as CSV, a line every fifty steps."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Progress)])
        writer.writeheader()
        writer.writerows(asdict(line) for line in curves)


train_watermark_command = explained(train_watermark)

if __name__ == "__main__":
    run_script(train_watermark_command)
