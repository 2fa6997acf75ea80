"""Dumps: files of posts as Pushshift and Arctic Shift publish them, a JSON object a line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field
from typing import Any

import pyarrow as pa

from actors.crawler.sources.dumps.ahead import readers
from actors.crawler.sources.dumps.files import DumpFile, find, shown
from actors.crawler.sources.dumps.lines import blocks
from actors.crawler.sources.dumps.packing import BrokenDumpError, unpacked
from actors.crawler.sources.dumps.reader import Reader, kind_of, reason
from actors.crawler.sources.dumps.wanted import Wanted
from actors.crawler.sources.source import PAGE, Cursor, Page
from actors.crawler.sources.spec import SourceError, SourceSpec

_NAMED = 5  # files in a note


@dataclass(slots=True)
class _Progress:
    """What a cursor says: the file (by its mark) and the place in its text, None at its end.

    ``posts`` are of this file, ``count`` of all; ``broken`` holds, for each file that broke off, what is said of it at
    the end, and the cursor from which it is tried again.
    """

    file: str
    place: int | None = 0
    posts: int = 0
    count: int = 0
    broken: list[dict[str, Any]] = field(default_factory=list)


class DumpSource:
    """``dump:FILE`` or ``dump:FOLDER``: posts in the order of a file's lines, files in the order of their names.

    Several files are read at a time, but come one after the other. Options: ``subreddit`` and ``author`` (several
    as A+B), ``after`` (that moment is in) and ``before`` (that one is not), ``limit`` (posts). A line that may be
    wanted and cannot be read is a submission all the same, and ends as ``malformed``.
    """

    def __init__(self, spec: SourceSpec) -> None:
        self._place = spec.name
        options = "".join(f",{name}={value}" for name, value in spec.options.items())
        self._text = f"dump:{shown(spec.name)}{options}"
        self._wanted = Wanted(spec.options)
        self._limit = int(spec.options["limit"]) if "limit" in spec.options else None

    def check(self) -> None:
        """Find the first file that holds posts, and read its beginning."""
        files = find(self._place)
        alone = len(files) == 1
        kinds = set()
        for file in files:
            kind = "comments" if file.of_comments and not alone else self._kind(file, alone=alone)
            if kind is None:
                return
            kinds.add(kind)
        held = " and ".join(sorted(kinds)) or "nothing"
        raise SourceError(
            f"{self._text} holds {held}; give a dump of submissions, such as RS_2024-01.zst or r_NAME_posts.jsonl"
        )

    def _kind(self, file: DumpFile, *, alone: bool) -> str | None:
        try:
            with file.open() as raw:
                block = next(blocks(unpacked(raw)), None)
        except (BrokenDumpError, OSError, pa.ArrowException) as error:
            if alone:
                raise SourceError(f"{self._text} {reason(error)}") from None
            return None  # it is told when its turn comes
        return "nothing" if block is None else kind_of(block.data)

    def pages(self, cursor: Cursor | None) -> Iterator[Page]:
        """Yield pages of up to 100 posts, and one a second at least.

        The last cursor is behind the last file, so that a later run reads what was added since; a cursor counts for
        nothing where it or a file before it is not the same any more. SourceError names broken files when all were
        read, and the last cursor is then at the first of them.
        """
        files = find(self._place)
        yield from _Reading(files, cursor, self._text, self._wanted, self._limit).pages()


class _Reading:
    """One way through the files, from a cursor on."""

    def __init__(
        self, files: list[DumpFile], cursor: Cursor | None, text: str, wanted: Wanted, limit: int | None
    ) -> None:
        self._text, self._wanted, self._limit = text, wanted, limit
        self._alone = len(files) == 1
        start = next((n for n, file in enumerate(files) if cursor and file.mark == cursor["file"]), None)
        if start is None or cursor is None:
            self._progress = _Progress(files[0].mark if files else "")
        else:
            self._progress = _Progress(**cursor | {"broken": list(cursor["broken"])})
        self._files = files[start or 0 :]
        self._first = self._progress.file
        self._skip = self._progress.place
        self._left_out: defaultdict[str, list[str]] = defaultdict(list)

    def pages(self) -> Iterator[Page]:
        """Yield them all; SourceError at the end for what is broken."""
        with closing(readers(self._chosen(), self._start)) as ahead:
            while self._room and (reader := next(ahead, None)) is not None:
                yield from self._pages_of(reader)
        notes = tuple(
            f"{self._text}: left out {_names(names)}: {why}" for why, names in self._left_out.items()
        )
        broken = self._progress.broken
        yield Page((), broken[0]["cursor"] if broken else asdict(self._progress), notes=notes)
        if broken:
            raise SourceError("; ".join(one["error"] for one in broken))

    @property
    def _room(self) -> int:
        return PAGE if self._limit is None else min(PAGE, self._limit - self._progress.count)

    def _chosen(self) -> Iterator[DumpFile]:
        for file in self._files:
            if file.mark == self._first and self._skip is None:
                continue
            if file.of_comments and not self._alone:
                self._left_out["comments have no images"].append(file.name)
            elif not self._wanted.may_be_in(file.name):
                self._left_out["by its name all in it is outside of after= and before="].append(file.name)
            else:
                yield file

    def _start(self, file: DumpFile) -> Reader:
        skip = self._skip if file.mark == self._first else None
        return Reader(file, self._wanted, self._text, skip or 0)

    def _pages_of(self, reader: Reader) -> Iterator[Page]:
        if reader.file.mark != self._progress.file:
            self._progress = _Progress(
                reader.file.mark, count=self._progress.count, broken=self._progress.broken
            )
        while self._room and not reader.ended:
            submissions, place = reader.take(self._room)
            self._progress.place = place
            self._progress.posts += len(submissions)
            self._progress.count += len(submissions)
            yield Page(tuple(submissions), asdict(self._progress))
        if reader.ended:
            yield self._end(reader)

    def _end(self, reader: Reader) -> Page:
        """Note what a file was like, and move the cursor to its end."""
        name, progress = reader.file.name, self._progress
        notes = []
        if reader.kind is not None:
            self._left_out[f"they hold {reader.kind}"].append(name)
        if reader.comments:
            notes.append(f"{self._text}: {name}: left out {reader.comments:,} comments among its posts")
        if reader.malformed:
            notes.append(f"{self._text}: {name}: {reader.malformed:,} lines cannot be read (malformed)")
        if reader.failure is not None:
            error = (
                f"{self._text}: {name} {reader.failure}; the {progress.posts:,} posts before that were taken"
            )
            again = asdict(progress) | {"broken": []}
            way_out = f"{error}. Mend or replace it, and run the same command again"
            progress.broken = [*progress.broken, {"error": way_out, "cursor": again}]
        progress.place = None
        return Page((), asdict(progress), notes=tuple(notes))


def _names(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"
