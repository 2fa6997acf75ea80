"""An actor that hangs is started again, its call is repeated, and the user is told."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import pytest
import ray

from flows.hanging import Hanging
from flows.watching.events import ActorHung, ActorRestarted, News, Turn


class Worker:
    """Takes a second for a call."""

    def work(self) -> int:
        time.sleep(1)
        return os.getpid()


@pytest.mark.usefixtures("ray_here")
def test_what_hangs_is_started_again_and_what_works_is_not() -> None:
    told: list[News] = []
    restarting: Any = ray.remote(Worker).options(num_cpus=0, max_restarts=-1, max_task_retries=3)
    at_work, hung = restarting.remote(), restarting.remote()
    stopped = ray.get(hung.work.remote())
    os.kill(stopped, signal.SIGSTOP)
    ray.get(at_work.work.remote())
    answers = [at_work.work.remote() for _ in range(3)] + [hung.work.remote()]
    watch = Hanging({"worker 1": at_work, "worker 2": hung}, 6, told.append)
    assert stopped not in _ticked(watch, answers)
    # On a loaded machine it may take longer to start than that, and is given twice as long.
    assert told[0] == ActorHung("worker 2", 6)
    assert told[0].text == "the worker 2 gave no answer for 6 s, and is started again"
    assert {one for one in told if isinstance(one, ActorHung)} <= {
        ActorHung("worker 2", 6.0 * 2**n) for n in range(9)
    }


@pytest.mark.usefixtures("ray_here")
def test_what_lives_again_is_told_whatever_it_died_of() -> None:
    told: list[News] = []
    restarting: Any = ray.remote(Worker).options(num_cpus=0, max_restarts=-1, max_task_retries=3)
    worker = restarting.remote()
    watch = Hanging({"worker 1": worker}, 60, told.append)
    _ticked(watch, [worker.work.remote() for _ in range(3)])
    died = ray.get(worker.work.remote())
    os.kill(died, signal.SIGKILL)
    while not told:
        assert died not in _ticked(watch, [worker.work.remote()])
    assert told == [ActorRestarted("worker 1")]


def _ticked(watch: Hanging, answers: list[Any]) -> list[Any]:
    waiting = answers
    while waiting:
        watch.told(Turn())
        _, waiting = ray.wait(waiting, timeout=0.1)
    given: list[Any] = ray.get(answers)
    return given
