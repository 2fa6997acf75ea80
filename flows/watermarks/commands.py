"""``goldpan watermarks …``: what belongs to the watermark detectors and is no run."""

from __future__ import annotations

import typer

from flows.watermarks.measure import measure_command
from flows.watermarks.synthesise import synthesise_command

watermarks = typer.Typer(
    name="watermarks", help="Make pictures with marks, and measure detectors on them.", no_args_is_help=True
)
watermarks.command("synthesise")(synthesise_command)
watermarks.command("measure")(measure_command)
