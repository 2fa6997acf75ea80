"""An actor that hangs is started again, its call is repeated, and the user is told."""

from __future__ import annotations

import os
import signal
import time
from typing import Any, cast

import pytest
import ray

from actors.sink import Committed
from flows.crawl_ahead import CrawlAhead
from flows.hanging import Hanging

NOBODY = cast(CrawlAhead, None)


class Notes:
    """A watcher that keeps what it is told."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.ticks = 0

    def tick(self, crawl: CrawlAhead, in_flight: int) -> None:
        self.ticks += 1

    def committed(self, report: Committed) -> None: ...

    def said(self, note: str) -> None:
        self.notes.append(note)


class Worker:
    """Takes a second for a call."""

    def work(self) -> int:
        time.sleep(1)
        return os.getpid()


@pytest.mark.usefixtures("ray_here")
def test_what_hangs_is_started_again_and_what_works_is_not() -> None:
    notes = Notes()
    restarting: Any = ray.remote(Worker).options(num_cpus=0, max_restarts=-1, max_task_retries=3)
    at_work, hung = restarting.remote(), restarting.remote()
    stopped = ray.get(hung.work.remote())
    os.kill(stopped, signal.SIGSTOP)
    ray.get(at_work.work.remote())
    answers = [at_work.work.remote() for _ in range(3)] + [hung.work.remote()]
    watch = Hanging({"worker 1": at_work, "worker 2": hung}, 6, notes)
    assert stopped not in _ticked(watch, answers)
    # On a loaded machine it may take longer to start than that, and is given twice as long.
    assert notes.notes[0] == "the worker 2 gave no answer for 6 s, and is started again"
    assert not [note for note in notes.notes if "worker 1" in note]
    assert notes.ticks > 10


def _ticked(watch: Hanging, answers: list[Any]) -> list[Any]:
    waiting = answers
    while waiting:
        watch.tick(NOBODY, 0)
        _, waiting = ray.wait(waiting, timeout=0.1)
    given: list[Any] = ray.get(answers)
    return given
