"""What is asked for again later: waits until it is due, is written down, and is owed until its row is in a window."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType

from actors.crawler.settings import Deferral
from actors.deferred import Deferred
from models.keys import NO_CANDIDATE

# They are held in memory, each with its post: what comes on top ends as it is, for --retry.
MOST = 10_000
NOWHERE: Mapping[str, int] = MappingProxyType({})


class Deferrals:
    """Deferred candidates by key, the latest of each.

    ``owed`` are those that earlier runs left, and ``written`` the windows whose manifests hold them, by key. What is
    written says by the calendar when it is due (``today``, seconds since the epoch), for another run to read; this one
    waits by a ``clock`` that nobody sets.
    """

    def __init__(
        self,
        settings: Deferral,
        owed: Iterable[Deferred] = (),
        written: Mapping[str, int] = NOWHERE,
        most: int = MOST,
        clock: Callable[[], float] = time.monotonic,
        today: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._clock, self._today = clock, today
        self._most = most
        self._waiting: list[tuple[float, str]] = []
        self._owed: dict[str, Deferred] = {}
        self._of: dict[str, set[str]] = {}
        self._written = dict(written)
        for one in owed:
            self._wait_for(one)

    def __len__(self) -> int:
        """Count those whose time has not come."""
        return len(self._waiting)

    @property
    def pause(self) -> float | None:
        """Seconds until the next is due; None where none waits."""
        return max(0.0, self._waiting[0][0] - self._clock()) if self._waiting else None

    def owes(self, item: str) -> bool:
        """Tell whether a whole submission is owed, of which no candidate was known."""
        return f"{item}/{NO_CANDIDATE}" in self._owed

    def keys_of(self, item: str) -> frozenset[str]:
        """Give the keys that are owed of a submission."""
        return frozenset(self._of.get(item, ()))

    def due_after(self, tries: int, retry_after: float) -> float | None:
        """Tell when one that was put off so many times is due, in seconds since the epoch; None: not again."""
        if tries >= self._settings.tries or len(self._owed) >= self._most:
            return None
        return self._today() + self._settings.wait(tries, retry_after)

    def add(self, deferred: Deferred) -> None:
        """Let one wait; the next manifest has to hold it."""
        self._written.pop(deferred.key, None)
        self._wait_for(deferred)

    def _wait_for(self, deferred: Deferred) -> None:
        self._owed[deferred.key] = deferred
        self._of.setdefault(deferred.submission.item, set()).add(deferred.key)
        # Nothing waits longer than that: what seems to was written while the calendar was wrong. What is due already
        # keeps its order, which the two clocks' fractions would mix.
        wait = min(max(deferred.due - self._today(), 0.0), self._settings.longest)
        heapq.heappush(self._waiting, (self._clock() + wait, deferred.key))

    def take_due(self, most: int) -> list[Sequence[Deferred]]:
        """Give submissions of which the time has come for a candidate, with all of theirs; they stay owed."""
        found: list[Sequence[Deferred]] = []
        while self._waiting and self._waiting[0][0] <= self._clock() and len(found) < most:
            item = self._owed[self._waiting[0][1]].submission.item
            keys = {key for _, key in self._waiting if key in self._of[item]}
            # Two entries must never be on their way with one key, and one candidate may be what another came to.
            self._waiting = [one for one in self._waiting if one[1] not in keys]
            heapq.heapify(self._waiting)
            found.append([self._owed[key] for key in sorted(keys)])
        return found

    def take_unwritten(self, window: int) -> tuple[Deferred, ...]:
        """Give what no manifest holds yet, for this window's."""
        found = tuple(one for key, one in self._owed.items() if key not in self._written)
        self._written |= {one.key: window for one in found}
        return found

    def written(self) -> dict[str, int]:
        """Give what is owed and stands in a manifest: the window, by key."""
        return {key: self._written[key] for key in self._owed if key in self._written}

    def settle(self, keys: Iterable[str]) -> None:
        """Forget candidates whose rows, or those of what they came to, are in a window."""
        for key in keys:
            self._written.pop(key, None)
            if (settled := self._owed.pop(key, None)) is not None:
                self._of[settled.submission.item].discard(key)
                if not self._of[settled.submission.item]:
                    del self._of[settled.submission.item]
