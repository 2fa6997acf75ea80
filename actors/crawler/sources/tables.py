"""The formats of a list: lines of text, CSV and TSV, Parquet; each is streamed, however long it is."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from actors.crawler.sources.columns import LARGEST_EXTRA, URL, Columns
from actors.crawler.sources.plain import plain_values
from actors.crawler.sources.source import PAGE
from actors.crawler.sources.spec import SourceError
from models.records import Submission

_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_LONGEST_LINE = 16 << 20  # characters
_LARGEST_COLUMN = 2 * LARGEST_EXTRA  # bytes a row, on average
# A row's values; why it cannot be read, where it cannot.
Row = list[Any] | str


@dataclass(frozen=True, slots=True)
class Table:
    """A list's columns and rows; the first ``skipped`` rows were asked to be left out, and could be without a look."""

    columns: Columns
    rows: Iterator[Row]
    skipped: int = 0

    def submission(self, row: Row) -> Submission:
        """Make a row's submission."""
        return self.columns.unreadable(row) if isinstance(row, str) else self.columns.submission(row)


def text_table(file: io.BufferedReader, source: str) -> Table:
    """Read one URL a line; blank lines, and comments behind ``#``, are left out."""
    lines = map(str.strip, _lines(file, source))
    return Table(Columns([URL], source), ([line] for line in lines if line and not line.startswith("#")))


def csv_table(file: io.BufferedReader, delimiter: str, source: str, column: str | None) -> Table:
    """Read a table with a header; SourceError where it has no column of URLs."""
    rows = csv.reader(_lines(file, source), delimiter=delimiter)
    try:
        header = next(rows, [])
    except csv.Error as error:
        raise SourceError(f"{source}: the header cannot be read ({error}); write it as plain CSV") from None
    return Table(Columns(header, source, column), _rows(rows))


def parquet_table(file: Any, source: str, column: str | None, start: int) -> Table:
    """Read a Parquet file, without the row groups that end before row ``start``.

    A column is read by the page, as a row group may hold more than the memory does.
    """
    table = pq.ParquetFile(file, buffer_size=1 << 20, pre_buffer=False)
    columns = Columns(table.schema_arrow.names, source, column)
    groups, skipped = list(range(table.num_row_groups)), 0
    while groups and skipped + (rows := table.metadata.row_group(groups[0]).num_rows) <= start:
        skipped += rows
        del groups[0]
    return Table(columns, (row for group in groups for row in _rows_of(table, group, columns)), skipped)


def _rows_of(table: pq.ParquetFile, group: int, columns: Columns) -> Iterator[Row]:
    """Read a row group, without the columns that no row could carry: their pages may be gigabytes (images)."""
    names = table.schema_arrow.names
    sizes = {place: size for place, size in enumerate(_sizes(table, group)) if size > _LARGEST_COLUMN}
    large = {
        place: size
        for place, size in sizes.items()
        if place != columns.place and names.count(names[place]) == 1
    }
    read = [name for place, name in enumerate(names) if place not in large]
    for batch in table.iter_batches(PAGE, row_groups=[group], columns=read):
        found = map(plain_values, batch.columns)
        values = [
            [columns.left_out(name, f"about {large[place]} bytes")] * len(batch)
            if place in large
            else next(found)
            for place, name in enumerate(names)
        ]
        yield from map(list, zip(*values, strict=True))


def _sizes(table: pq.ParquetFile, group: int) -> Iterator[int]:
    """Give the bytes that a row has on average in each column; a nested one is several to Parquet."""
    held = table.metadata.row_group(group)
    leaf = 0
    for field in table.schema_arrow:
        leaves = range(leaf, leaf := leaf + _leaves(field.type))
        yield sum(held.column(at).total_uncompressed_size for at in leaves) // max(held.num_rows, 1)


def _leaves(kind: pa.DataType) -> int:
    kind = kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind
    return sum(_leaves(kind.field(at).type) for at in range(kind.num_fields)) or 1


def _lines(file: io.BufferedReader, source: str) -> Iterator[str]:
    _refuse_binary(file.peek(4096), source)
    text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")
    while line := text.readline(_LONGEST_LINE):
        if len(line) == _LONGEST_LINE:
            raise SourceError(f"{source}: a line of more than 16 MiB; give a list with one URL on each line")
        yield line


def _refuse_binary(head: bytes, source: str) -> None:
    if head.startswith(_UTF16):
        raise SourceError(f"{source}: the file is UTF-16; save it as UTF-8")
    if b"\0" in head:
        raise SourceError(f"{source}: not a text file; give a list of URLs as txt, csv, tsv or parquet")


def _rows(rows: Any) -> Iterator[Row]:
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield f"near line {rows.line_num}: {error}"
        else:
            if row:
                yield row
