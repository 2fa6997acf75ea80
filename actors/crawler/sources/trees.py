"""Trees of files, listed a folder at a time: of this machine, and of any filesystem that pyarrow knows."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.fs as pafs

from actors.crawler.remote import Place, explain
from actors.crawler.sources.spec import SourceError

# The names that lead from the root to a file or folder.
Names = tuple[bytes, ...]
_log = logging.getLogger(__name__)


class Tree(Protocol):
    """What a folder source walks through."""

    def check(self) -> None:
        """Make sure that the root is a folder that can be listed; SourceError says what to do."""
        ...

    def entries(self, folder: Names) -> list[tuple[bytes, bool]] | None:
        """Give a folder's files and folders, each with whether it is one; None where it cannot be listed.

        SourceError where nothing can be listed any more.
        """
        ...

    def uri(self, names: Names) -> str:
        """Give a file's URI, valid text whatever bytes are in its name."""
        ...


class LocalTree:
    """A folder of this machine.

    Links to files inside of it are read; links that lead out of it, and links to folders, are not followed.
    """

    def __init__(self, root: str, text: str) -> None:
        self._text = text
        self._root = Path(root).expanduser().resolve()

    def check(self) -> None:
        """Look at the root."""
        if self._root.is_file():
            raise SourceError(f"{self._text} is a file: for a list of URLs write urls:{self._root.name}")
        if not self._root.is_dir():
            raise SourceError(f"{self._text}: there is no such folder; give the path of a folder with images")
        if not os.access(self._root, os.R_OK | os.X_OK):
            raise SourceError(f"{self._text}: the folder cannot be read; check its permissions")
        if not any(names for _, _, names in os.walk(self._root)):
            raise SourceError(f"{self._text}: the folder has no files; give one that holds images")

    def entries(self, folder: Names) -> list[tuple[bytes, bool]] | None:
        """List a folder; None where its permissions do not let us, or it is gone."""
        path = self._path(folder)
        try:
            with os.scandir(path) as scan:
                found = ((entry, entry.is_dir(follow_symlinks=False)) for entry in scan)
                return [
                    (os.fsencode(entry.name), is_folder)
                    for entry, is_folder in found
                    if is_folder or self._is_ours(entry)
                ]
        except OSError as error:
            _log.warning("cannot list %r: %s", str(path), error.strerror)
            return None

    def uri(self, names: Names) -> str:
        """Give a ``file://`` URI."""
        return self._path(names).as_uri()

    def _path(self, names: Names) -> Path:
        return self._root / os.fsdecode(b"/".join(names))

    def _is_ours(self, entry: os.DirEntry[str]) -> bool:
        if not entry.is_symlink():
            return entry.is_file(follow_symlinks=False)
        target = Path(os.path.realpath(entry.path))
        if target.is_relative_to(self._root):
            return target.is_file()
        _log.info("not followed, it leads out of the folder: %r", entry.path)
        return False


class RemoteTree:
    """A folder, or all below a prefix, at s3:// and the like."""

    def __init__(self, root: Place, text: str) -> None:
        self._text = text
        self._root = root

    def check(self) -> None:
        """Look at the root."""
        try:
            filesystem, path = self._root.open()
            kind = filesystem.get_file_info(path).type
        except (OSError, pa.ArrowException) as error:
            raise self._error(error) from None
        if kind == pafs.FileType.File:
            raise SourceError(f"{self._text} is a file: for a list of URLs write urls:{self._root.uri}")
        if kind == pafs.FileType.NotFound:
            raise SourceError(f"{self._text}: there is no such folder; check its path, and that it has files")

    def entries(self, folder: Names) -> list[tuple[bytes, bool]]:
        """List a folder, in as many requests as it takes."""
        try:
            filesystem, path = self._place(folder).open()
            found = filesystem.get_file_info(pafs.FileSelector(path, allow_not_found=True))
        except (OSError, pa.ArrowException) as error:
            raise self._error(error) from None
        return [_entry(info, path) for info in found]

    def uri(self, names: Names) -> str:
        """Give the URI that ``actors.crawler.files`` reads."""
        return self._place(names).uri

    def _place(self, names: Names) -> Place:
        return self._root.below(b"/".join(names).decode()) if names else self._root

    def _error(self, error: OSError | pa.ArrowException) -> SourceError:
        return SourceError(f"{self._text}: {explain(error, self._root)}")


def _entry(info: pafs.FileInfo, folder: str) -> tuple[bytes, bool]:
    if info.path.rstrip("/") == folder.rstrip("/"):
        # A key with // in it, which pyarrow can neither list nor read: it has no name, and would lead round for ever.
        _log.warning("cannot be read, as there is // in their names: files below %r", f"{folder}//")
        return b"", False
    return info.base_name.encode(), info.type == pafs.FileType.Directory
