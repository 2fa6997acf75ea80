"""``goldpan fit IMAGES… --out DIR``: liked images become a taste, a histogram and a card."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from actors.encoder import Encoder
from flows.exits import explained, run_script
from flows.liked import Liked, described, distinct, embed, image_files, taste_from_folder
from models.fitting import fit_taste
from models.session import Device
from models.taste import Taste, TasteError

__all__ = ["fit", "taste_from_folder"]


@explained
def fit(
    images: Annotated[list[Path], typer.Argument(help="Folders of images you like, or image files.")],
    out: Annotated[Path, typer.Option(help="The folder to write the taste to.")],
    keep: Annotated[float, typer.Option(help="The share of images like these to let through.")] = 0.95,
    encoder: Annotated[
        str, typer.Option(help="The encoder: a name that goldpan models list tells, or a row file.")
    ] = "gist",
    components: Annotated[
        int | None, typer.Option(help="Gaussians in the mixture; chosen by held-out likelihood if unset.")
    ] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads; all cores if unset.")] = None,
    device: Annotated[str, typer.Option(help="Where the encoder runs: cpu or cuda.")] = "cpu",
) -> None:
    """Fit a taste on IMAGES, at least 30 of them, and write it to --out."""
    if not 0 < keep < 1:
        raise TasteError(f"--keep is a share between 0 and 1, like 0.95, not {keep}")
    _check_writable(out)
    # Paths are printed as they are: [this] in one is no markup, and :this: no picture.
    console = Console(highlight=False, markup=False, emoji=False)
    runner = Encoder(encoder, threads or os.cpu_count() or 1, _device(device))
    liked = _embedded(images, runner, threads or os.cpu_count() or 1, console)
    with console.status("fitting"):
        taste = fit_taste(
            liked.embeddings,
            encoder=runner.row.name,
            encoder_fingerprint=runner.describe()["fingerprint"],
            keep=keep,
            components=components,
        )
    taste.save(out)
    draw_histogram(taste, out / "histogram.png")
    _print_card(taste, liked, out, console)


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


def _embedded(images: list[Path], encoder: Encoder, threads: int, console: Console) -> Liked:
    files = list(distinct(image_files(images)).values())
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("embedding", total=len(files))
        return embed(
            files, encoder, encoder.row, threads, lambda done, _: progress.update(task, completed=done)
        )


def _print_card(taste: Taste, liked: Liked, out: Path, console: Console) -> None:
    card = Table("taste", taste.fingerprint[:16], title=str(out), title_justify="left")
    card.add_row("liked images", str(taste.liked))
    card.add_row("encoder", f"{taste.encoder} {taste.encoder_fingerprint[:16]}")
    card.add_row("components", str(taste.mixture.components))
    card.add_row("threshold", f"{taste.threshold:.2f}, which {taste.keep:.0%} of held-out liked images reach")
    card.add_row("held-out scores", f"{taste.histogram[1][0]:.1f} … {taste.histogram[1][-1]:.1f}")
    console.print(card)
    if liked.skipped:
        console.print(described(liked.skipped, shown=20))
    if taste.encoder == "gist" and 2 * liked.grey > taste.liked:
        console.print(
            f"{liked.grey} of them are grey, so this taste expects no colour: "
            "--encoder gist-grey judges scenes without it"
        )


def draw_histogram(taste: Taste, path: Path) -> None:
    """Draw the held-out scores of the liked images and the threshold as a PNG."""
    # The object interface: pyplot would look for a display.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    counts, edges = taste.histogram
    axes.stairs(counts, edges, fill=True, color="#c8961e")
    axes.axvline(taste.threshold, color="#303030", linestyle="--", label=f"threshold {taste.threshold:.1f}")
    axes.set(
        xlabel="log-likelihood, held out",
        ylabel="liked images",
        title=f"{taste.liked} liked images, {taste.encoder}",
    )
    axes.legend()
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    run_script(fit)
