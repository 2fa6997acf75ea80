"""Published weights, fetched on request: a download that goes on where it was cut off."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import requests
from filelock import FileLock

from models.inference import check_model
from models.registry import (
    DownloadError,
    HashMismatchError,
    ModelError,
    ModelRow,
    file_sha256,
    weights_path,
)

Progress = Callable[[int, int | None], None]
OFFLINE = "GOLDPAN_OFFLINE"
MIRROR = "GOLDPAN_MIRROR"
_TIMEOUTS = (10, 20)  # to connect, and between two reads; seconds
_CHUNK = 1 << 16  # what is lost at most where it breaks off


def pull(row: ModelRow, *, mirrors: tuple[str, ...] = (), on_progress: Progress | None = None) -> Path:
    """Fetch a row's file into the cache, and return its path; one that is there already is left alone.

    Mirrors are asked first, each by its address and the path of the publisher's URL. ``on_progress`` is called with
    the bytes that are there and those in all. What was cut off stays, and the next call goes on from it. Raises
    DownloadError and HashMismatchError.
    """
    path = weights_path(row)
    if path.is_file():
        return path
    if row.url is None:
        raise DownloadError(f"{row.name} is not published as a file; there is nothing to fetch")
    if os.environ.get(OFFLINE):
        raise DownloadError(
            f"{row.name} is not here, and {OFFLINE} is set: unset it, or put {row.url} at {path}"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    faults = []
    with FileLock(path.with_name(f".{path.name}.lock")):
        for url in (*(mirrored(mirror, row.url) for mirror in mirrors), row.url):
            if path.is_file():
                return path
            try:
                return _Part(path).fetch(url, row, on_progress)
            except DownloadError as error:
                faults.append(str(error))
    raise DownloadError(
        f"{row.name} was not had ({'; '.join(faults)}): run it again to go on, name a mirror by --mirror or {MIRROR}, "
        f"or put the file at {path}"
    )


def mirrored(mirror: str, url: str) -> str:
    """Give the address of a publisher's file at a mirror, which keeps the publisher's paths."""
    return mirror.rstrip("/") + urlsplit(url).path


class _Part:
    """What is there of a file, beside it, with the validator of the version it is a part of."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._part = path.with_name(f".{path.name}.part")
        self._tag = path.with_name(f".{path.name}.etag")

    def fetch(self, url: str, row: ModelRow, on_progress: Progress | None) -> Path:
        """Have the rest of it, compare the hash, or run it where none is known, and put the file in its place."""
        with _told(url), requests.get(url, headers=self._wanted(), stream=True, timeout=_TIMEOUTS) as answer:
            if answer.status_code == requests.codes.requested_range_not_satisfiable:
                self._check_whole(url, answer)
            else:
                answer.raise_for_status()
                if url.startswith("https:") and not answer.url.startswith("https:"):
                    raise DownloadError(f"{url} leads to {urlsplit(answer.url).hostname} without encryption")
                self._write(url, answer, on_progress)
            kind = answer.headers.get("Content-Type", "a file of no type")
        if row.sha256 is None:
            self._check(url, row, kind)
        elif (found := file_sha256(self._part)) != row.sha256:
            self._forget()
            raise HashMismatchError(
                f"{url} is another file than its row records: its sha256 is {found}, not {row.sha256}"
            )
        self._part.replace(self._path)
        self._tag.unlink(missing_ok=True)
        return self._path

    def _check_whole(self, url: str, answer: requests.Response) -> None:
        # What was killed while it was checked is whole, and there is no rest to ask for (RFC 9110, 14.4).
        if answer.headers.get("Content-Range") != f"bytes */{self._part.stat().st_size}":
            self._forget()
            raise DownloadError(f"{url} is another file now than the one that was begun")

    def _check(self, url: str, row: ModelRow, kind: str) -> None:
        # A network that wants a login first answers everything, with a page of its own.
        try:
            check_model(row, self._part)
        except ModelError as error:
            came = f"{kind}, {self._part.stat().st_size} bytes"
            self._forget()
            raise DownloadError(f"{url} sent {came}, and not the model of the row: {error}") from error

    def _wanted(self) -> dict[str, str]:
        headers = {"Accept-Encoding": "identity"}
        # Without a validator what is there may be of another version.
        if self._part.is_file() and self._tag.is_file() and (have := self._part.stat().st_size):
            headers |= {"Range": f"bytes={have}-", "If-Range": self._tag.read_text()}
        return headers

    def _write(self, url: str, answer: requests.Response, on_progress: Progress | None) -> None:
        goes_on = answer.status_code == requests.codes.partial_content
        have = self._part.stat().st_size if goes_on else 0
        if goes_on and not answer.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            self._forget()
            raise DownloadError(f"{url} sent another part than the one asked for")
        self._keep_validator(answer)
        length = answer.headers.get("Content-Length", "")
        total = have + int(length) if length.isdecimal() else None
        with self._part.open("ab" if goes_on else "wb") as file:
            for chunk in answer.iter_content(_CHUNK):
                file.write(chunk)
                have += len(chunk)
                if on_progress is not None:
                    on_progress(have, total)
            file.flush()
            os.fsync(file.fileno())
        if total is not None and have != total:
            raise DownloadError(f"{url} ended after {have} of {total} bytes")

    def _keep_validator(self, answer: requests.Response) -> None:
        # A weak tag does not promise the same bytes.
        tag = answer.headers.get("ETag", "")
        validator = answer.headers.get("Last-Modified", "") if tag.startswith("W/") or not tag else tag
        if validator:
            self._tag.write_text(validator)
        else:
            self._tag.unlink(missing_ok=True)

    def _forget(self) -> None:
        self._part.unlink(missing_ok=True)
        self._tag.unlink(missing_ok=True)


@contextmanager
def _told(url: str) -> Iterator[None]:
    try:
        yield
    except requests.HTTPError as error:
        raise DownloadError(f"{url} answered {error.response.status_code}") from error
    except requests.Timeout as error:
        raise DownloadError(f"{urlsplit(url).hostname} does not answer") from error
    except requests.ConnectionError as error:
        raise DownloadError(
            f"{urlsplit(url).hostname} cannot be reached, or broke off: is there a network?"
        ) from error
    except requests.RequestException as error:
        raise DownloadError(f"{url} was not had: {str(error).splitlines()[0][:200]}") from error
