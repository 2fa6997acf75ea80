"""``goldpan watermarks …``: what belongs to the watermark detectors and is no run."""

from __future__ import annotations

import typer

from flows.watermarks.gathering import gather_command
from flows.watermarks.measure import measure_command
from flows.watermarks.synthesise import synthesise_command

watermarks = typer.Typer(
    name="watermarks",
    help="Gather pictures, lay marks over them, and measure detectors on them.",
    no_args_is_help=True,
)
watermarks.command("gather")(gather_command)
watermarks.command("synthesise")(synthesise_command)
watermarks.command("measure")(measure_command)
