"""An actor that hangs: each is asked for a sign of life, and one that gives none for too long is started again."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import ray

from actors.life import life
from flows.watching.events import ActorHung, ActorRestarted, News, Turn, Vitals

# A sign of life is a call, which an actor at work gives when it is done.
_ASK_SECONDS = 1.0


@dataclass(slots=True)
class _Asked:
    """The sign of life that was asked for (None: it came), since when, and how long it is waited for.

    ``life`` is the actor's, as its last sign told.
    """

    seconds: float
    sign: ray.ObjectRef[Any] | None = None
    at: float = 0.0
    life: str | None = None


def _ask(actor: Any) -> ray.ObjectRef[Any]:
    """Ask for a sign of life; what has an event loop gives its own, from there, and what it is at."""
    own = getattr(actor, "sign_of_life", None)
    sign: ray.ObjectRef[Any] = actor.__ray_call__.remote(life) if own is None else own.remote()
    return sign


class Hanging:
    """A watcher that kills what hangs; Ray starts it again, and repeats the calls it was at.

    ``actors`` by what they are called; a call, and what waits before it in the actor's queue, may take ``seconds``.
    Only actors whose calls end are to be watched: a listing may read in a dump for hours. ``tell`` takes what is to be
    told: each that hung, each that lives again, whatever it died of, and a crawler's figures.
    """

    def __init__(self, actors: Mapping[str, Any], seconds: float, tell: Callable[[News], None]) -> None:
        self._actors, self._tell = dict(actors), tell
        self._asked = {name: _Asked(seconds) for name in actors}

    def told(self, news: News) -> None:
        """Look after the actors, each turn."""
        if not isinstance(news, Turn):
            return
        now = time.monotonic()
        for name, asked in self._asked.items():
            self._look_after(name, asked, now)

    def _look_after(self, name: str, asked: _Asked, now: float) -> None:
        if asked.sign is None:
            if now - asked.at >= _ASK_SECONDS:
                asked.sign, asked.at = _ask(self._actors[name]), now
        elif ray.wait([asked.sign], timeout=0)[0]:
            sign, asked.sign, asked.at = asked.sign, None, now
            self._hear(name, asked, sign)
        elif now - asked.at > asked.seconds:
            ray.kill(self._actors[name], no_restart=False)
            self._tell(ActorHung(name, asked.seconds))
            # The sign is repeated too, behind the calls that it waited for. What takes long to start, or to upload,
            # must get there; it may take as long the next time.
            asked.at, asked.seconds = now, 2 * asked.seconds

    def _hear(self, name: str, asked: _Asked, sign: ray.ObjectRef[Any]) -> None:
        try:
            found, figures = ray.get(sign)
        except ray.exceptions.RayError:
            # It died of something else (of memory, that is no RayActorError), too often for this call; whoever needs
            # its answer is told.
            return
        if asked.life not in (None, found):
            self._tell(ActorRestarted(name))
        asked.life = found
        if figures is not None:
            self._tell(Vitals(name, figures))
