"""The files of a dump, on this machine or at s3:// and the like."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.fs as pafs

from actors.crawler.locate import printable, unread, without_userinfo
from actors.crawler.remote import PlaceError, is_remote, place_of
from actors.crawler.sources.spec import SourceError

_BUFFER = 1 << 20
_OF_COMMENTS = re.compile(r"(?:^|/)RC_|_comments\.", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class DumpFile:
    """A file by its name within the dump; ``mark`` is a digest of what it and all files before it are."""

    name: str
    version: str
    open: Callable[[], AbstractContextManager[BinaryIO]]
    mark: str = ""

    @property
    def of_comments(self) -> bool:
        """Whether its name says that it holds comments: RC_2024-01.zst, r_NAME_comments.jsonl."""
        return _OF_COMMENTS.search(self.name) is not None


def shown(place: str) -> str:
    """Give a file's or folder's place as it may stand in a row: a URI's userinfo and query may hold credentials."""
    return printable(without_userinfo(place).partition("?")[0] if "://" in place else place)


def find(place: str) -> list[DumpFile]:
    """List a file, or a folder's and its folders' in the order of their names; SourceError where it is not there."""
    try:
        files = _remote(place) if is_remote(place) else _local(Path(place).expanduser())
    except PlaceError as error:
        raise SourceError(f"dump: {error}") from None
    except (OSError, RuntimeError, pa.ArrowException, ValueError) as error:
        # Arrow's own message has the URI as it was given.
        reason = getattr(error, "strerror", None) or str(error).replace(place, unread(place))
        raise SourceError(
            f"dump:{unread(place)} cannot be read: {printable(reason)}; give a path, or a URI such as s3://BUCKET/FOLDER"
        ) from None
    if files is None:
        raise SourceError(
            f"dump:{shown(place)}: there is no such file or folder; give a dump, such as RS_2024-01.zst, "
            "or a folder of them"
        )
    return list(_marked(sorted(files, key=lambda file: file.name)))


def _marked(files: list[DumpFile]) -> Iterator[DumpFile]:
    running = hashlib.sha256()
    for file in files:
        running.update(f"{file.name}\0{file.version}\n".encode())
        yield replace(file, mark=running.hexdigest()[:16])


def _local(place: Path) -> list[DumpFile] | None:
    if place.is_file():
        return [_local_file(place, place.name)]
    if not place.is_dir():
        return None
    return [_local_file(path, path.relative_to(place).as_posix()) for path in _walk(place)]


def _walk(root: Path) -> Iterator[Path]:
    """Yield regular files; links to folders are not followed, they may lead round, and hidden names are not dumps."""
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths = (Path(folder) / name for name in names if not name.startswith("."))
        yield from (path for path in paths if path.is_file())


def _local_file(path: Path, name: str) -> DumpFile:
    status = path.stat()
    version = f"{status.st_size} {status.st_mtime_ns}"
    return DumpFile(printable(name), version, partial(_open, path))


def _open(path: Path) -> BinaryIO:
    return path.open("rb", buffering=_BUFFER)


def _remote(uri: str) -> list[DumpFile] | None:
    filesystem, root = place_of(uri).open()
    (info,) = filesystem.get_file_info([root])
    if info.type == pafs.FileType.File:
        return [_remote_file(filesystem, info, info.base_name)]
    if info.type == pafs.FileType.NotFound:
        return None
    prefix = len(root.rstrip("/")) + 1
    found = filesystem.get_file_info(pafs.FileSelector(root, recursive=True))
    files = (info for info in found if info.type == pafs.FileType.File)
    named = ((info, info.path[prefix:]) for info in files)
    return [_remote_file(filesystem, info, name) for info, name in named if not re.search(r"(?:^|/)\.", name)]


def _remote_file(filesystem: pafs.FileSystem, info: pafs.FileInfo, name: str) -> DumpFile:
    # By its name Arrow would unpack it, and know neither long windows nor several frames.
    opened = partial(filesystem.open_input_stream, info.path, compression=None, buffer_size=_BUFFER)
    return DumpFile(printable(name), f"{info.size} {info.mtime_ns}", opened)
