"""``goldpan doctor``: is everything here that a run needs, and is an output sound?"""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable, Iterator
from typing import Annotated

import psutil
import typer
from rich.console import Console
from rich.text import Text

from actors.crawler.sources import open_source, parse_source
from actors.storage import Output
from flows.exits import EXPECTED, FAILED, USAGE, PreflightError, explained, run_script
from flows.settings import load_settings
from flows.soundness import is_sound
from models.registry import cache_folder, encoder_row, resolve_weights, watermark_row

_GIB = 1 << 30
_LEAST_MEMORY = 4 * _GIB
_LEAST_DISK = 2 * _GIB


@explained
def doctor(
    out: Annotated[
        str | None, typer.Argument(help="An output: is it writable, and sound by its laws?")
    ] = None,
    *,
    source: Annotated[
        str | None, typer.Option(help="A source that should answer: reddit:r/EarthPorn.")
    ] = None,
    repair: Annotated[
        bool,
        typer.Option("--repair", help="Mend what is wrong with OUT; original bytes are never destroyed."),
    ] = False,
) -> None:
    """Check this machine, the models, and if asked an output and a source.

    Exit codes: 0 all is well (or was mended), 1 the output has faults, 2 something else is wrong.
    """
    if repair and out is None:
        raise PreflightError("--repair: name the output that is to be mended, goldpan doctor OUT --repair")
    console = Console()
    wrong = 0
    for name, check in _checks(out, source):
        try:
            found = check()
        except EXPECTED as error:
            wrong += 1
            console.print(Text.assemble(("wrong", "red"), f"  {name}: {error}"), soft_wrap=True)
        else:
            console.print(Text.assemble(("ok", "green"), f"     {name}: {found}"), soft_wrap=True)
    if (
        out is not None
        and not _is_new(output := Output(out))
        and not is_sound(output, console, repair=repair)
    ):
        raise typer.Exit(FAILED)
    if wrong:
        raise typer.Exit(USAGE)


def _checks(out: str | None, source: str | None) -> Iterator[tuple[str, Callable[[], str]]]:
    yield "python", platform.python_version
    yield "memory", _memory
    yield "disk", _disk
    yield "gpu", _gpu
    yield "encoder", lambda: str(resolve_weights(encoder_row("gist")).name)
    yield "watermark", lambda: str(resolve_weights(watermark_row("watermark")).name)
    if out is not None:
        yield "output", lambda: _writable(out)
    if source is not None:
        yield "source", lambda: _answers(source)


def _memory() -> str:
    free = psutil.virtual_memory().available
    if free < _LEAST_MEMORY:
        raise PreflightError(
            f"{free / _GIB:.1f} GiB free; Ray and the models want {_LEAST_MEMORY // _GIB} GiB"
        )
    return f"{free / _GIB:.1f} GiB free, {os.cpu_count()} cores"


def _disk() -> str:
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise PreflightError(
            f"the cache folder {folder} cannot be used: {error.strerror}; set GOLDPAN_CACHE to one that can"
        ) from error
    if free < _LEAST_DISK:
        raise PreflightError(f"{free / _GIB:.1f} GiB free at {folder}; set GOLDPAN_CACHE to a larger disk")
    return f"{free / _GIB:.1f} GiB free at {folder}"


def _gpu() -> str:
    import onnxruntime

    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        return "none that onnxruntime can use; models run on the CPU"
    return "onnxruntime has CUDA; whether a GPU answers shows when a run starts"


def _is_new(output: Output) -> bool:
    return output.local is not None and not output.local.exists()


def _writable(out: str) -> str:
    output = Output(out)
    if output.local is not None and _is_new(output):
        # Looking at it must not make it: the path may be mistyped.
        above = next(one for one in output.local.absolute().parents if one.exists())
        if not os.access(above, os.W_OK):
            raise PreflightError(f"{out} is not there, and {above} is not writable. Choose another folder")
        return f"{out} is not there yet; a run can make it"
    output.check_writable()
    return f"{out} is writable"


def _answers(source: str) -> str:
    crawl = load_settings({"sources": (source,), "out": "-"}).crawl
    open_source(parse_source(source), crawl).check()
    return f"{source} answers"


if __name__ == "__main__":
    run_script(doctor)
