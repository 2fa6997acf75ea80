"""An output: a folder on any pyarrow filesystem, written so that a file is there whole or not at all."""

from __future__ import annotations

import errno
import json
import os
import re
import sys
import uuid
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from actors.crawler.locate import printable, unread, without_userinfo

if TYPE_CHECKING:
    import pyarrow.dataset as ds

TEMPORARY = ".tmp-"
# The folders that goldpan makes in an output; whatever else is there is somebody else's.
ASIDE = "aside"
FOLDERS = ("images", "verdicts", "embeddings", "thumbs", "windows", "state", "runs", ASIDE)
# What a file system without hard links answers (FAT, some network mounts).
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}
_LEFTOVER = re.compile(re.escape(TEMPORARY) + "[0-9a-f]{32}")


class OutputError(Exception):
    """An output cannot be used; the message says why, and the way out."""


class Output:
    """Files below one root, named by relative POSIX paths.

    On a local disk a write goes to a unique temporary name, is synced, and renamed; an object store makes a
    finished upload visible at once (https://arrow.apache.org/docs/python/filesystems.html).
    """

    def __init__(self, uri: str) -> None:
        self.uri = uri
        try:
            self._fs, self._root = _open(uri)
        except (pa.ArrowInvalid, OSError, ValueError) as error:
            # Not chained: Arrow's own message has the URI as it was given.
            raise OutputError(
                f"--out {unread(uri)}: {str(error).replace(uri, unread(uri))}. "
                "Give a folder, or a URI such as s3://bucket/folder"
            ) from None

    @property
    def shown(self) -> str:
        """The place as it may stand in a message or a file: a URI's userinfo and query may hold credentials."""
        if "://" not in self.uri:
            return printable(self.uri)
        return printable(without_userinfo(self.uri).partition("?")[0])

    @property
    def local(self) -> Path | None:
        """The root as a path where it is on a local disk, else None."""
        return Path(self._root) if isinstance(self._fs, pafs.LocalFileSystem) else None

    def write(self, path: str, data: bytes | pa.Buffer) -> None:
        """Put a whole file there, replacing one that is."""
        if self.local is not None:
            _write_local(self.local / path, data)
            return
        with self._fs.open_output_stream(self._full(path)) as stream:
            stream.write(data)

    def create(self, path: str, data: bytes) -> bool:
        """Put a file there that is not there yet; False where it is, and then it stays as it was.

        On a local disk one of several writers wins. An object store has no such call in pyarrow: two that write
        there within one round trip may both be told True.
        """
        if self.local is not None:
            return _create_local(self.local / path, data)
        if self.exists(path):
            return False
        self.write(path, data)
        return self.read(path) == data

    def write_json(self, path: str, value: Any) -> None:
        """Put a value there as indented JSON; text that UTF-8 cannot hold is escaped, and reads back as it was."""
        self.write(path, to_json(value, orjson.OPT_INDENT_2))

    def write_table(self, path: str, table: pa.Table) -> None:
        """Put a table there as Parquet (zstd)."""
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression="zstd")
        self.write(path, sink.getvalue())

    def read(self, path: str) -> bytes:
        """Read a whole file; FileNotFoundError where it is not there."""
        with self._fs.open_input_stream(self._full(path)) as stream:
            data: bytes = stream.read()
        return data

    def read_json(self, path: str) -> Any:
        """Read a file's JSON value; ValueError where it is none."""
        data = self.read(path)
        try:
            return orjson.loads(data)
        except orjson.JSONDecodeError:
            # It takes no lone surrogates; the standard library does.
            return json.loads(data)

    def read_table(self, path: str, columns: list[str] | None = None) -> pa.Table:
        """Read a Parquet file's columns."""
        with self._fs.open_input_file(self._full(path)) as file:
            # An object store is asked once for columns that stand together, not once for each.
            return pq.ParquetFile(file, pre_buffer=True).read(columns=columns)

    def read_schema(self, path: str) -> pa.Schema:
        """Read a Parquet file's columns' names and types, which stand in its footer."""
        with self._fs.open_input_file(self._full(path)) as file:
            return pq.read_schema(file)

    def dataset(self, paths: list[str], schema: pa.Schema) -> ds.Dataset:
        """Open Parquet files as one dataset with this schema, to be read by part."""
        # It imports pandas, most of a second in each actor that writes and never queries.
        import pyarrow.dataset as ds

        return ds.dataset([self._full(path) for path in paths], schema, format="parquet", filesystem=self._fs)

    def names(self, folder: str, suffix: str = "") -> list[str]:
        """List the files below a folder, sorted, without temporary ones; none where the folder is not there."""
        return sorted(self.sizes(folder, suffix))

    def sizes(self, folder: str, suffix: str = "") -> dict[str, int]:
        """Give the files that ``names`` lists, with their sizes in bytes."""
        selector = pafs.FileSelector(self._full(folder), allow_not_found=True, recursive=True)
        prefix = len(self._root.rstrip("/")) + 1
        files = (info for info in self._fs.get_file_info(selector) if info.type == pafs.FileType.File)
        found = (info for info in files if not info.base_name.startswith(TEMPORARY))
        return {info.path[prefix:]: info.size for info in found if info.path.endswith(suffix)}

    def each(self, folder: str) -> Iterator[str]:
        """Give the files that ``names`` lists, in no order; from a local disk one by one, however many there are."""
        if self.local is None:
            yield from self.names(folder)
            return
        prefix = len(str(self.local)) + 1
        for entry in _files(self.local / folder):
            if not entry.name.startswith(TEMPORARY):
                path = entry.path[prefix:].replace(os.sep, "/")
                # What is no text is not goldpan's, and only counted.
                yield path.encode("utf-8", "backslashreplace").decode()

    def leftovers(self) -> list[str]:
        """List the temporary files that a killed writer left on a local disk, by the names that goldpan gives."""
        root = self.local
        if root is None:
            return []
        places = (_files(root, 0), *(_files(root / one) for one in FOLDERS))
        found = (entry.path for place in places for entry in place if _LEFTOVER.fullmatch(entry.name))
        return sorted(Path(path).relative_to(root).as_posix() for path in found)

    def remove_leftovers(self) -> None:
        """Remove what a killed writer left; only the holder of the output's lock may."""
        for path in self.leftovers():
            self.remove(path)

    def exists(self, path: str) -> bool:
        """Tell whether a file is there."""
        return bool(self._fs.get_file_info(self._full(path)).type == pafs.FileType.File)

    def remove(self, path: str) -> None:
        """Remove a file that may be there."""
        if self.exists(path):
            self._fs.delete_file(self._full(path))

    def move(self, path: str, place: str) -> None:
        """Give a file another path, replacing what is there; an object store copies and removes it."""
        if self.local is not None:
            _make_folder((self.local / place).parent)
        self._fs.move(self._full(path), self._full(place))
        if self.local is not None:
            _sync_folder((self.local / place).parent)

    def set_aside(self, path: str) -> str:
        """Move a file to the folder ``aside``, where nothing is replaced; gives where to."""
        place = self._room_aside(path)
        self.move(path, place)
        return place

    def copy_aside(self, path: str) -> None:
        """Keep a file as it is in the folder ``aside``, before it is written anew."""
        self.write(self._room_aside(path), self.read(path))

    def _room_aside(self, path: str) -> str:
        place, number = f"{ASIDE}/{path}", 1
        while self.exists(place):
            place, number = f"{ASIDE}/{path}.{number}", number + 1
        return place

    def check_writable(self) -> None:
        """Write and remove a file; OutputError says why that cannot be done."""
        probe = f"{TEMPORARY}{uuid.uuid4().hex}"
        try:
            self.write(probe, b"")
            self.remove(probe)
        except OSError as error:
            raise OutputError(
                f"--out {self.shown} is not writable: {error}. Choose another folder"
            ) from error

    def _full(self, path: str) -> str:
        return f"{self._root.rstrip('/')}/{path}"


