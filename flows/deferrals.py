"""What is asked for again later: waits until it is due, is written down, and is owed until its row is in a window."""

from __future__ import annotations

import heapq
import time
from collections.abc import Iterable

from actors.crawler.settings import Deferral
from actors.deferred import Deferred

# They are held in memory, each with its post: what comes on top ends as it is, for --retry.
MOST = 10_000


class Deferrals:
    """Deferred candidates by key, the latest of each. ``owed`` are those that earlier runs left."""

    def __init__(self, settings: Deferral, owed: Iterable[Deferred] = (), most: int = MOST) -> None:
        self._settings = settings
        self._most = most
        self._waiting: list[tuple[float, str]] = []
        self._owed: dict[str, Deferred] = {}
        self._unwritten: set[str] = set()
        for one in owed:
            self._wait_for(one)

    def __len__(self) -> int:
        """Count those whose time has not come."""
        return len(self._waiting)

    @property
    def pause(self) -> float | None:
        """Seconds until the next is due; None where none waits."""
        return max(0.0, self._waiting[0][0] - time.time()) if self._waiting else None

    def due_after(self, tries: int, retry_after: float) -> float | None:
        """Tell when one that was put off so many times is due, in seconds since the epoch; None: not again."""
        if tries >= self._settings.tries or len(self._owed) >= self._most:
            return None
        return time.time() + self._settings.wait(tries, retry_after)

    def add(self, deferred: Deferred) -> None:
        """Let one wait; the next manifest has to hold it."""
        self._unwritten.add(deferred.key)
        self._wait_for(deferred)

    def _wait_for(self, deferred: Deferred) -> None:
        self._owed[deferred.key] = deferred
        heapq.heappush(self._waiting, (deferred.due, deferred.key))

    def take_due(self) -> list[list[Deferred]]:
        """Give those whose time has come, by submission; they stay owed."""
        now = time.time()
        found: dict[str, list[Deferred]] = {}
        while self._waiting and self._waiting[0][0] <= now:
            one = self._owed[heapq.heappop(self._waiting)[1]]
            found.setdefault(one.submission.item, []).append(one)
        return list(found.values())

    def take_unwritten(self) -> tuple[Deferred, ...]:
        """Give what no manifest holds yet; the one that is being written has to."""
        found = tuple(self._owed[key] for key in self._unwritten if key in self._owed)
        self._unwritten.clear()
        return found

    def written(self) -> list[Deferred]:
        """Give what is owed and stands in a manifest."""
        return [one for key, one in self._owed.items() if key not in self._unwritten]

    def settle(self, keys: Iterable[str]) -> None:
        """Forget candidates whose rows, or those of what they came to, are in a window."""
        for key in keys:
            self._owed.pop(key, None)
            self._unwritten.discard(key)
