"""Whether a run gets on, by its output's lock."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from actors.lock import OutputLock, Owner, Pulse
from actors.storage import Output
from flows.alive import judged
from flows.cli import app
from flows.watching.events import State, Turn
from flows.watching.totals import Totals
from flows.watching.watch import Heart
from tests.flows.watching.telling import committed


def pulse(silent: float = 0.0, age: float = 0.0, **work: Any) -> Pulse:
    return Pulse(Owner("r", "host", 7, 0.0, time.time() - age), work, silent)


# Made when they are wanted: a pulse ages.
@pytest.mark.parametrize(
    ("made", "is_alive", "says"),
    [
        ({"state": "running", "window": 3, "seen": 40, "accepted": 2}, True, "window 3, seen 40, accepted 2"),
        ({"silent": 100, "state": "waiting"}, True, "is waiting"),
        ({"silent": 121, "state": "running"}, False, "is stuck: it took no turn in 121 s"),
        ({"silent": 9999, "state": "starting"}, True, "is starting"),
        ({"silent": 9999, "state": "ending"}, True, "is ending"),
        ({"silent": 9999}, True, "is starting"),
        ({"age": 300, "state": "running"}, False, "its last heartbeat is"),
        ({"age": -300, "state": "running"}, False, "its last heartbeat is"),
    ],
)
def test_a_pulse_is_judged(made: dict[str, Any], is_alive: bool, says: str) -> None:
    told, verdict = judged(pulse(**made), 120, "out")
    assert verdict is is_alive and says in told


def test_no_run_is_none_that_lives() -> None:
    assert judged(None, 120, "out") == ("no run holds out", False)


def test_the_command_tells_a_live_run_from_none(tmp_path: Path) -> None:
    assert CliRunner().invoke(app, ["alive", str(tmp_path)]).exit_code == 1
    totals = Totals()
    with OutputLock(Output(str(tmp_path)), "r", heartbeat_seconds=60) as lock:
        heart = Heart(lock, totals)
        heart.told(Turn(seen=12, state=State.RUNNING))
        for watcher in (totals, heart):
            watcher.told(committed(5, fits=2))
        deadline = time.monotonic() + 20
        while "window 5" not in (done := CliRunner().invoke(app, ["alive", str(tmp_path)])).stdout:
            assert time.monotonic() < deadline, done.stdout
        assert done.exit_code == 0 and "running: window 5, seen 12, accepted 2" in done.stdout.replace(
            "\n", " "
        )
    assert CliRunner().invoke(app, ["alive", str(tmp_path)]).exit_code == 1
