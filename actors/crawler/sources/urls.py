"""A list of URLs in a file: text, CSV, TSV or Parquet."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from actors.crawler.sources.source import PAGE, Cursor, Page
from actors.crawler.sources.spec import SourceError, SourceSpec
from actors.ledger import HashSet
from models.keys import url_item
from models.records import Submission

COLUMN = "url"
_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class UrlList:
    """``urls:FILE``: one URL a line (``#`` comments), or a ``url`` column in any case.

    A line that is no URL is a submission all the same, and ends as ``bad_url``; a URL listed twice is one.
    """

    def __init__(self, spec: SourceSpec) -> None:
        if "://" in spec.name:
            raise SourceError(
                f"{spec.text}: this version of goldpan reads local lists only; download it first"
            )
        self._text = spec.text
        self._path = Path(spec.name).expanduser()

    def check(self) -> None:
        """Read the first entry."""
        if self._path.is_dir():
            raise SourceError(f"{self._text} is a folder: for its images write folder:{self._path.name}")
        if next(self._entries(), None) is None:
            raise SourceError(f"{self._text}: the list is empty; put one URL on each line")

    def pages(self, cursor: Cursor | None) -> Iterator[Page]:
        """Yield pages of 100 entries (fewer submissions, where URLs are listed again)."""
        start = int((cursor or {}).get("entries", 0))
        seen, entries, count = HashSet(), self._entries(), 0
        while held := list(islice(entries, PAGE)):
            count += len(held)
            # What was read before counts as seen: a URL may be listed again behind the cursor.
            new = [url for url in dict.fromkeys(held) if url_item(url) not in seen]
            seen.add(map(url_item, new))
            if count > start:
                yield Page(tuple(map(self._submission, new)), {"entries": count})
        yield Page((), {})

    def _submission(self, url: str) -> Submission:
        return Submission(url_item(url), self._text, {"url": url})

    def _entries(self) -> Iterator[str]:
        try:
            suffix = self._path.suffix.lower()
            if suffix in (".parquet", ".pq"):
                yield from self._of_parquet()
            elif suffix in _DELIMITERS:
                yield from self._of_table(_DELIMITERS[suffix])
            else:
                yield from self._of_text()
        except FileNotFoundError:
            raise SourceError(
                f"{self._text}: there is no such file; give the path of a list of URLs"
            ) from None
        except OSError as error:
            raise SourceError(f"{self._text}: the file cannot be read ({error.strerror or error})") from None

    def _of_text(self) -> Iterator[str]:
        self._refuse_binary()
        with self._path.open(encoding="utf-8-sig", errors="surrogateescape") as file:
            for line in file:
                text = line.strip()
                if text and not text.startswith("#"):
                    yield text

    def _of_table(self, delimiter: str) -> Iterator[str]:
        self._refuse_binary()
        with self._path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            rows = csv.reader(file, delimiter=delimiter)
            place = self._column(next(rows, []))
            while True:
                try:
                    row = next(rows)
                except StopIteration:
                    return
                except csv.Error as error:
                    row = [""] * place + [f"unreadable row near line {rows.line_num}: {error}"]
                if row:
                    yield row[place].strip() if place < len(row) else ""

    def _of_parquet(self) -> Iterator[str]:
        try:
            with pq.ParquetFile(self._path) as file:
                names = file.schema_arrow.names
                name = names[self._column(names)]
                for batch in file.iter_batches(PAGE * 100, columns=[name]):
                    values = batch.column(0).cast(pa.string()).to_pylist()
                    yield from ((value or "").strip() for value in values)
        except pa.ArrowException as error:
            raise SourceError(
                f"{self._text}: not a Parquet file with URLs ({type(error).__name__})"
            ) from None

    def _column(self, names: list[str]) -> int:
        for place, name in enumerate(names):
            if name.strip().lower() == COLUMN:
                return place
        found = ", ".join(map(repr, names[:12])) or "nothing"
        raise SourceError(f"{self._text}: no column {COLUMN!r} among {found}; rename the one with the URLs")

    def _refuse_binary(self) -> None:
        with self._path.open("rb") as file:
            head = file.read(4096)
        if head.startswith(_UTF16):
            raise SourceError(f"{self._text}: the file is UTF-16; save it as UTF-8")
        if b"\0" in head:
            raise SourceError(
                f"{self._text}: not a text file; give a list of URLs as txt, csv, tsv or parquet"
            )
