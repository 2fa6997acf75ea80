"""An actor that hangs: each is asked for a sign of life, and one that gives none for too long is started again."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ray

from actors.sink import Committed
from flows.crawl_ahead import CrawlAhead
from flows.stream import Watcher

# A sign of life is a call, which an actor at work gives when it is done.
_ASK_SECONDS = 1.0


@dataclass(slots=True)
class _Asked:
    """The sign of life that was asked for (None: it came), since when, and how long it is waited for."""

    seconds: float
    sign: ray.ObjectRef[Any] | None = None
    at: float = 0.0


class Hanging:
    """A watcher before another that kills what hangs; Ray starts it again, and repeats the calls it was at.

    ``actors`` by what they are called; a call, and what waits before it in the actor's queue, may take ``seconds``.
    Only actors whose calls end are to be watched: a listing may read in a dump for hours. Each restart is said.
    """

    def __init__(self, actors: Mapping[str, Any], seconds: float, watcher: Watcher) -> None:
        self._actors, self._watcher = dict(actors), watcher
        self._asked = {name: _Asked(seconds) for name in actors}

    def tick(self, crawl: CrawlAhead, in_flight: int) -> None:
        """Look after the actors, and pass it on."""
        now = time.monotonic()
        for name, asked in self._asked.items():
            self._look_after(name, asked, now)
        self._watcher.tick(crawl, in_flight)

    def said(self, note: str) -> None:
        """Pass it on."""
        self._watcher.said(note)

    def committed(self, report: Committed) -> None:
        """Pass it on."""
        self._watcher.committed(report)

    def _look_after(self, name: str, asked: _Asked, now: float) -> None:
        if asked.sign is None:
            if now - asked.at >= _ASK_SECONDS:
                asked.sign, asked.at = self._actors[name].__ray_ready__.remote(), now
        elif ray.wait([asked.sign], timeout=0)[0]:
            # It may have died of something else; whoever needs its answer is told.
            asked.sign, asked.at = None, now
        elif now - asked.at > asked.seconds:
            ray.kill(self._actors[name], no_restart=False)
            self.said(f"the {name} gave no answer for {asked.seconds:g} s, and is started again")
            # The sign is repeated too, behind the calls that it waited for. What takes long to start, or to upload,
            # must get there; it may take as long the next time.
            asked.at, asked.seconds = now, 2 * asked.seconds
