"""Files of a folder source, read by the crawler under the same cap as a download."""

from __future__ import annotations

import os
import stat
import time
from urllib.parse import unquote, urlsplit

from actors.crawler.body import refuse_no_image
from actors.crawler.download import Fetch
from actors.crawler.failures import FetchError
from actors.crawler.locate import printable
from models.reasons import Reason, Stage
from models.records import Outcome


def read_local(place: str, cap: int) -> Fetch:
    """Read a regular file (``file://`` URL or path) of at most ``cap`` bytes; blocks, so call it in a thread.

    What is not a regular file, or cannot be opened, is ``unreadable``: a FIFO would never end.
    """
    started = time.monotonic()
    fetch = Fetch(printable(place), final_url=printable(place))
    try:
        fetch.data = _read(_path(place), cap)
        refuse_no_image(fetch.data)
    except FetchError as error:
        fetch.data, fetch.outcome = None, Outcome(error.reason, Stage.FETCH, error.detail)
    except (OSError, ValueError) as error:
        fetch.outcome = Outcome(Reason.UNREADABLE, Stage.FETCH, type(error).__name__)
    fetch.fetched_at = time.time()
    fetch.latency_ms = (time.monotonic() - started) * 1000
    return fetch


def _path(place: str) -> str:
    if not place.lower().startswith("file:"):
        return place
    return unquote(urlsplit(place).path, errors="surrogateescape")


def _read(path: str, cap: int) -> bytes:
    if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 - before it is opened: opening may already act
        raise FetchError(Reason.UNREADABLE, "not a regular file")
    # Should a FIFO have taken its place since, opening it does not wait for a writer.
    with open(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as file:  # noqa: PTH123
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise FetchError(Reason.UNREADABLE, "not a regular file")
        data = file.read(cap + 1)
    if len(data) > cap:
        raise FetchError(Reason.TOO_LARGE)
    return data
