"""``goldpan yields OUT``: where the good images come from, out of the verdict shards."""

from __future__ import annotations

import csv
import sys
from enum import StrEnum
from typing import Annotated, Any

import duckdb
import orjson
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from actors.shards import LEDGER, shards
from actors.storage import Output
from flows.exits import PreflightError, explained, run_script
from models.schema import VERDICTS


class By(StrEnum):
    """What to group by."""

    SUBREDDIT = "subreddit"
    AUTHOR = "author"
    HOST = "host"
    REASON = "reason"


class Format(StrEnum):
    """How to print."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


# Of a candidate that was retried the row of its latest attempt counts; only retried keys are looked up.
_QUERY = """
    WITH retried AS (SELECT key, max(attempt) AS latest FROM verdicts WHERE attempt > 1 GROUP BY key),
         current AS (SELECT verdicts.* FROM verdicts LEFT JOIN retried USING (key)
                     WHERE latest IS NULL OR attempt = latest)
    SELECT coalesce({by}, '_') AS {by},
           count(*) FILTER (verdict = 'accepted') AS accepted,
           count(*) FILTER (verdict = 'rejected') AS rejected,
           count(*) FILTER (verdict = 'skipped') AS skipped,
           count(*) FILTER (verdict = 'failed') AS failed,
           count(*) AS seen,
           round(count(*) FILTER (verdict = 'accepted') / count(*), 4) AS yield,
           round(avg(log_likelihood), 1) AS mean_log_likelihood
    FROM current GROUP BY 1 ORDER BY accepted DESC, seen DESC, 1 LIMIT {top}
"""


@explained
def yields(
    out: Annotated[str, typer.Argument(help="An output that `goldpan mine` has written.")],
    by: Annotated[By, typer.Option(help="What to group by.")] = By.SUBREDDIT,
    form: Annotated[Format, typer.Option("--format", help="How to print it.")] = Format.TABLE,
    top: Annotated[int, typer.Option(min=1, help="How many rows.")] = 30,
) -> None:
    """Show which subreddits, authors, hosts or reasons yield.

    Every candidate counts once, by its latest attempt. The same in SQL: SELECT … FROM 'OUT/verdicts/*/*.parquet'.
    """
    rows = query(out, by, top)
    if form is Format.TABLE:
        # Authors and hosts are data, in which [this] is no markup and :this: no picture.
        Console(markup=False, emoji=False).print(_table(rows, by))
    else:
        print_rows(rows, list(rows[0]), form)


def print_rows(rows: list[dict[str, Any]], names: list[str], form: Format) -> None:
    """Print rows, whose columns are ``names``, for another program: as JSON or CSV."""
    if form is Format.JSON:
        print(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode())
    else:
        writer = csv.DictWriter(sys.stdout, names)
        writer.writeheader()
        writer.writerows(rows)


def query(out: str, by: By, top: int) -> list[dict[str, Any]]:
    """Group an output's rows; PreflightError where it has none."""
    output = Output(out)
    while True:
        paths = [shard.path for shard in shards(output, LEDGER)]
        if not paths:
            raise PreflightError(
                f"{out}: no verdicts there. Give the folder that was --out of `goldpan mine`"
            )
        try:
            return _query(output, paths, by, top)
        except (OSError, duckdb.Error):
            # A run may compact shards meanwhile, and then they are not there any more.
            if all(map(output.exists, paths)):
                raise


def _query(output: Output, paths: list[str], by: By, top: int) -> list[dict[str, Any]]:
    with duckdb.connect() as database:
        # pyarrow reads the files, so that every filesystem goldpan writes to can be queried.
        database.register("verdicts", output.dataset(paths, VERDICTS))
        found = database.execute(_QUERY.format(by=by.value, top=top))
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _table(rows: list[dict[str, Any]], by: By) -> Table:
    # Without frames and padding a subreddit's longest name, of 21 letters, has room in the 80 columns of a pipe.
    table = Table(
        title=f"yield by {by.value}",
        title_justify="left",
        box=SIMPLE_HEAD,
        padding=0,
        show_edge=False,
    )
    for name in rows[0]:
        if name == by.value:
            table.add_column(name, overflow="fold")  # names are for use: folded, and never cut
        else:
            table.add_column(name.replace("_", "\n"), justify="right", no_wrap=True)
    for row in rows:
        shown = row | {"yield": f"{row['yield']:.1%}"}
        table.add_row(*("" if value is None else str(value) for value in shown.values()))
    return table


if __name__ == "__main__":
    run_script(yields)
