"""A folder of the user's: a submission for every regular file in it, image or not."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import quote, unquote_to_bytes

from actors.crawler.sources.source import PAGE, Cursor, Page
from actors.crawler.sources.spec import SourceError, SourceSpec
from models.keys import folder_item
from models.records import Submission

Place = tuple[bytes, ...]
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Found:
    """A file, or a folder that cannot be listed, by its path relative to the root."""

    place: Place
    path: Path
    readable: bool


class FolderSource:
    """``folder:DIR``, depth first in the order of the names' bytes, which is the same on every run.

    Links to files inside the folder are read; links that lead out of it, and links to folders, are not followed.
    """

    def __init__(self, spec: SourceSpec) -> None:
        if "://" in spec.name:
            raise SourceError(f"{spec.text}: this version of goldpan reads local folders only; copy it first")
        self._text = spec.text
        self._root = Path(spec.name).expanduser().resolve()

    def check(self) -> None:
        """Find the first file."""
        if self._root.is_file():
            raise SourceError(f"{self._text} is a file: for a list of URLs write urls:{self._root.name}")
        if not self._root.is_dir():
            raise SourceError(f"{self._text}: there is no such folder; give the path of a folder with images")
        if not os.access(self._root, os.R_OK | os.X_OK):
            raise SourceError(f"{self._text}: the folder cannot be read; check its permissions")
        if next(self._walk(self._root, (), ()), None) is None:
            raise SourceError(f"{self._text}: the folder has no files; give one that holds images")

    def pages(self, cursor: Cursor | None) -> Iterator[Page]:
        """Yield the files in pages of 100; the cursor is the last path, percent-encoded."""
        after = tuple(unquote_to_bytes((cursor or {}).get("after", "")).split(b"/"))
        held: list[Found] = []
        for found in self._walk(self._root, (), after if after != (b"",) else ()):
            if len(held) == PAGE:
                yield self._page(held, ended=False)
                held = []
            held.append(found)
        yield self._page(held, ended=True)

    def _page(self, held: list[Found], *, ended: bool) -> Page:
        cursor = {} if ended else {"after": quote(b"/".join(held[-1].place))}
        return Page(tuple(map(self._submission, held)), cursor)

    def _submission(self, found: Found) -> Submission:
        relative = PurePosixPath(os.fsdecode(b"/".join(found.place)))
        # As a URL it is valid text, whatever bytes are in the name.
        post = {"path": str(found.path), "uri": found.path.as_uri()} if found.readable else {}
        return Submission(folder_item(relative), self._text, post)

    def _walk(self, folder: Path, prefix: Place, after: Place) -> Iterator[Found]:
        try:
            with os.scandir(folder) as scan:
                entries = sorted(scan, key=lambda entry: os.fsencode(entry.name))
        except OSError as error:
            _log.warning("cannot list %r: %s", str(folder), error.strerror)
            if prefix > after:
                yield Found(prefix, folder, False)
            return
        for entry in entries:
            place = (*prefix, os.fsencode(entry.name))
            if place < after[: len(place)]:
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from self._walk(Path(entry.path), place, after)
            elif place > after and self._is_ours(entry):
                yield Found(place, Path(entry.path), True)

    def _is_ours(self, entry: os.DirEntry[str]) -> bool:
        if not entry.is_symlink():
            return entry.is_file(follow_symlinks=False)
        target = Path(os.path.realpath(entry.path))
        if target.is_relative_to(self._root):
            return target.is_file()
        _log.info("not followed, it leads out of the folder: %r", entry.path)
        return False
