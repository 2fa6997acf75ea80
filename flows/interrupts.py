"""Ctrl-C, SIGTERM and SIGHUP ask for a clean stop; a second signal exits at once."""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType

from flows.exits import INTERRUPTED

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class Interrupts:
    """Sets ``stopping`` at the first signal. Install it after ``ray.init``, which puts its own handlers in place."""

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self.exit_code = 0

    def install(self) -> None:
        """Handle the signals from now on, but for those that whoever started us wants ignored, as nohup does."""
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._handle)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        code = INTERRUPTED if number == signal.SIGINT else 143
        if self.stopping.is_set():
            os._exit(code)
        self.exit_code = code
        self.stopping.set()
        print("\ngoldpan: finishing what is in flight; once more to stop at once", file=sys.stderr)
