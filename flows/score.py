"""``goldpan score OUT --taste DIR``: what another taste, or threshold, would make of a finished run."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from actors.ledger import HashSet
from actors.retries import GAINED
from actors.storage import Output
from flows.exits import PreflightError, explained, run_script
from flows.unfiltered import scored
from flows.yields import Format, print_rows
from models.reasons import Reason, Verdict
from models.taste import Taste

_COLUMNS = ("key", "attempt", "verdict", "reason", "log_likelihood", "subreddit", "path", "url")


class Change(StrEnum):
    """What another taste would make of a candidate."""

    KEPT = "still accepted"
    DROPPED = "accepted, would be unlike_taste"
    GAINED = "unlike_taste, would pass the taste"
    LEFT = "still unlike_taste"
    OTHER = "ended by another gate, whatever the taste"


@explained
def score(
    out: Annotated[str, typer.Argument(help="An output that `goldpan mine` has written.")],
    taste: Annotated[Path, typer.Option(help="A taste that `goldpan fit` has written, on the same encoder.")],
    form: Annotated[
        Format, typer.Option("--format", help="A summary as a table, or every change.")
    ] = Format.TABLE,
) -> None:
    """Judge a finished run again by --taste, from its embeddings: nothing is fetched, and nothing is changed.

    What would newly pass the taste has not been looked at for watermarks yet: `goldpan mine --retry gained --taste DIR
    --out OUT` fetches and judges it, as another attempt.
    """
    judged = Taste.load(taste)
    counted: Counter[Change] = Counter()
    changed = []
    # One by one: a run may have scored millions.
    for row in changes(Output(out), judged):
        counted[row["change"]] += 1
        if form is not Format.TABLE and row["change"] in {Change.DROPPED, Change.GAINED}:
            changed.append(row)
    if not counted:
        raise PreflightError(
            f"{out}: nothing was scored there. Give the folder that was --out of `goldpan mine`"
        )
    if form is not Format.TABLE:
        print_rows(changed, [*_COLUMNS, "new_log_likelihood", "change"], form)
    else:
        console = Console(highlight=False, markup=False, emoji=False)
        console.print(_summary(counted, judged, out))
        if counted[Change.GAINED]:
            console.print(f"to have what would pass: {_retry(out, taste, judged.encoder)}", soft_wrap=True)


def changes(output: Output, taste: Taste) -> Iterator[dict[str, Any]]:
    """Give each scored candidate, once, with its score under the taste and what that would change."""
    for rows, scores in scored(output, taste, _COLUMNS):
        for row, new, passes in zip(rows, scores, taste.accepts(scores), strict=True):
            shown = {name: row[name] for name in _COLUMNS}
            yield shown | {"new_log_likelihood": float(new), "change": _change(row, passes=bool(passes))}


def gained(output: Output, taste: Taste) -> HashSet:
    """Give the keys of what was unlike_taste, and would pass this one."""
    keys = HashSet()
    keys.add(row["key"] for row in changes(output, taste) if row["change"] is Change.GAINED)
    return keys


def _change(row: dict[str, Any], *, passes: bool) -> Change:
    if row["verdict"] == Verdict.ACCEPTED:
        return Change.KEPT if passes else Change.DROPPED
    if row["reason"] == Reason.UNLIKE_TASTE:
        return Change.GAINED if passes else Change.LEFT
    return Change.OTHER


def _retry(out: str, taste: Path, encoder: str) -> str:
    """Write the command that has again what a taste would gain."""
    options = {"retry": GAINED, "taste": str(taste), "encoder": encoder, "out": out}
    return shlex.join(
        ["goldpan", "mine", *chain.from_iterable((f"--{name}", value) for name, value in options.items())]
    )


def _summary(counted: Counter[Change], taste: Taste, out: str) -> Table:
    title = f"{out} by taste {taste.fingerprint[:16]}, threshold {taste.threshold:.2f}"
    table = Table("of what was scored", "images", title=title, title_justify="left")
    for change in Change:
        table.add_row(change.value, str(counted[change]))
    return table


if __name__ == "__main__":
    run_script(score)
