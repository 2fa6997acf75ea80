"""``goldpan models list|pull|verify|add|quantise``: which models there are, and their files."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
import yaml
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from rich.table import Table
from rich.text import Text

from actors.weights import MIRROR, pull
from flows.exits import USAGE, explained
from flows.quantising import quantise, squares
from models.inference import check_model
from models.precision import LEAST_EITHER, LEAST_IMAGES
from models.registry import (
    ROWS,
    ModelError,
    ModelRow,
    RowError,
    UnknownModelError,
    Weights,
    encoder_row,
    file_sha256,
    locked_sha256,
    models_folder,
    resolve_weights,
    weights_path,
    write_atomically,
)
from models.row_file import EncoderFile, added_rows, is_path, read_encoder, read_file, rows_folder
from models.taste import Taste

app = typer.Typer(help="Which models there are, and their files.", no_args_is_help=True)
Named = Annotated[list[str], typer.Argument(help="Models, by the names that goldpan models list tells.")]


@app.command("list")
@explained
def list_models() -> None:
    """List every model: what it is for, whether its file is here, and where it comes from."""
    # A name is typed again after `pull`: it is never cut, however narrow the terminal.
    table = Table(box=None)
    for heading in ("model", "for", "file"):
        table.add_column(heading, no_wrap=True)
    table.add_column("what it is", overflow="fold")
    for row in _rows():
        shape = f"{row.size}² ({row.resize}) → {row.dimension}; {row.licence}"
        table.add_row(row.name, row.task, _state(row), Text(f"{shape}: {row.source}"))
    Console().print(table)


@app.command("pull")
@explained
def pull_models(
    names: Named,
    mirror: Annotated[
        list[str] | None,
        typer.Option(help=f"Ask this address first, with the publisher's paths; also {MIRROR}."),
    ] = None,
) -> None:
    """Fetch models; what was cut off goes on, and a hash is locked where the publisher gives none."""
    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
    mirrors = (*(mirror or ()), *filter(None, [os.environ.get(MIRROR)]))
    for row in [_row(name) for name in names]:
        if row.weights is Weights.RELEASE:
            with _progress(console) as progress:
                task = progress.add_task(row.name, total=None)
                pull(
                    row,
                    mirrors=mirrors,
                    on_progress=lambda have, total: progress.update(task, completed=have, total=total),  # noqa: B023
                )
        path = resolve_weights(row)
        console.print(f"{row.name}  {path}  sha256 {file_sha256(path)}{_locked(row)}")


@app.command("verify")
@explained
def verify_models(
    names: Annotated[
        list[str] | None, typer.Argument(help="Models; all whose files are here if none.")
    ] = None,
) -> None:
    """Compare models with their rows: the hash, the input, the output, and that it answers numbers.

    Exit codes: 0 all are as their rows say, 2 one is not.
    """
    console = Console(highlight=False, emoji=False, soft_wrap=True)
    chosen = [_row(name) for name in names] if names else [row for row in _rows() if _is_here(row)]
    wrong = 0
    for row in chosen:
        try:
            session = check_model(row, resolve_weights(row))
        except ModelError as error:
            wrong += 1
            console.print(Text.assemble(("wrong", "red"), f"  {row.name}: {error}"))
        else:
            console.print(Text.assemble(("ok", "green"), f"     {row.name}: sha256 {session.fingerprint}"))
    if wrong:
        raise typer.Exit(USAGE)


@app.command("add")
@explained
def add_model(
    row: Annotated[Path, typer.Argument(help="A row file (YAML), or a model that has one beside it.")],
) -> None:
    """Add an encoder of yours by its row, so that --encoder NAME finds it from everywhere; the file is copied."""
    file, found = read_file(row), read_encoder(row)
    # Its file is named by it, and lies beside theirs.
    if found.name in {name for known in ROWS for name in (known.name, Path(known.file).stem)}:
        raise RowError(
            f"the row file {row}: a model of goldpan's own is called {found.name}; take another name"
        )
    if file.is_remote:
        _check_same(row, file, weights_path(found))
    written = file.model_dump(mode="json", exclude_defaults=True)
    if not file.is_remote:
        source = resolve_weights(found)
        check_model(found, source)
        kept = write_atomically(models_folder() / f"{found.name}.onnx", source.read_bytes())
        written |= {"model": str(kept.absolute()), "sha256": file_sha256(kept)}
    text = yaml.safe_dump(written, sort_keys=False, allow_unicode=True)
    write_atomically(rows_folder() / f"{found.name}.yaml", text.encode())
    todo = f"; goldpan models pull {found.name} fetches it" if file.is_remote else ""
    Console(highlight=False, markup=False, soft_wrap=True).print(
        f"added {found.name}: use it by --encoder {found.name}{todo}"
    )


@app.command("quantise")
@explained
def quantise_model(
    name: Annotated[str, typer.Argument(help="An encoder.")],
    images: Annotated[list[Path], typer.Argument(help="Images to measure on: liked ones and others.")],
    taste: Annotated[
        Path | None,
        typer.Option(help="A taste whose decisions count; else one is fitted on half of the images."),
    ] = None,
    threads: Annotated[int, typer.Option(min=1, help="Threads to measure the speed with.")] = 1,
) -> None:
    """Make int8 and fp16 of an encoder, and measure them: what decides as fp32 does is used from then on."""
    console = Console(highlight=False, markup=False, emoji=False)
    row = encoder_row(name)
    resolve_weights(row)
    with console.status("decoding") as status:
        pixels = squares(images, row)
        judge = None if taste is None else Taste.load(taste)
        record = quantise(row, pixels, threads, judge, status.update)
    table = Table("precision", "least cosine", "median", "same decisions", "images / s of CPU")
    for precision, found in record.measured.items():
        cosines = f"{found.least_cosine:.4f}", f"{found.median_cosine:.4f}"
        table.add_row(precision, *cosines, f"{found.agreement:.2%}", f"{found.images_per_cpu_second:.1f}")
    console.print(table)
    console.print(f"{record.accepted} of {record.images} accepted by fp32, {record.threads} thread(s)")
    if not record.tells:
        console.print(
            f"to choose anything but fp32 it takes {LEAST_IMAGES} images, {LEAST_EITHER} of them accepted and "
            f"{LEAST_EITHER} refused",
            soft_wrap=True,
        )
    console.print(f"from now on: {record.best('cpu')} on the CPU, {record.best('cuda')} on a GPU")


def _check_same(row: Path, file: EncoderFile, weights: Path) -> None:
    """Make sure that a file under a row's name is from the address that the row gives; raises RowError."""
    before = added_rows().get(file.name)
    if before is not None and weights.is_file() and read_file(before).model != file.model:
        raise RowError(
            f"the row file {row}: {file.name} was added from another place; take another name, or remove {weights}"
        )


def _rows() -> Iterable[ModelRow]:
    return (*ROWS, *(read_encoder(path) for path in added_rows().values()))


def _row(name: str) -> ModelRow:
    if is_path(name):
        return encoder_row(name)
    known = {row.name: row for row in _rows()}
    if name not in known:
        raise UnknownModelError(f"no model is called {name!r}; there are: {', '.join(known)}")
    return known[name]


def _is_here(row: ModelRow) -> bool:
    return row.weights is not Weights.BUILT and weights_path(row).is_file()


def _state(row: ModelRow) -> str:
    match row.weights:
        case Weights.BUILT:
            return "is built when it is used"
        case Weights.COMMITTED:
            return "comes with goldpan"
        case _:
            here = _is_here(row)
            return f"here, {weights_path(row).stat().st_size >> 20} MiB" if here else "not here: pull"


def _locked(row: ModelRow) -> str:
    return ", locked on first use: its publisher gives none" if locked_sha256(row, weights_path(row)) else ""


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    return Progress(*columns, console=console, transient=True)


if __name__ == "__main__":
    app()
