"""Which Parquet files of an output count: a compacted one stands for those that it replaces, there or not.

``<window>.parquet`` holds one window; ``<first>-<last>.parquet`` all of its day's windows from first to last, which
follow one another without a gap. A shard whose windows lie within those of another of the same day is replaced: it is
left out by every reader here, and removed in the end. So nothing is read twice, whenever a compaction dies.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import PurePosixPath

import pyarrow as pa
import pyarrow.compute as pc

from actors.storage import Output

LEDGER = "verdicts"
# In the order of the commit.
TABLES = ("embeddings", "thumbs", LEDGER)
_NAME = re.compile(r"\w+/date=\d{4}-\d{2}-\d{2}/(?P<first>\d+)(?:-(?P<last>\d+))?\.parquet")


@dataclass(frozen=True, slots=True, order=True)
class Shard:
    """A file of one table, and the windows that it holds; ``size`` in bytes."""

    first: int
    last: int
    path: str
    size: int = 0

    @property
    def folder(self) -> str:
        """The folder of its table and day."""
        return self.path.rpartition("/")[0]

    @property
    def windows(self) -> range:
        """The numbers of its windows."""
        return range(self.first, self.last + 1)

    def is_within(self, first: int, last: int) -> bool:
        """Tell whether its windows are among these."""
        return first <= self.first and self.last <= last


def window_name(number: int) -> str:
    """Give a window's id, which sorts in commit order."""
    return f"{number:08d}"


def shard_path(table: str, date: str, first: int, last: int) -> str:
    """Name the shard of these windows, relative to the output; ``date`` is YYYY-MM-DD."""
    name = window_name(first) if first == last else f"{window_name(first)}-{window_name(last)}"
    return f"{table}/date={date}/{name}.parquet"


def listed_shards(output: Output, table: str) -> list[Shard]:
    """List a table's shards by window, replaced ones too; files of other names are not goldpan's.

    A listing that a compaction overtakes may have neither its new file nor an old one, so it is made until two are
    alike.
    """
    before: list[Shard] | None = None
    while True:
        found = sorted(_parsed(output.sizes(table, ".parquet")))
        if found == before:
            return found
        before = found


def current(listed: Iterable[Shard]) -> list[Shard]:
    """Leave out what is replaced; gives the rest by window."""
    found: list[Shard] = []
    for _, shards in groupby(sorted(listed, key=lambda one: one.folder), key=lambda one: one.folder):
        reached = -1
        for shard in sorted(shards, key=lambda one: (one.first, -one.last)):
            if shard.last > reached:
                found.append(shard)
                reached = shard.last
    return sorted(found)


def shards(output: Output, table: str) -> list[Shard]:
    """List the shards that count, by window."""
    return current(listed_shards(output, table))


def read_verdicts(
    output: Output, columns: list[str], *, newest_first: bool = False, without: frozenset[str] = frozenset()
) -> Iterator[tuple[Shard, pa.Table]]:
    """Read every verdict row once, in the order of windows, though a compaction may run meanwhile.

    What is committed after this began is not given, nor are its windows; nor are the shards ``without`` which it is
    to be, by their paths.
    """
    step = -1 if newest_first else 1
    waiting = [one for one in shards(output, LEDGER)[::step] if one.path not in without]
    newest = max((one.last for one in waiting), default=0)
    given: set[int] = set()
    while waiting:
        shard = waiting.pop(0)
        try:
            table = output.read_table(shard.path, [*dict.fromkeys([*columns, "window"])])
        except OSError:
            if output.exists(shard.path):
                raise
            # It was compacted meanwhile; what replaces it may hold windows that were given already, or are too new.
            listed = shards(output, LEDGER)[::step]
            unread = (one for one in listed if one.path not in without)
            waiting = [one for one in unread if not given.issuperset(_until(one, newest).windows)]
            continue
        if unwanted := [number for number in shard.windows if number in given or number > newest]:
            names = pa.array(map(window_name, unwanted))
            table = table.filter(pc.invert(pc.is_in(table["window"], names)))
        given.update(shard.windows)
        yield _until(shard, newest), table.select(columns)


def _until(shard: Shard, newest: int) -> Shard:
    """Leave its later windows out; it has none where all are later."""
    return replace(shard, last=min(shard.last, newest))


def read_beside(output: Output, table: str, windows: range) -> pa.Table | None:
    """Read another table's rows of some windows, and of those that were compacted with them; None where there are none.

    Its shards need not be compacted like the ledger's.
    """
    tried: list[Shard] = []
    while True:
        parts = [
            one for one in shards(output, table) if one.first < windows.stop and windows.start <= one.last
        ]
        try:
            return pa.concat_tables([output.read_table(one.path) for one in parts]) if parts else None
        except OSError:
            if parts == tried:
                raise
            tried = parts  # one was compacted meanwhile


def _parsed(sizes: dict[str, int]) -> Iterator[Shard]:
    for path, size in sizes.items():
        if name := _NAME.fullmatch(path):
            yield Shard(int(name["first"]), int(name["last"] or name["first"]), path, size)


def date_of(shard: Shard) -> str:
    """Give the day of a shard, YYYY-MM-DD."""
    return PurePosixPath(shard.path).parent.name.removeprefix("date=")
