"""One run at a time holds an output: a lock file with its owner, a heartbeat, and what the run is at.

Clocks are set while runs go on, and those of two machines differ. So a process is known by when it started after its
machine did, a heart on another machine counts as stopped when no beat comes while one looks, and how long a run has
been silent is told by a clock of its own that nobody sets.
"""

from __future__ import annotations

import logging
import platform
import threading
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil

from actors.storage import Output, OutputError, to_json

PATH = "state/lock.json"
HEARTBEAT_SECONDS = 10.0
DEAD_AFTER_SECONDS = 60.0
# An object store tells a file's length, and gives its bytes when it is asked again: of the next beat, perhaps.
_LENGTH = 1024
# So many beats have to be missed while one looks.
_MISSED = 2.5
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Owner:
    """Who holds an output; ``process_started`` and ``heartbeat`` are in seconds since the epoch, UTC.

    ``boot`` is the boot of its machine (Linux; elsewhere empty), and ``uptime`` when the process started after it.
    """

    run: str
    host: str
    pid: int
    process_started: float
    heartbeat: float
    boot: str = ""
    uptime: float = 0.0

    def is_same_as(self, other: Owner) -> bool:
        """Tell whether it is the same holder, whenever its heart beat last."""
        return self == replace(other, heartbeat=self.heartbeat)


@dataclass(frozen=True, slots=True)
class Pulse:
    """What a lock says: its owner, what the run is at, and for how many seconds it had been silent at that beat."""

    owner: Owner
    work: dict[str, Any]
    silent: float

    @property
    def age(self) -> float:
        """Seconds since the beat, by the clocks of two processes."""
        return time.time() - self.owner.heartbeat


class OutputLock:
    """Holds an output while its ``with`` block runs, and takes over from an owner that is dead.

    An owner on this machine is dead when its process is gone; one elsewhere when its heartbeat stopped a minute
    ago, and does not come while we look. Raises OutputError naming a living owner, or a lock file that cannot be read.
    ``heartbeat_seconds`` is the time between two beats.
    """

    def __init__(self, output: Output, run: str, heartbeat_seconds: float = HEARTBEAT_SECONDS) -> None:
        self._output = output
        self._seconds = heartbeat_seconds
        me = psutil.Process()
        self._me = Owner(
            run, platform.node(), me.pid, me.create_time(), time.time(), _boot(), _uptime(me.create_time())
        )
        self._work: dict[str, Any] = {}
        self._worked = time.monotonic()
        self._released = threading.Event()
        self._wake = threading.Event()
        self._beating = threading.Thread(target=self._keep_beating, name="output-lock", daemon=True)

    def __enter__(self) -> OutputLock:
        owner = self._owner()
        if owner is not None:
            if _is_alive(owner, self._me.host) or self._beats(owner):
                raise self._in_use(owner)
            self._output.remove(PATH)
        if not self._output.create(PATH, self._beat_now()):
            # Somebody else was there between the look and the file.
            raise self._in_use(self._owner())
        self._beating.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._released.set()
        self._wake.set()
        # A beat that is under way would write the lock again after it was removed.
        self._beating.join()
        try:
            if self._is_mine():
                self._output.remove(PATH)
        except (OSError, OutputError) as problem:
            _log.warning("%s of %s stays: %s", PATH, self._output.shown, problem)

    def at_work(self, work: dict[str, Any], *, urgent: bool = False) -> None:
        """Note what the run is at, for the next beat, or one that comes at once; any call shows that it is alive."""
        self._work, self._worked = work, time.monotonic()
        if urgent:
            self._wake.set()

    def _owner(self) -> Owner | None:
        pulse = read_pulse(self._output)
        return None if pulse is None else pulse.owner

    def _beats(self, owner: Owner) -> bool:
        """Tell whether the heart of an owner elsewhere beats while we look: its clock, or ours, may be wrong."""
        if owner.host == self._me.host:
            return False
        deadline = time.monotonic() + _MISSED * self._seconds
        while time.monotonic() < deadline:
            time.sleep(self._seconds / 4)
            now = self._owner()
            if now is None or now != owner:
                return now is not None
        return False

    def _in_use(self, owner: Owner | None) -> OutputError:
        who = f"run {owner.run} (process {owner.pid} on {owner.host})" if owner else "a run that just started"
        return OutputError(
            f"--out {self._output.shown} is in use by {who}. Wait for it, stop it, or choose another folder"
        )

    def _beat_now(self) -> bytes:
        held = asdict(replace(self._me, heartbeat=time.time()))
        silent = round(time.monotonic() - self._worked, 3)
        return to_json(held | {"silent": silent, "work": self._work}).ljust(_LENGTH)

    def _is_mine(self) -> bool:
        owner = self._owner()
        return owner is not None and owner.is_same_as(self._me)

    def _keep_beating(self) -> None:
        while not self._is_released_after_a_beat():
            try:
                owner = self._owner()
                if owner is not None and not owner.is_same_as(self._me):
                    _log.error("run %s on %s took %s over", owner.run, owner.host, self._output.shown)
                    return
                self._output.write(PATH, self._beat_now())
            except (OSError, OutputError) as error:
                # A full disk or a lost network may pass; without a beat another host takes the output.
                _log.warning("%s of %s could not be renewed: %s", PATH, self._output.shown, error)

    def _is_released_after_a_beat(self) -> bool:
        """Wait until the next beat is due, or wanted; tells whether there is to be none."""
        self._wake.wait(self._seconds)
        self._wake.clear()
        return self._released.is_set()


