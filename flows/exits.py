"""How a command ends badly: one message that names the way out, exit code 2 (1 for a run under way), no traceback."""

from __future__ import annotations

import errno
import functools
import sys
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import typer
from ray.exceptions import NodeDiedError, ObjectLostError, RayActorError, RayTaskError

from actors.crawler.sources import SourceError
from actors.storage import OutputError
from flows.settings import SettingsError
from models.registry import ModelError
from models.taste import TasteError

USAGE = 2
FAILED = 1
INTERRUPTED = 130  # as a shell has it: 128 and SIGINT's number
# What Ray says of a process of a run that it will not start again, as where its own core was killed.
_LOST = (RayActorError, NodeDiedError, ObjectLostError)
_FULL = (errno.ENOSPC, errno.EDQUOT)
Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


class PreflightError(Exception):
    """A run cannot start; the message says why, and the way out."""


class RunFailedError(Exception):
    """A run under way cannot go on; the message says why, and the way out."""


EXPECTED = (PreflightError, SettingsError, SourceError, OutputError, ModelError, TasteError)


def explained(command: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Let a command's expected errors end it with their message on stderr and exit code 2.

    A RunFailedError, a full disk and a process that Ray lost for good end it with exit code 1. An error raised in an
    actor counts as the error it is.
    """

    @functools.wraps(command)
    def wrapper(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        try:
            return command(*args, **kwargs)
        except (*EXPECTED, RunFailedError, OSError, RayTaskError, *_LOST) as raised:
            ended = ending(raised)
            if ended is None:
                raise
            told, code = ended
            print(f"goldpan: {told}", file=sys.stderr)
            raise typer.Exit(code) from raised

    return wrapper


def ending(raised: BaseException) -> tuple[str, int] | None:
    """Give the message that an expected error ends a command with, and its exit code; None for a defect."""
    error = _origin(raised)
    told = _told(error)
    return None if told is None else (told, USAGE if isinstance(error, EXPECTED) else FAILED)


def _origin(error: BaseException) -> BaseException:
    """Give the error that was raised in an actor, without Ray's account of where."""
    while isinstance(error, RayTaskError) and isinstance(error.cause, BaseException):
        error = error.cause
    return error


def _told(error: BaseException) -> str | None:
    if isinstance(error, (*EXPECTED, RunFailedError)):
        return str(error)
    if isinstance(error, _LOST):
        return (
            f"Ray lost a process of this run: {last_line(error)} What was committed is whole: run the same command "
            "again"
        )
    if isinstance(error, OSError) and error.errno in _FULL:
        where = f" ({error.filename})" if error.filename else ""
        return (
            f"the disk is full{where}; what was committed is whole: free space and run the same command again"
        )
    return None


def last_line(error: BaseException) -> str:
    """Give what Ray's account of an error comes to."""
    return str(error).strip().splitlines()[-1]


def run_script(command: Callable[..., object]) -> None:
    """Run one command as a script; a defect shows a plain traceback, without the values of variables in it."""
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(command)
    app()
