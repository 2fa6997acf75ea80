"""What goldpan says, as records: JSON on stderr, or a file that is begun anew before it is too large, or both.

The standard library's logging: every module speaks through it already, and a formatter is all that structlog would
spare.
"""

from __future__ import annotations

import io
import logging
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, TextIO

import typer
from rich.console import Console

from actors.storage import to_json
from flows.exits import FAILED, PreflightError, ending
from flows.settings import LogFormat, Settings
from flows.watching.events import Event, Kind, News, Turn
from flows.watching.masking import Mask
from flows.watching.totals import Totals

# What the run says itself, and its rooms; of others only warnings are of interest.
RUN = "goldpan"
_ROOMS = (RUN, "flows", "actors", "models")
_PROGRESS_SECONDS = 5.0
# A line of a table is one record.
_WIDE = 10_000
_LEVELS = {
    Kind.ACTOR_HUNG: logging.WARNING,
    Kind.ACTOR_RESTARTED: logging.WARNING,
    Kind.SOURCE_FAILED: logging.ERROR,
    Kind.NOTE: logging.WARNING,
    Kind.EVENTS_DROPPED: logging.WARNING,
}
_log = logging.getLogger(RUN)


class Records(logging.Formatter):
    """Formats a record: ``time``, ``level``, ``logger``, ``message``, the event's fields, ``exception``."""

    def __init__(self, form: LogFormat, mask: Mask) -> None:
        super().__init__()
        self._form, self._mask = form, mask

    def format(self, record: logging.LogRecord) -> str:
        """Make one line of it."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        fields: dict[str, Any] = self._mask(getattr(record, "fields", {}))
        message = self._mask.text(record.getMessage())
        raised = record.exc_info[1] if record.exc_info else None
        error = self._mask.text("".join(traceback.format_exception(raised))) if raised else None
        if self._form is LogFormat.JSON:
            held = {"time": at, "level": record.levelname.lower(), "logger": record.name, "message": message}
            return to_json(held | fields | ({"exception": error} if error else {})).decode()
        told = "".join(f" {name}={value}" for name, value in fields.items())
        return f"{at} {record.levelname:7} {record.name}: {message}{told}" + (f"\n{error}" if error else "")


class EventLog:
    """A watcher that makes a record of each event, and of where the run is every few seconds."""

    def __init__(self, run: str, totals: Totals) -> None:
        self._run, self._totals = run, totals
        self._said = time.monotonic()

    def told(self, news: News) -> None:
        """Log it."""
        match news:
            case Event():
                fields = {"event": news.kind.value, "run": self._run} | news.fields()
                level = _LEVELS.get(news.kind, logging.INFO)
                _log.log(level, news.text or news.kind.value.replace("_", " "), extra={"fields": fields})
            case Turn() if time.monotonic() - self._said >= _PROGRESS_SECONDS:
                self._said = time.monotonic()
                fields = {name: getattr(news, name) for name in Turn.__slots__}
                fields |= {"run": self._run, "judged": self._totals.reasons.total()}
                _log.info("progress", extra={"fields": fields | {"windows": self._totals.windows}})


class _Stderr(logging.StreamHandler[TextIO]):
    """Stderr, that may be full or closed: nowhere is left to say so, and to try there comes back here."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's
        """Go on."""


class _Rotating(RotatingFileHandler):
    """A log file that is full, or gone, is said once; the run goes on."""

    _is_said = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's
        """Say that records are lost."""
        error = sys.exception()
        if isinstance(error, OSError):
            self._say(error)
        else:
            super().handleError(record)

    def close(self) -> None:
        """Close it; what it holds of records that did not get there is lost with them."""
        try:
            super().close()
        except OSError as error:
            self._say(error)

    def _say(self, error: OSError) -> None:
        if not self._is_said:
            self._is_said = True
            print(
                f"goldpan: the log file {self.baseFilename} cannot be written: {error.strerror}; the run goes on",
                file=sys.stderr,
            )


class _Lines(io.StringIO):
    """A stream each line of which becomes a record."""

    def __init__(self) -> None:
        self._held = ""

    def write(self, text: str) -> int:
        """Log the lines that are whole."""
        *lines, self._held = (self._held + text).split("\n")
        for line in lines:
            if line.strip():
                _log.info("%s", line.rstrip().removeprefix("goldpan: "))
        return len(text)


class Heard(Console):
    """A console on stderr, all lines of which are records too.

    ``shown`` is the console itself, for what has its records already: a run's progress is of events.
    """

    def __init__(self) -> None:
        super().__init__(stderr=True)
        self.shown = Console(stderr=True)
        self._records = _on_record(_Lines())

    def print(self, *objects: Any, **how: Any) -> None:
        """Print it on both."""
        self._records.print(*objects, **how)
        self.shown.print(*objects, **how)


def _on_record(file: TextIO) -> Console:
    return Console(file=file, width=_WIDE, force_terminal=False, color_system=None)


@contextmanager
def speaking(settings: Settings, mask: Mask) -> Iterator[Console]:
    """Say things as the settings want it while this block runs; gives the console to say them on.

    With JSON every line on stderr is an object from here on, an error that ends the command too. Raises
    PreflightError where the log file cannot be opened.
    """
    watch = settings.watch
    in_json = watch.log_format is LogFormat.JSON
    with ExitStack() as stack:
        handlers: list[logging.Handler] = [_stderr(in_json, mask)] if in_json or watch.log_file else []
        if watch.log_file is not None:
            handlers.append(_file(watch.log_file, watch.log_bytes, watch.log_files))
            handlers[-1].setFormatter(Records(watch.log_format, mask))
        stack.enter_context(_attached(handlers))
        if in_json:
            stack.enter_context(redirect_stderr(_Lines()))
        try:
            if in_json:
                yield _on_record(sys.stderr)
            else:
                yield Heard() if handlers else Console(stderr=True)
        except typer.Exit:
            raise
        except Exception as error:
            told, code = ending(error) or (None, FAILED)
            if handlers:
                _log.error("%s", told or type(error).__name__, exc_info=None if told else error)
            if in_json:
                raise typer.Exit(code) from error
            raise


def _stderr(in_json: bool, mask: Mask) -> logging.Handler:
    handler = _Stderr(sys.stderr)
    if in_json:
        handler.setFormatter(Records(LogFormat.JSON, mask))
    else:
        # As without handlers; and what the run itself says is on the console already.
        handler.setLevel(logging.WARNING)
        handler.addFilter(lambda record: record.name != RUN)
    return handler


def _file(path: str, most: int, count: int) -> logging.Handler:
    try:
        return _Rotating(Path(path).expanduser(), maxBytes=most, backupCount=count, encoding="utf-8")
    except OSError as error:
        raise PreflightError(
            f"--log-file {path} cannot be written: {error.strerror}; name a file in a folder that is there"
        ) from error


@contextmanager
def _attached(handlers: list[logging.Handler]) -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in _ROOMS] if handlers else []
    levels = [logger.level for logger in loggers]
    root = logging.getLogger()
    for logger in loggers:
        logger.setLevel(logging.INFO)
    for handler in handlers:
        root.addHandler(handler)
    try:
        yield
    finally:
        for handler in handlers:
            root.removeHandler(handler)
            handler.close()
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
