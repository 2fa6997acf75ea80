"""Files of a folder source, read by the crawler under the same cap as a download."""

from __future__ import annotations

import os
import stat
import time
from urllib.parse import unquote, urlsplit

import pyarrow as pa

from actors.crawler.body import refuse_no_image
from actors.crawler.download import Fetch
from actors.crawler.failures import FetchError
from actors.crawler.locate import printable
from actors.crawler.remote import cause_of, is_remote, place_of
from models.reasons import Reason, Stage
from models.records import Outcome

_LOCAL = "file:"


def read_file(place: str, cap: int) -> Fetch:
    """Read a file of at most ``cap`` bytes, by its path or URI; blocks, so call it in a thread.

    What is not a regular file, or cannot be opened, is ``unreadable``: a FIFO would never end. The libraries behind
    s3:// and the like give up by themselves what does not move.
    """
    started = time.monotonic()
    fetch = Fetch(printable(place), final_url=printable(place))
    try:
        fetch.data = _read(place, cap)
        refuse_no_image(fetch.data)
    except FetchError as error:
        fetch.data, fetch.outcome = None, Outcome(error.reason, Stage.FETCH, error.detail)
    except (OSError, ValueError, pa.ArrowException) as error:
        fetch.outcome = Outcome(Reason.UNREADABLE, Stage.FETCH, cause_of(error))
    fetch.fetched_at = time.time()
    fetch.latency_ms = (time.monotonic() - started) * 1000
    return fetch


def _read(place: str, cap: int) -> bytes:
    if place.lower().startswith(_LOCAL):
        return _read_local(unquote(urlsplit(place).path, errors="surrogateescape"), cap)
    return _read_remote(place, cap) if is_remote(place) else _read_local(place, cap)


def _read_local(path: str, cap: int) -> bytes:
    if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 - before it is opened: opening may already act
        raise FetchError(Reason.UNREADABLE, "not a regular file")
    # Should a FIFO have taken its place since, opening it does not wait for a writer.
    with open(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as file:  # noqa: PTH123
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise FetchError(Reason.UNREADABLE, "not a regular file")
        return _capped(file.read(cap + 1), cap)


def _read_remote(uri: str, cap: int) -> bytes:
    filesystem, path = place_of(uri).open()
    with filesystem.open_input_file(path) as file:
        if file.size() > cap:
            raise FetchError(Reason.TOO_LARGE, "declared")
        return _capped(file.read(cap + 1), cap)


def _capped(data: bytes, cap: int) -> bytes:
    if len(data) > cap:
        raise FetchError(Reason.TOO_LARGE)
    return data
