"""``goldpan watermarks …``: what belongs to the watermark detectors and is no run."""

from __future__ import annotations

import typer

from flows.watermarks.synthesise import synthesise_command

watermarks = typer.Typer(name="watermarks", help="Make pictures with marks, to train and to measure with.")
watermarks.command("synthesise")(synthesise_command)


@watermarks.callback()
def _group() -> None:
    """Hold the subcommands, of which there may be one."""
