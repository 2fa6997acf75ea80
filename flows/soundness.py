"""Whether an output is sound by its laws, told line by line; and with ``--repair`` what was done about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.text import Text

from actors.lock import OutputLock
from actors.storage import Output
from actors.upkeep.checkup import Checkup, Fault, examine
from actors.upkeep.repair import mend
from flows.run_file import new_run

_SHOWN = 20
# What is mended may show what it hid: a second row's file, once the row is gone.
_ROUNDS = 3


def is_sound(output: Output, console: Console, *, repair: bool) -> bool:
    """Check an output, mend it if that is wanted, and tell whether no fault is left."""
    found = _examined(output)
    _tell(console, found)
    if repair and (found.findings or found.leftovers):
        with OutputLock(output, new_run()):
            # Whoever had the lock may have gone on meanwhile.
            found = _examined(output)
            for _ in range(_ROUNDS):
                for line in mend(output, found):
                    console.print(Text.assemble(("done", "green"), f"   {line}"), soft_wrap=True)
                found = _examined(output)
                if not found.findings:
                    break
        _tell(console, found)
    return not found.findings


def _examined(output: Output) -> Checkup:
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:

        def watch(items: Iterable[Any], what: str, total: int) -> Iterable[Any]:
            return progress.track(items, total=total, description=what)

        return examine(output, watch)


def _tell(console: Console, found: Checkup) -> None:
    for fault in Fault:
        told = found.of(fault)
        for one in told[:_SHOWN]:
            detail = f" ({one.detail})" if one.detail else ""
            console.print(
                Text.assemble(("fault", "red"), f"  {fault.value}: {one.path}{detail}"), soft_wrap=True
            )
        if len(told) > _SHOWN:
            console.print(Text.assemble(("fault", "red"), f"  {fault.value}: {len(told) - _SHOWN} more"))
    for line in _notes(found):
        console.print(Text(f"note   {line}"), soft_wrap=True)
    counts = (
        f"{found.rows} rows and {found.named.count} accepted images in {found.shards} shards, "
        f"{found.manifests} manifests"
    )
    style, word = ("red", "wrong") if found.findings else ("green", "ok   ")
    faults = len(found.findings)
    end = f"{faults} fault{'' if faults == 1 else 's'}" if faults else "sound"
    console.print(Text.assemble((word, style), f"  {counts}: {end}"), soft_wrap=True)


def _notes(found: Checkup) -> Iterator[str]:
    if found.absent.count:
        yield f"{found.absent.count} accepted images are not there: whoever deleted them had the right to"
    if found.waiting:
        yield (
            f"{len(found.waiting)} windows wait to be judged, with {found.kept_for} files that a commit left: "
            "the next `goldpan mine` does it"
        )
    if found.replaced:
        yield f"{found.replaced} small shards are compacted, and not removed yet"
    if found.leftovers:
        yield f"{found.leftovers} temporary files of a writer: of a run that is on, or of one that died"
    if found.foreign:
        yield f"{found.foreign} files under images/ are not goldpan's"
