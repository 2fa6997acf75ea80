"""How a run ended is told as it was."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from actors.lock import OutputLock
from actors.storage import Output
from flows.exits import PreflightError
from flows.settings import load_settings
from flows.watching.watch import Watch


@pytest.mark.parametrize(
    ("error", "how", "code", "why"),
    [
        (KeyboardInterrupt(), "interrupted", 130, None),
        (PreflightError("no taste"), "failed", 2, "no taste"),
        (ZeroDivisionError("by zero"), "failed", 1, "ZeroDivisionError"),
    ],
)
def test_what_ends_a_run_before_it_is_set_up(
    tmp_path: Path, error: BaseException, how: str, code: int, why: str | None
) -> None:
    told, out = tmp_path / "events", tmp_path / "out"
    settings = load_settings(
        {"out": str(out), "sources": ["folder:x"], "taste": "y", "watch": {"events": str(told)}}, None
    )
    output = Output(str(out))
    with (
        pytest.raises(type(error)),
        OutputLock(output, "a-run") as lock,
        Watch("a-run", settings, output, lock, Console(file=io.StringIO())),
    ):
        raise error
    last = json.loads(told.read_text().splitlines()[-1])
    assert [last[name] for name in ("event", "how", "code", "why")] == ["run_ended", how, code, why]