def read_pulse(output: Output) -> Pulse | None:
    """Give what the lock of an output says, None where nobody holds it; OutputError where it cannot be read."""
    try:
        return _read(output.read_json(PATH))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError):
        # Who wrote it may be alive, and nothing here tells: only its owner can know.
        raise OutputError(
            f"--out {output.shown}: {PATH} cannot be read as a lock. If no run uses this output, "
            "remove that file and start again"
        ) from None


def _read(fields: Any) -> Pulse:
    owner = Owner(
        run=str(fields["run"]),
        host=str(fields["host"]),
        pid=int(fields["pid"]),
        process_started=float(fields["process_started"]),
        heartbeat=float(fields["heartbeat"]),
        # Before 0.2 there were none.
        boot=str(fields.get("boot", "")),
        uptime=float(fields.get("uptime", 0.0)),
    )
    return Pulse(owner, dict(fields.get("work", {})), float(fields.get("silent", 0.0)))


def _boot() -> str:
    try:
        return _BOOT.read_text().strip()
    except OSError:
        return ""  # not Linux


def _uptime(create_time: float) -> float:
    # Both move together when the clock is set.
    return create_time - psutil.boot_time()


def _is_owner(process: psutil.Process, owner: Owner) -> bool:
    """Tell whether this process is the one that took the lock, and not one that has its number now."""
    if owner.boot and owner.boot == _boot():
        # The machine tells its start in whole seconds, which may be another one the next time.
        return abs(_uptime(process.create_time()) - owner.uptime) < 2
    return abs(process.create_time() - owner.process_started) < 1


def _is_alive(owner: Owner, here: str) -> bool:
    # A beat of the future is of a clock that is wrong, and says nothing.
    has_beat = abs(time.time() - owner.heartbeat) < DEAD_AFTER_SECONDS
    if owner.host != here:
        return has_beat
    try:
        process = psutil.Process(owner.pid)
        # A killed process that nobody waited for stays in the table.
        is_zombie = process.status() == psutil.STATUS_ZOMBIE
        return not is_zombie and _is_owner(process, owner)
    except psutil.AccessDenied:
        return has_beat
    except (psutil.NoSuchProcess, ValueError):
        return False
