"""``goldpan fit IMAGES… --out DIR``: liked images become a taste, its histograms and its card."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, cast

import typer
from rich.console import Console
from rich.progress import Progress

from actors.encoder import Encoder
from flows.comparing import compared, named
from flows.exits import explained, run_script
from flows.liked import Tally, described, distinct, fit_images, image_files, taste_from_folder
from flows.taste_card import print_card, save
from flows.threshold import Against, Beta, PerThousandImages, chosen, sampled
from models.fitting import SPREADS, Recipe, Spread
from models.session import Device
from models.taste import Taste, TasteError

__all__ = ["fit", "taste_from_folder"]

_KEEP = 0.95


@explained
def fit(
    images: Annotated[list[Path], typer.Argument(help="Folders of images you like, or image files.")],
    out: Annotated[Path, typer.Option(help="The folder to write the taste to.")],
    keep: Annotated[
        float | None,
        typer.Option(help="The share of images like these to let through; 0.95 if nothing is set."),
    ] = None,
    against: Against = None,
    beta: Beta = None,
    per_1000: PerThousandImages = None,
    encoder: Annotated[
        str, typer.Option(help="The encoder: a name that goldpan models list tells, or a row file.")
    ] = "gist",
    components: Annotated[
        int | None, typer.Option(help="Gaussians in the mixture; chosen by held-out likelihood if unset.")
    ] = None,
    covariance: Annotated[
        str, typer.Option(help=f"{', '.join(SPREADS)}: one for all, shrunk, or scikit-learn's.")
    ] = "shared",
    threads: Annotated[int | None, typer.Option(min=1, help="Threads; all cores if unset.")] = None,
    compare: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,…",
            help="Detectors of PyOD (ECOD,KNN,LOF) to compare the taste with, on the sample of --against.",
        ),
    ] = None,
    device: Annotated[str, typer.Option(help="Where the encoder runs: cpu or cuda.")] = "cpu",
) -> None:
    """Fit a taste on IMAGES, at least 30 of them, and write it to --out."""
    rule = chosen(keep, None, against, beta, per_1000, otherwise=_KEEP)
    recipe = Recipe(components, _spread(covariance))
    detectors = named(compare, against)
    _check_writable(out)
    # Paths are printed as they are: [this] in one is no markup, and :this: no picture.
    console = Console(highlight=False, markup=False, emoji=False)
    cores = threads or os.cpu_count() or 1
    runner = Encoder(encoder, cores, _device(device))
    taste, tally = _fitted(images, runner, keep or _KEEP, cores, recipe, console)
    if against is not None:
        taste = taste.at(rule, sampled(taste, against, cores, console, runner))
        if detectors:
            with console.status(f"comparing with {', '.join(detectors)}"):
                taste = compared(taste, images, against, detectors, runner, cores)
    save(taste, out)
    print_card(taste, out, console)
    _print_hints(taste, tally, console)


def _check_writable(out: Path) -> None:
    # Before the images are embedded, which may take minutes.
    there = next(folder for folder in (out, *out.absolute().parents) if folder.exists())
    if not there.is_dir() or not os.access(there, os.W_OK):
        raise TasteError(f"--out {out} cannot be written; name another folder")


def _device(name: str) -> Device:
    if name == "cpu":
        return "cpu"
    if name == "cuda":
        return "cuda"
    raise TasteError(f"--device is cpu or cuda, not {name}")


def _spread(name: str) -> Spread:
    if name not in SPREADS:
        raise TasteError(f"--covariance is one of {', '.join(SPREADS)}, not {name}")
    return cast(Spread, name)


def _fitted(
    images: list[Path], encoder: Encoder, keep: float, threads: int, recipe: Recipe, console: Console
) -> tuple[Taste, Tally]:
    contents = distinct(image_files(images))
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("embedding and fitting", total=len(contents))
        return fit_images(
            contents,
            encoder,
            keep=keep,
            threads=threads,
            recipe=recipe,
            on_progress=lambda done, _: progress.update(task, completed=done),
        )


def _print_hints(taste: Taste, tally: Tally, console: Console) -> None:
    if tally.skipped:
        console.print(described(tally.skipped, shown=20))
    if taste.encoder == "gist" and 2 * tally.grey > taste.liked:
        console.print(
            f"{tally.grey} of them are grey, so this taste expects no colour: "
            "--encoder gist-grey judges scenes without it"
        )


if __name__ == "__main__":
    run_script(fit)
