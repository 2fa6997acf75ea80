"""One run at a time holds an output."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from actors.lock import PATH, OutputLock, Pulse, read_pulse
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
    for wrong in (-3600, 3600):
        # Stopped long ago, or written by a clock that was ahead: nobody is there either way.
        output.write_json(PATH, owner | {"heartbeat": time.time() + wrong})
        with OutputLock(output, "mine", heartbeat_seconds=0.05):
            pass


@pytest.mark.parametrize("wrong", [-3600.0, 3600.0])
def test_an_owner_elsewhere_whose_clock_is_wrong_lives_while_its_heart_beats(
    tmp_path: Path, wrong: float
) -> None:
    output = Output(str(tmp_path))
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(0.02):
            output.write_json(PATH, far | {"heartbeat": time.time() + wrong})

    far = {"run": "far", "host": "another-machine", "pid": 1, "process_started": 0.0}
    output.write_json(PATH, far | {"heartbeat": time.time() + wrong})
    with ThreadPoolExecutor(1) as hearts:
        hearts.submit(beat)
        try:
            with (
                pytest.raises(OutputError, match="another-machine"),
                OutputLock(output, "mine", heartbeat_seconds=1),
            ):
                pass
        finally:
            ended.set()


def test_a_living_owner_is_known_after_the_calendar_was_set(tmp_path: Path) -> None:
    output = Output(str(tmp_path))
    with OutputLock(output, "held", heartbeat_seconds=600) as held:
        lock = output.read_json(PATH)
        # What the machine says of its own start, and so of a process', moves when its clock is set.
        moved = {"process_started": lock["process_started"] + 3600, "heartbeat": lock["heartbeat"] + 3600}
        output.write_json(PATH, lock | moved)
        with pytest.raises(OutputError, match="in use by run held"), OutputLock(output, "mine"):
            pass
        output.write_json(PATH, lock | {"uptime": lock["uptime"] - 60})
        with OutputLock(output, "mine"):
            assert output.read_json(PATH)["run"] == "mine"
        assert held is not None


def test_a_lock_says_what_its_run_is_at_and_how_long_it_has_been_silent(tmp_path: Path) -> None:
    output = Output(str(tmp_path))
    with OutputLock(output, "mine", heartbeat_seconds=60) as lock:
        lock.at_work({"window": 3}, urgent=True)
        wait_for(lambda: pulse(output).work == {"window": 3})
        assert pulse(output).silent < 30 and abs(pulse(output).age) < 30
    assert read_pulse(output) is None


def pulse(output: Output) -> Pulse:
    found = read_pulse(output)
    assert found is not None
    return found


def test_a_beat_that_fails_is_not_the_last(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    output = Output(str(tmp_path / "out"))
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("no folder")
    (tmp_path / "out").mkdir()

    def point_state_at(name: str) -> None:
        # At once, so that no beat finds nothing there and makes a folder.
        (tmp_path / "link").symlink_to(tmp_path / name)
        (tmp_path / "link").replace(tmp_path / "out" / "state")

    point_state_at("folder")
    with OutputLock(output, "mine", heartbeat_seconds=0.01):
        point_state_at("file")
        wait_for(lambda: "could not be renewed" in caplog.text)
        before = time.time()
        point_state_at("folder")
        wait_for(lambda: output.read_json(PATH)["heartbeat"] > before)
    assert not output.exists(PATH)


def test_a_released_lock_is_not_written_again(tmp_path: Path) -> None:
    output = Output(str(tmp_path))
    for _ in range(30):
        with OutputLock(output, "mine", heartbeat_seconds=0.0001):
            pass
        assert not output.exists(PATH)
        assert all(thread.name != "output-lock" for thread in threading.enumerate())


@pytest.mark.parametrize("text", ['{"run": "x", "ho', '{"run": "x"}', "[]", "null", ""])
def test_a_damaged_lock_names_the_file_and_stays(tmp_path: Path, text: str) -> None:
    output = Output(str(tmp_path))
    output.write(PATH, text.encode())
    with pytest.raises(OutputError, match=r"state/lock\.json.*remove that file"), OutputLock(output, "mine"):
        pass
    assert output.read(PATH) == text.encode()


def test_of_many_that_start_at_once_one_holds(tmp_path: Path) -> None:
    output = Output(str(tmp_path))
    everybody = threading.Barrier(8)

    def hold(number: int) -> bool:
        everybody.wait()
        try:
            with OutputLock(output, f"run-{number}"):
                everybody.wait(30)
        except OutputError:
            everybody.wait(30)
            return False
        return True

    with ThreadPoolExecutor(8) as runs:
        assert list(runs.map(hold, range(8))).count(True) == 1


def test_a_lock_that_another_run_took_is_left_to_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    output = Output(str(tmp_path))
    far = {"run": "far", "host": "elsewhere", "pid": 1, "process_started": 0.0, "heartbeat": time.time()}
    with OutputLock(output, "mine", heartbeat_seconds=0.01):
        output.write_json(PATH, far)
        wait_for(lambda: "run far on elsewhere took" in caplog.text)
    assert output.read_json(PATH) == far


def test_a_killed_owner_that_nobody_waited_for_is_dead(tmp_path: Path) -> None:
    output = Output(str(tmp_path))
    other = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    with other:
        assert other.stdout is not None and other.stdout.readline() == "held\n"
        other.kill()
        wait_for(lambda: psutil.Process(other.pid).status() == psutil.STATUS_ZOMBIE)
        with OutputLock(output, "mine"):
            assert output.read_json(PATH)["run"] == "mine"


def wait_for(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.01)
