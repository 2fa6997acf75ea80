"""A list of URLs in a file, of this machine or at s3:// and the like: text, CSV, TSV or Parquet, maybe compressed."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import pyarrow as pa

from actors.crawler.remote import Place, PlaceError, explain, is_remote, place_of
from actors.crawler.sources.source import PAGE, Cursor, Page
from actors.crawler.sources.spec import SourceError, SourceSpec
from actors.crawler.sources.tables import Row, Table, csv_table, parquet_table, text_table

_PARQUET = (".parquet", ".pq")
_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_JSON = (".json", ".jsonl", ".ndjson")
_CODECS = {".gz": "gzip", ".zst": "zstd", ".zstd": "zstd", ".bz2": "bz2"}
_PATIENCE = 1.0  # seconds without a page, while rows are passed by


class UrlList:
    """``urls:FILE``: one URL a line (``#`` comments), or a table with a ``url`` column in any case.

    Its other columns are carried into the rows; the option ``column`` names the one with the URLs. A line that is no
    URL is a submission all the same, and ends as ``bad_url``; of a URL that is listed twice the first row counts.
    """

    def __init__(self, spec: SourceSpec) -> None:
        self._text = spec.text
        self._column = spec.options.get("column")
        try:
            self._place = place_of(spec.name) if is_remote(spec.name) else Path(spec.name).expanduser()
        except PlaceError as error:
            raise SourceError(f"urls: {error}") from None

    def check(self) -> None:
        """Read the first entry."""
        if isinstance(self._place, Path) and self._place.is_dir():
            raise SourceError(f"{self._text} is a folder: for its images write folder:{self._place.name}")
        with self._opened(0) as table:
            if next(table.rows, None) is None:
                raise SourceError(f"{self._text}: the list is empty; put one URL on each line")

    def pages(self, cursor: Cursor | None) -> Iterator[Page]:
        """Yield pages of up to 100 entries, the same URL maybe several times; the cursor counts entries."""
        start = int((cursor or {}).get("entries", 0))
        told = time.monotonic()
        with self._opened(start) as table:
            count = table.skipped
            while held := list(islice(table.rows, PAGE)):
                count += len(held)
                if count > start:
                    yield _page(table, held[start - count :], count)
                elif time.monotonic() - told > _PATIENCE:
                    told = time.monotonic()
                    yield Page((), {"entries": start})
        yield Page((), {})

    @contextmanager
    def _opened(self, start: int) -> Iterator[Table]:
        with ExitStack() as stack, self._told():
            yield self._table(stack, start)

    def _table(self, stack: ExitStack, start: int) -> Table:
        name = PurePosixPath(self._place.path if isinstance(self._place, Place) else self._place.name)
        codec = _CODECS.get(name.suffix.lower())
        kind = (PurePosixPath(name.stem) if codec else name).suffix.lower()
        if kind in _JSON or (codec and kind in _PARQUET):
            raise SourceError(f"{self._text}: {kind} is not read here; make it a txt, csv, tsv or parquet")
        if kind in _PARQUET:
            return parquet_table(stack.enter_context(self._file()), self._text, self._column, start)
        file = self._stream(stack, codec)
        if kind in _DELIMITERS:
            return csv_table(file, _DELIMITERS[kind], self._text, self._column)
        return text_table(file, self._text)

    def _file(self) -> BinaryIO | pa.NativeFile:
        if isinstance(self._place, Path):
            return self._place.open("rb")
        filesystem, path = self._place.open()
        return filesystem.open_input_file(path)

    def _stream(self, stack: ExitStack, codec: str | None) -> io.BufferedReader:
        file = stack.enter_context(self._file())
        if codec is not None:
            held = file if isinstance(file, pa.NativeFile) else pa.PythonFile(file, mode="r")
            file = stack.enter_context(pa.CompressedInputStream(held, codec))
        return file if isinstance(file, io.BufferedReader) else io.BufferedReader(file, 1 << 20)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what goes wrong with the file into SourceError."""
        try:
            yield
        except FileNotFoundError:
            raise SourceError(
                f"{self._text}: there is no such file; give the path of a list of URLs"
            ) from None
        except (OSError, pa.ArrowException) as error:
            if isinstance(self._place, Place):
                raise SourceError(f"{self._text}: {explain(error, self._place)}") from None
            why = getattr(error, "strerror", None) or str(error).splitlines()[0]
            raise SourceError(f"{self._text}: the file cannot be read, or not to its end: {why}") from None


def _page(table: Table, held: list[Row], count: int) -> Page:
    submissions = tuple(map(table.submission, held))
    notes = tuple(table.columns.notes)
    table.columns.notes.clear()
    return Page(submissions, {"entries": count}, notes=notes)
