"""An output: a folder on any pyarrow filesystem, written so that a file is there whole or not at all."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq

if TYPE_CHECKING:
    import pyarrow.dataset as ds

TEMPORARY = ".tmp-"


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
            raise OutputError(
                f"--out {uri}: {error}. Give a folder, or a URI such as s3://bucket/folder"
            ) from error

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

    def write_json(self, path: str, value: Any) -> None:
        """Put a value there as indented JSON."""
        self.write(path, orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS))

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
        """Read a file's JSON value."""
        return orjson.loads(self.read(path))

    def read_table(self, path: str, columns: list[str] | None = None) -> pa.Table:
        """Read a Parquet file's columns."""
        with self._fs.open_input_file(self._full(path)) as file:
            return pq.ParquetFile(file).read(columns=columns)

    def dataset(self, paths: list[str], schema: pa.Schema) -> ds.Dataset:
        """Open Parquet files as one dataset with this schema, to be read by part."""
        # It imports pandas, most of a second in each actor that writes and never queries.
        import pyarrow.dataset as ds

        return ds.dataset([self._full(path) for path in paths], schema, format="parquet", filesystem=self._fs)

    def names(self, folder: str, suffix: str = "") -> list[str]:
        """List the files below a folder, sorted, without temporary ones; none where the folder is not there."""
        selector = pafs.FileSelector(self._full(folder), allow_not_found=True, recursive=True)
        prefix = len(self._root.rstrip("/")) + 1
        files = (info for info in self._fs.get_file_info(selector) if info.type == pafs.FileType.File)
        found = (info.path[prefix:] for info in files if not info.base_name.startswith(TEMPORARY))
        return sorted(path for path in found if path.endswith(suffix))

    def leftovers(self) -> list[str]:
        """List the temporary files that a killed writer left on a local disk."""
        if self.local is None:
            return []
        return sorted(str(path.relative_to(self.local)) for path in self.local.rglob(f"{TEMPORARY}*"))

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

    def check_writable(self) -> None:
        """Write and remove a file; OutputError says why that cannot be done."""
        probe = f"{TEMPORARY}{uuid.uuid4().hex}"
        try:
            self.write(probe, b"")
            self.remove(probe)
        except OSError as error:
            raise OutputError(f"--out {self.uri} is not writable: {error}. Choose another folder") from error

    def _full(self, path: str) -> str:
        return f"{self._root.rstrip('/')}/{path}"


def _open(uri: str) -> tuple[pafs.FileSystem, str]:
    if "://" not in uri:
        return pafs.LocalFileSystem(), str(Path(uri).expanduser().resolve())
    filesystem, root = pafs.FileSystem.from_uri(uri)
    return filesystem, root


def _write_local(path: Path, data: bytes | pa.Buffer) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.parent / f"{TEMPORARY}{uuid.uuid4().hex}"
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    # A rename survives a power cut only when its folder is on disk too (fsync(2), NOTES); Windows has no such call.
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
