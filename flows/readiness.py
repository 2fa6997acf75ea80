"""Waiting for a run's actors: all of them up, with the models that were asked for, before a window is judged."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import ray

from flows.crawl_ahead import CrawlAhead
from flows.exits import PreflightError, last_line
from models.taste import Taste

START_SECONDS = 180.0


def await_actors(actors: Sequence[Any], crawl: CrawlAhead) -> None:
    """Wait until every actor is up, and crawl meanwhile.

    Raises PreflightError where one fails, or where the cluster has had no room for one in START_SECONDS.
    """
    waiting = [actor.__ray_ready__.remote() for actor in actors]
    deadline = time.monotonic() + START_SECONDS
    while waiting:
        done, waiting = ray.wait(waiting, num_returns=len(waiting), timeout=0)
        try:
            ray.get(done)
        except ray.exceptions.RayActorError as error:
            raise PreflightError(f"an actor did not start: {last_line(error)}") from error
        if time.monotonic() > deadline:
            raise PreflightError(
                f"{len(waiting)} actors did not start in {START_SECONDS:.0f} s: the cluster has no room for them. "
                "See `ray status`; add nodes, or stop what else runs there"
            )
        crawl.poll(0.1)


def check_encoders(encoders: Sequence[Any], taste: Taste) -> None:
    """Make sure that each encoder, wherever it runs, is the one the taste was fitted on."""
    for told in ray.get([encoder.describe.remote() for encoder in encoders]):
        taste.check_encoder(told["fingerprint"])
