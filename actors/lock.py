"""One run at a time holds an output: a lock file with its owner and a heartbeat."""

from __future__ import annotations

import os
import platform
import threading
import time
from types import TracebackType
from typing import Any

import psutil

from actors.storage import Output, OutputError

PATH = "state/lock.json"
HEARTBEAT_SECONDS = 10.0
DEAD_AFTER_SECONDS = 60.0


class OutputLock:
    """Holds an output while its ``with`` block runs, and takes over from an owner that is dead.

    An owner on this machine is dead when its process is gone; one elsewhere when its heartbeat stopped a minute
    ago. Raises OutputError naming a living owner.
    """

    def __init__(self, output: Output, run: str) -> None:
        self._output = output
        self._me = {
            "run": run,
            "host": platform.node(),
            "pid": os.getpid(),
            "process_started": psutil.Process().create_time(),
        }
        self._released = threading.Event()

    def __enter__(self) -> OutputLock:
        if self._output.exists(PATH):
            self._refuse_living(self._output.read_json(PATH))
        self._beat()
        threading.Thread(target=self._keep_beating, name="output-lock", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._released.set()
        self._output.remove(PATH)

    def _refuse_living(self, owner: dict[str, Any]) -> None:
        if _is_alive(owner, self._me["host"]):
            raise OutputError(
                f"--out {self._output.uri} is in use by run {owner['run']} "
                f"(process {owner['pid']} on {owner['host']}). Wait for it, stop it, or choose another folder"
            )

    def _beat(self) -> None:
        self._output.write_json(PATH, self._me | {"heartbeat": time.time()})

    def _keep_beating(self) -> None:
        while not self._released.wait(HEARTBEAT_SECONDS):
            self._beat()


def _is_alive(owner: dict[str, Any], here: object) -> bool:
    if owner["host"] != here:
        return bool(time.time() - owner["heartbeat"] < DEAD_AFTER_SECONDS)
    try:
        started = psutil.Process(owner["pid"]).create_time()
    except psutil.NoSuchProcess:
        return False
    return bool(abs(started - owner["process_started"]) < 1)
