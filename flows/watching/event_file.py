"""``--events FILE``: what happens, as NDJSON for scripts; a reader that is gone or a full disk never stops a run."""

from __future__ import annotations

import errno
import os
import select
import stat
import sys
import time
from collections import deque
from collections.abc import Callable
from datetime import datetime
from types import TracebackType
from typing import Any

from actors.storage import to_json
from flows.exits import PreflightError
from flows.watching.events import Event, EventsDropped, News, Note, line, now

STDOUT = "-"
# What is kept for a reader that does not read; the tail of it is dropped, and counted.
MOST_BYTES = 1 << 20
_RETRY_SECONDS = 1.0
_LAST_SECONDS = 2.0
# A pipe that is ready takes so many bytes without making us wait (POSIX, PIPE_BUF is at least 512).
_PART = select.PIPE_BUF


class EventFile:
    """A watcher that appends each event as a line at once; use it as a context, from before the run starts.

    ``place`` is a file, a FIFO that somebody reads, or ``-`` for stdout. Lines are written whole: what does not get
    through is kept, and tried again every second. ``tell`` takes a note when it does not, once each time. ``mask``
    hides secrets. Raises PreflightError where the place cannot be opened.
    """

    def __init__(
        self,
        place: str,
        run: str,
        tell: Callable[[News], None],
        mask: Callable[[Any], Any],
        *,
        most: int = MOST_BYTES,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._place, self._run, self._tell, self._mask = place, run, tell, mask
        self._most, self._clock = most, clock
        self._lines: deque[bytes] = deque()
        self._size = self._sent = self._dropped = 0
        self._failed: OSError | None = None
        self._tried = 0.0
        self._file = _opened(place)

    def __enter__(self) -> EventFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        deadline = time.monotonic() + _LAST_SECONDS
        while not self._write() and time.monotonic() < deadline:
            time.sleep(0.02)
        lost = len(self._lines) + self._dropped
        if self._place != STDOUT:
            os.close(self._file)
        if lost:
            print(f"goldpan: the last {lost} events did not get to --events {self._place}", file=sys.stderr)

    def told(self, news: News) -> None:
        """Write an event; and what is left of earlier ones, now and then."""
        if isinstance(news, Event):
            self._keep(news)
        elif not self._lines or time.monotonic() - self._tried < _RETRY_SECONDS:
            return
        self._write()

    def _keep(self, event: Event) -> None:
        if self._dropped and self._size < self._most // 2:
            dropped, self._dropped = self._dropped, 0
            self._append(EventsDropped(dropped))
        if self._size < self._most and not self._dropped:
            self._append(event)
        else:
            self._dropped += 1

    def _append(self, event: Event) -> None:
        text = to_json(self._mask(line(self._run, event, self._clock()))) + b"\n"
        self._lines.append(text)
        self._size += len(text)

    def _write(self) -> bool:
        """Write what can be written without waiting; tells whether that is all."""
        self._tried = time.monotonic()
        try:
            while self._lines:
                if not self._is_ready():
                    raise BlockingIOError(errno.EAGAIN, "whoever reads it does not read on")
                part = self._lines[0][self._sent : self._sent + _PART]
                self._sent += os.write(self._file, part)
                if self._sent == len(self._lines[0]):
                    self._size -= len(self._lines.popleft())
                    self._sent = 0
            self._failed = None
        except OSError as error:
            self._note(error)
        return not self._lines

    def _is_ready(self) -> bool:
        # A regular file always is; so is a pipe whose reader is gone, and a write then says so.
        poll = select.poll()
        poll.register(self._file, select.POLLOUT)
        return bool(poll.poll(0))

    def _note(self, error: OSError) -> None:
        if isinstance(error, BrokenPipeError):
            # The next reader has the line from its start.
            self._sent = 0
        if self._failed is None or self._failed.errno != error.errno:
            self._failed = error
            why = "its reader is gone" if isinstance(error, BrokenPipeError) else error.strerror
            self._tell(
                Note(
                    f"--events {self._place}: {why}; the run goes on, and what happens is kept for it a while"
                )
            )


def _opened(place: str) -> int:
    if place == STDOUT:
        if sys.stdout is None:
            raise PreflightError("--events -: stdout is closed; name a file")
        return sys.stdout.fileno()
    place = os.path.expanduser(place)  # noqa: PTH111 - what is opened below is a name too
    try:
        # Without waiting for a FIFO's reader: that is an error, which tells.
        file = os.open(place, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK, 0o666)
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise PreflightError(f"--events {place}: nobody reads it; start its reader first") from error
        raise PreflightError(
            f"--events {place} cannot be written: {error.strerror}; name a file in a folder that is there"
        ) from error
    _end_torn_line(file, place)
    return file


def _end_torn_line(file: int, place: str) -> None:
    """Begin on a line of its own where a run that died, or a full disk, left half of one."""
    found = os.fstat(file)
    if not stat.S_ISREG(found.st_mode) or not found.st_size:
        return
    try:
        with open(place, "rb") as held:  # noqa: PTH123 - by the name that was opened
            held.seek(-1, os.SEEK_END)
            whole = held.read() == b"\n"
    except PermissionError:
        whole = False  # it may be written, and not read: an empty line does no harm
    if not whole:
        os.write(file, b"\n")
