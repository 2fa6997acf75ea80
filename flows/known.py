"""What the user has already: folders of images and other runs' outputs, hashed for the duplicate index."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
from rich.console import Console

from actors.duplicates import accepted_in
from actors.shards import LEDGER
from actors.storage import Output
from flows.exits import PreflightError
from flows.liked import image_files
from flows.placement import cores
from flows.settings import Settings
from models.decode import DecodeError, open_rgb
from models.hashes import perceptual_hash
from models.preprocess import shortest_side
from models.registry import encoder_row
from models.taste import TasteError

Entry = tuple[str, str, str]


def hash_known(settings: Settings, output: Output, console: Console) -> str | None:
    """Put the hashes of all that is known into one table in the output, and give its path; None where nothing is.

    Keys begin with ``known:``: a picture that another run kept under the key that it has here is a copy all the same.
    Raises PreflightError for what is neither a folder of images nor an output.
    """
    if not settings.known:
        return None
    entries = [entry for place in settings.known for entry in _entries(place, settings, console)]
    names = ("key", "sha256", "phash")
    table = pa.table({name: [entry[n] for entry in entries] for n, name in enumerate(names)})
    digest = hashlib.sha256("\n".join(map(" ".join, entries)).encode()).hexdigest()[:16]
    path = f"state/known-{digest}.parquet"
    output.write_table(path, table)
    console.print(f"known     {len(entries)} images, of which no copies are kept", highlight=False)
    return path


def _entries(place: str, settings: Settings, console: Console) -> list[Entry]:
    if place.rstrip("/") == settings.out.rstrip("/"):
        raise PreflightError(f"--known {place}: it is --out itself, which knows what it keeps; leave it out")
    folder = Path(place)
    if "://" not in place and not folder.is_dir():
        raise PreflightError(f"--known {place}: there is no such folder")
    other = Output(place)
    if other.names(LEDGER, ".parquet"):
        kept = (row for table in accepted_in(other) for row in table.to_pylist())
        return [(f"known:{row['key']}", row["sha256"], row["phash"]) for row in kept]
    if "://" in place:
        raise PreflightError(f"--known {place}: no run's output is there; folders of images must be local")
    return list(_hashed(folder, shortest_side(encoder_row(settings.encoder)), console))


def _hashed(folder: Path, shortest: int, console: Console) -> Iterator[Entry]:
    try:
        files = image_files([folder])
    except TasteError as error:
        raise PreflightError(f"--known {folder}: neither images nor a run's output are there") from error
    unread = 0
    with ThreadPoolExecutor(cores()) as readers:
        found = readers.map(lambda path: _hashes(path, shortest), files)
        for path, hashes in zip(files, found, strict=True):
            if hashes is None:
                unread += 1
            else:
                yield f"known:{path.relative_to(folder).as_posix()}", *hashes
    if unread:
        console.print(f"--known {folder}: {unread} files cannot be read as images, and are not known")


def _hashes(path: Path, shortest: int) -> tuple[str, str] | None:
    try:
        data = path.read_bytes()
        phash = perceptual_hash(open_rgb(data, shortest=shortest))
    except (DecodeError, OSError):
        return None
    return hashlib.sha256(data).hexdigest(), f"{phash:016x}"
