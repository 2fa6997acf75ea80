"""Small shards put together: a run leaves hundreds of windows a day, and every reader opens each of their files.

Nothing is ever wrong for a reader of ``actors.shards``, whenever this dies: the new file is there whole or not at all,
says by its name which it replaces, and only then are those removed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby, pairwise

import pyarrow as pa
import pyarrow.compute as pc

from actors.shards import LEDGER, TABLES, Shard, current, date_of, listed_shards, shard_path
from actors.storage import Output, OutputError

# Of a group's files; those of one table are in memory while they are put together.
MOST_BYTES = 64 << 20
_WAY_OUT = "See what is wrong: goldpan doctor OUT, and goldpan doctor OUT --repair"


@dataclass(frozen=True, slots=True)
class Group:
    """Windows of one day that become one shard a table."""

    date: str
    first: int
    last: int


@dataclass(slots=True)
class Piece:
    """Windows that are in one shard of some table; ``size`` is that of all their shards, ``parts`` counts them."""

    first: int
    last: int
    size: int = 0
    parts: Counter[str] = field(default_factory=Counter)

    @property
    def is_half_done(self) -> bool:
        """Tell whether a compaction died between two tables."""
        return max(self.parts.values()) > 1


def compact(
    output: Output, *, through: int | None = None, least: int | None = None, most: int = MOST_BYTES
) -> Iterator[Group]:
    """Put small shards together, and give each group when it is done; only the holder of the lock may.

    Later windows than ``through`` are left alone. With ``least``, so are those of the last day until there are so
    many; ``most`` is in bytes.
    """
    remove_replaced(output)
    listed = {table: listed_shards(output, table) for table in TABLES}
    for group in groups(listed, through=through, least=least, most=most):
        parts = {table: [one for one in listed[table] if _is_of(one, group)] for table in TABLES}
        made = [one for table in TABLES for one in _merged(output, table, group, parts[table])]
        for new, replaced in made:
            _remove(output, new, replaced)
        if made:
            yield group


def groups(
    listed: dict[str, list[Shard]],
    *,
    through: int | None = None,
    least: int | None = None,
    most: int = MOST_BYTES,
) -> Iterator[Group]:
    """Choose what to put together: windows without a gap, of one day, as many as fit."""
    days = sorted({date_of(shard) for shard in listed[LEDGER]})
    for date in days:
        of_day = {
            table: [one for one in current(found) if date_of(one) == date] for table, found in listed.items()
        }
        pieces = [one for one in _pieces(of_day) if through is None or one.last <= through]
        if least is not None and date == days[-1]:
            # What was put together today waits for the day's end, or it would be copied again and again.
            pieces = [one for one in pieces if one.first == one.last or one.is_half_done]
            enough = least
        else:
            enough = 2
        for held, is_full in _packed(pieces, most):
            if len(held) >= enough or (is_full and len(held) > 1) or any(one.is_half_done for one in held):
                yield Group(date, held[0].first, held[-1].last)


def remove_replaced(output: Output) -> None:
    """Remove the shards that others replace, where a compaction that died had not come to it."""
    for table in TABLES:
        listed = listed_shards(output, table)
        counting = current(listed)
        replaced = sorted(set(listed) - set(counting))
        for new, old in groupby(replaced, key=lambda one: _replacing(one, counting)):
            _remove(output, new.path, old)


def _remove(output: Output, new: str, replaced: Iterable[Shard]) -> None:
    keys = _read(output, new)["key"].combine_chunks()
    old = [one.path for one in replaced]
    for path in old:
        if not pc.all(pc.is_in(_read(output, path)["key"], keys), min_count=0).as_py():
            raise OutputError(f"{new} should replace {path}, and lacks some of its rows. {_WAY_OUT}")
    for path in old:
        output.remove(path)


def _read(output: Output, path: str) -> pa.Table:
    with _telling(path):
        table = output.read_table(path)
    if "key" not in table.column_names:
        raise OutputError(f"{path} has no column key. {_WAY_OUT}")
    return table


def _schema(output: Output, path: str) -> pa.Schema:
    with _telling(path):
        return output.read_schema(path)


@contextmanager
def _telling(path: str) -> Iterator[None]:
    try:
        yield
    except pa.ArrowException as error:
        raise OutputError(f"{path} cannot be read: {error}. {_WAY_OUT}") from error


def _replacing(old: Shard, counting: list[Shard]) -> Shard:
    return next(one for one in counting if one.folder == old.folder and old.is_within(one.first, one.last))


def _merged(
    output: Output, table: str, group: Group, parts: list[Shard]
) -> Iterator[tuple[str, list[Shard]]]:
    """Write a group's shards, and give the path of each with what it replaces.

    It is one, but where columns change, or the length of vectors: those stay apart, and are looked at by their footers
    alone whenever this comes by again.
    """
    runs = _alike(output, parts)
    firsts = [group.first, *(run[0].first for run in runs[1:])]
    for run, (first, after) in zip(runs, pairwise([*firsts, group.last + 1]), strict=True):
        if len(run) > 1:
            path = shard_path(table, group.date, first, after - 1)
            output.write_table(path, pa.concat_tables(_read(output, one.path) for one in run))
            yield path, run


def _alike(output: Output, parts: list[Shard]) -> list[list[Shard]]:
    """Cut shards, at least one run of them, where the next has another schema."""
    runs: list[list[Shard]] = [parts[:1]]
    schemas = [_schema(output, one.path) for one in parts] if len(parts) > 1 else []
    for one, (before, schema) in zip(parts[1:], pairwise(schemas), strict=True):
        if schema.equals(before):
            runs[-1].append(one)
        else:
            runs.append([one])
    return runs


def _is_of(shard: Shard, group: Group) -> bool:
    return date_of(shard) == group.date and shard.is_within(group.first, group.last)


def _pieces(of_day: dict[str, list[Shard]]) -> list[Piece]:
    """Cut a day's windows where no table has a shard over the cut; only those whose verdicts are all there."""
    cuts: list[Piece] = []
    for shard, table in sorted((shard, table) for table, found in of_day.items() for shard in found):
        if not cuts or shard.first > cuts[-1].last:
            cuts.append(Piece(shard.first, shard.last))
        cuts[-1].last = max(cuts[-1].last, shard.last)
        cuts[-1].size += shard.size
        cuts[-1].parts[table] += 1
    judged = {number for shard in of_day[LEDGER] for number in shard.windows}
    return [one for one in cuts if judged.issuperset(range(one.first, one.last + 1))]


def _packed(pieces: Iterable[Piece], most: int) -> Iterator[tuple[list[Piece], bool]]:
    """Pack pieces that follow one another; tells of each pack whether the next would not have fitted in."""
    held: list[Piece] = []
    for piece in pieces:
        follows = bool(held) and piece.first == held[-1].last + 1
        fits = sum(one.size for one in held) + piece.size <= most
        if held and not (follows and fits):
            yield held, follows
            held = []
        held.append(piece)
    if held:
        yield held, False
