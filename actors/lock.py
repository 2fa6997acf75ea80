"""One run at a time holds an output: a lock file with its owner and a heartbeat."""

from __future__ import annotations

import logging
import os
import platform
import threading
import time
from dataclasses import asdict, dataclass, replace
from types import TracebackType
from typing import Any

import psutil

from actors.storage import Output, OutputError, to_json

PATH = "state/lock.json"
HEARTBEAT_SECONDS = 10.0
DEAD_AFTER_SECONDS = 60.0
# An object store tells a file's length, and gives its bytes when it is asked again: of the next beat, perhaps.
_LENGTH = 512
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Owner:
    """Who holds an output; ``process_started`` and ``heartbeat`` are in seconds since the epoch, UTC."""

    run: str
    host: str
    pid: int
    process_started: float
    heartbeat: float

    def is_same_as(self, other: Owner) -> bool:
        """Tell whether it is the same holder, whenever its heart beat last."""
        return self == replace(other, heartbeat=self.heartbeat)


class OutputLock:
    """Holds an output while its ``with`` block runs, and takes over from an owner that is dead.

    An owner on this machine is dead when its process is gone; one elsewhere when its heartbeat stopped a minute
    ago. Raises OutputError naming a living owner, or a lock file that cannot be read. ``heartbeat_seconds`` is the
    time between two beats.
    """

    def __init__(self, output: Output, run: str, heartbeat_seconds: float = HEARTBEAT_SECONDS) -> None:
        self._output = output
        self._seconds = heartbeat_seconds
        started = psutil.Process().create_time()
        self._me = Owner(run, platform.node(), os.getpid(), started, time.time())
        self._released = threading.Event()
        self._beating = threading.Thread(target=self._keep_beating, name="output-lock", daemon=True)

    def __enter__(self) -> OutputLock:
        owner = self._owner()
        if owner is not None:
            if _is_alive(owner, self._me.host):
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
        # A beat that is under way would write the lock again after it was removed.
        self._beating.join()
        try:
            if self._is_mine():
                self._output.remove(PATH)
        except (OSError, OutputError) as problem:
            _log.warning("%s of %s stays: %s", PATH, self._output.shown, problem)

    def _owner(self) -> Owner | None:
        try:
            return _read(self._output.read_json(PATH))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError):
            # Who wrote it may be alive, and nothing here tells: only its owner can know.
            raise OutputError(
                f"--out {self._output.shown}: {PATH} cannot be read as a lock. If no run uses this output, "
                "remove that file and start again"
            ) from None

    def _in_use(self, owner: Owner | None) -> OutputError:
        who = f"run {owner.run} (process {owner.pid} on {owner.host})" if owner else "a run that just started"
        return OutputError(
            f"--out {self._output.shown} is in use by {who}. Wait for it, stop it, or choose another folder"
        )

    def _beat_now(self) -> bytes:
        return to_json(asdict(replace(self._me, heartbeat=time.time()))).ljust(_LENGTH)

    def _is_mine(self) -> bool:
        owner = self._owner()
        return owner is not None and owner.is_same_as(self._me)

    def _keep_beating(self) -> None:
        while not self._released.wait(self._seconds):
            try:
                owner = self._owner()
                if owner is not None and not owner.is_same_as(self._me):
                    _log.error("run %s on %s took %s over", owner.run, owner.host, self._output.shown)
                    return
                self._output.write(PATH, self._beat_now())
            except (OSError, OutputError) as error:
                # A full disk or a lost network may pass; without a beat another host takes the output.
                _log.warning("%s of %s could not be renewed: %s", PATH, self._output.shown, error)


def _read(fields: Any) -> Owner:
    return Owner(
        run=str(fields["run"]),
        host=str(fields["host"]),
        pid=int(fields["pid"]),
        process_started=float(fields["process_started"]),
        heartbeat=float(fields["heartbeat"]),
    )


def _is_alive(owner: Owner, here: str) -> bool:
    has_beat = time.time() - owner.heartbeat < DEAD_AFTER_SECONDS
    if owner.host != here:
        return has_beat
    try:
        process = psutil.Process(owner.pid)
        # A killed process that nobody waited for stays in the table.
        is_zombie = process.status() == psutil.STATUS_ZOMBIE
        return not is_zombie and abs(process.create_time() - owner.process_started) < 1
    except psutil.AccessDenied:
        return has_beat
    except (psutil.NoSuchProcess, ValueError):
        return False
