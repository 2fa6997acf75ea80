"""How a command ends badly: one message that names the way out, exit code 2, no traceback."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import typer

from actors.crawler.sources import SourceError
from actors.storage import OutputError
from flows.settings import SettingsError
from models.registry import ModelError
from models.taste import TasteError

USAGE = 2
Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


class PreflightError(Exception):
    """A run cannot start; the message says why, and the way out."""


EXPECTED = (PreflightError, SettingsError, SourceError, OutputError, ModelError, TasteError)


def explained(command: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Let a command's expected errors end it with their message on stderr and exit code 2."""

    @functools.wraps(command)
    def wrapper(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        try:
            return command(*args, **kwargs)
        except EXPECTED as error:
            print(f"goldpan: {error}", file=sys.stderr)
            raise typer.Exit(USAGE) from error

    return wrapper


def run_script(command: Callable[..., object]) -> None:
    """Run one command as a script; a defect shows a plain traceback, without the values of variables in it."""
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(command)
    app()
