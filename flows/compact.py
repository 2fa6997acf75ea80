"""``goldpan compact OUT``: puts the small shards of an output together."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from actors.lock import OutputLock
from actors.shards import LEDGER, shards
from actors.storage import Output
from actors.upkeep.compaction import compact as put_together
from flows.exits import PreflightError, explained, run_script
from flows.run_file import new_run


@explained
def compact(
    out: Annotated[str, typer.Argument(help="An output that no run is using.")],
) -> None:
    """Put small shards together, so that an output is faster to read; a run does so as it goes on.

    It may be stopped at any time: no row is lost or there twice for goldpan's own commands.
    """
    output, console = Output(out), Console()
    before = len(shards(output, LEDGER))
    if not before:
        raise PreflightError(f"{out}: no verdicts there. Give the folder that was --out of `goldpan mine`")
    with OutputLock(output, new_run()):
        for group in put_together(output):
            console.print(f"{group.date}: windows {group.first} to {group.last}", highlight=False)
    console.print(f"{before} shards of verdicts are {len(shards(output, LEDGER))}", highlight=False)


if __name__ == "__main__":
    run_script(compact)
