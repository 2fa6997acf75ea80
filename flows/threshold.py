"""``goldpan threshold TASTE``: another threshold for a fitted taste, by what it is to let through."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from actors.encoder import Encoder
from flows.exits import PreflightError, explained, run_script
from flows.liked import described, image_files
from flows.taste_card import print_card, save
from flows.unfiltered import is_output, scores_of_folder, scores_of_output
from models.calibration import At, BestF, Calibration, Keep, PerThousand, Rule
from models.taste import Taste

Against = Annotated[
    str | None,
    typer.Option(help="An unfiltered sample: a folder of images, or the --out of a finished `goldpan mine`."),
]
Beta = Annotated[
    float | None,
    typer.Option(
        help="Choose the best F-beta against the sample; 1 if --against alone is given, 2 keeps more."
    ),
]
PerThousandImages = Annotated[
    float | None, typer.Option("--per-1000", help="Choose to let so many of 1,000 of the sample through.")
]


@explained
def threshold(
    folder: Annotated[Path, typer.Argument(metavar="TASTE", help="A taste that `goldpan fit` has written.")],
    keep: Annotated[
        float | None, typer.Option(help="The share of images like the liked ones to let through.")
    ] = None,
    at: Annotated[float | None, typer.Option(help="The threshold itself, in nats.")] = None,
    against: Against = None,
    beta: Beta = None,
    per_1000: PerThousandImages = None,
    encoder: Annotated[
        str | None,
        typer.Option(
            help="The taste's encoder, to embed the folder of --against with; by its name if unset."
        ),
    ] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads; all cores if unset.")] = None,
) -> None:
    """Choose a taste's threshold anew, without fitting; show what it lets through where nothing is asked for.

    A sample that was given once stays with the taste.
    """
    taste = Taste.load(folder)
    console = Console(highlight=False, markup=False, emoji=False)
    if encoder is not None and (against is None or is_output(against)):
        raise PreflightError("--encoder embeds a folder of images: name one with --against, or leave it out")
    given = (keep, at, against, beta, per_1000)
    if any(value is not None for value in given):
        rule = chosen(*given, otherwise=None)
        sample = None
        if against is not None:
            cores = threads or os.cpu_count() or 1
            sample = sampled(taste, against, cores, console, encoder or taste.encoder)
        taste = taste.at(rule, sample)
        save(taste, folder)
    print_card(taste, folder, console)


def chosen(
    keep: float | None,
    at: float | None,
    against: str | None,
    beta: float | None,
    per_thousand: float | None,
    *,
    otherwise: float | None,
) -> Rule:
    """Return the one rule that the flags ask for; PreflightError where they ask for two."""
    asked: list[Rule] = [
        *([Keep(keep)] if keep is not None else []),
        *([At(at)] if at is not None else []),
        *([BestF(beta)] if beta is not None else []),
        *([PerThousand(per_thousand)] if per_thousand is not None else []),
    ]
    if len(asked) > 1:
        raise PreflightError("--keep, --at, --beta and --per-1000 each choose a threshold; give one of them")
    if against is None and (beta is not None or per_thousand is not None) and otherwise is not None:
        raise PreflightError("--beta and --per-1000 count an unfiltered sample: name one with --against")
    if against is not None and not is_output(against):
        image_files([Path(against)])  # before anything is embedded
    if not asked:
        asked = [BestF(1.0) if against is not None or otherwise is None else Keep(otherwise)]
    return asked[0]


def sampled(
    taste: Taste, against: str, threads: int, console: Console, encoder: Encoder | str
) -> Calibration:
    """Return the taste's calibration with the scores of an unfiltered sample; says what could not be used.

    The encoder, as it runs or by its name, embeds a folder of images; EncoderMismatchError where it is not the taste's.
    """
    if is_output(against):
        return taste.calibration.against(scores_of_output(taste, against), against)
    runner = Encoder(encoder, threads, "cpu") if isinstance(encoder, str) else encoder
    taste.check_encoder(runner.describe()["fingerprint"])
    with console.status(f"embedding {against}"):
        scores, tally = scores_of_folder(taste, against, runner, threads)
    if tally.skipped:
        console.print(f"of {against}, {described(tally.skipped)}")
    return taste.calibration.against(scores, against)


if __name__ == "__main__":
    run_script(threshold)
