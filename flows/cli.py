"""The ``goldpan`` command: each flow is a subcommand, and a script of its own."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

import typer

from flows.alive import alive
from flows.compact import compact
from flows.doctor import doctor
from flows.fit import fit
from flows.mine import mine
from flows.model_files import app as models
from flows.resolve import resolve
from flows.score import score
from flows.threshold import threshold
from flows.train_watermark import train_watermark_command
from flows.watermarks.commands import watermarks
from flows.yields import yields

app = typer.Typer(
    name="goldpan",
    help="Pan a stream of images for the few you would keep.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
for command in (mine, fit, threshold, score, yields, resolve, compact, doctor, alive):
    app.command()(command)
app.add_typer(watermarks)
app.command("train-watermark")(train_watermark_command)
app.add_typer(models, name="models")


@app.callback(invoke_without_command=True)
def main_options(
    show_version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Hold what is not a subcommand's."""
    if show_version:
        print(f"goldpan {version('goldpan')}")
        raise typer.Exit


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
