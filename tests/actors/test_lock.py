"""One run at a time holds an output."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from actors.lock import PATH, OutputLock
from actors.storage import Output, OutputError

HOLD = """
import sys, time
from actors.lock import OutputLock
from actors.storage import Output
with OutputLock(Output(sys.argv[1]), "other"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_living_owner_is_named_and_a_killed_one_is_taken_over(tmp_path: Path) -> None:
    output = Output(str(tmp_path))
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None and other.stdout.readline() == "held\n"
        with pytest.raises(OutputError, match="in use by run other"), OutputLock(output, "mine"):
            pass
        other.kill()
    assert output.exists(PATH), "a killed owner leaves its lock"
    with OutputLock(output, "mine"):
        assert output.read_json(PATH)["run"] == "mine"
    assert not output.exists(PATH)


def test_an_owner_elsewhere_is_dead_when_its_heartbeat_stopped(tmp_path: Path) -> None:
    output = Output(str(tmp_path))
    owner = {"run": "far", "host": "another-machine", "pid": 1, "process_started": 0.0}
    output.write_json(PATH, owner | {"heartbeat": time.time()})
    with pytest.raises(OutputError, match="another-machine"), OutputLock(output, "mine"):
        pass
    output.write_json(PATH, owner | {"heartbeat": time.time() - 3600})
    with OutputLock(output, "mine"):
        pass