def to_json(value: Any, options: int = 0) -> bytes:
    """Give a value as JSON, by orjson and with its options; lone surrogates as the escapes that JSON has for them.

    A title or a file name may hold them, and RFC 8259, section 8.2 allows them.
    """
    try:
        return orjson.dumps(value, option=options | orjson.OPT_NON_STR_KEYS)
    except TypeError:
        indent = 2 if options & orjson.OPT_INDENT_2 else None
        text = json.dumps(value, default=_plain, indent=indent)
        return text.encode() + (b"\n" if options & orjson.OPT_APPEND_NEWLINE else b"")


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else asdict(value)


def _open(uri: str) -> tuple[pafs.FileSystem, str]:
    if "://" not in uri:
        return pafs.LocalFileSystem(), str(Path(uri).expanduser().resolve())
    if uri.startswith("s3:"):
        # One request for a small file, not three: most are images, and each is whole when it is written.
        uri += f"{'&' if '?' in uri else '?'}allow_delayed_open=true"
    filesystem, root = pafs.FileSystem.from_uri(uri)
    return filesystem, root


def _files(folder: Path | str, depth: int = sys.maxsize) -> Iterator[os.DirEntry[str]]:
    """Give the files of a folder, and of those below it to some depth, as the disk lists them: none is held."""
    below: list[str] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_file():
                    yield entry
                elif depth and entry.is_dir():
                    below.append(entry.path)
    except (FileNotFoundError, NotADirectoryError):
        return  # there is none, or no more
    for one in below:
        yield from _files(one, depth - 1)


def _write_local(path: Path, data: bytes | pa.Buffer) -> None:
    _make_folder(path.parent)
    temporary = path.parent / f"{TEMPORARY}{uuid.uuid4().hex}"
    try:
        _write_new(temporary, data)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _create_local(path: Path, data: bytes) -> bool:
    _make_folder(path.parent)
    temporary = path.parent / f"{TEMPORARY}{uuid.uuid4().hex}"
    try:
        _write_new(temporary, data)
        # A link is there whole or not at all, and never replaces (link(2)).
        path.hardlink_to(temporary)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        return _create_without_links(path, data)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(path.parent)
    return True


def _create_without_links(path: Path, data: bytes) -> bool:
    try:
        _write_new(path, data)
    except FileExistsError:
        return False
    _sync_folder(path.parent)
    return True


def _write_new(path: Path, data: bytes | pa.Buffer) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _make_folder(folder: Path) -> None:
    """Make a folder and those above it; one that is new is on disk only when the folder that it is in was synced."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    # A rename survives a power cut only when its folder is on disk too (fsync(2), NOTES); Windows has no such call.
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
