"""How long to pause between two looks at what is new."""

from __future__ import annotations

_FASTEST = 1.0
_START = 4.0


class Pace:
    """Aims at ``wanted`` news a look; at most ``slowest`` seconds pass between two.

    It needs no clock: too many news halve the pause or more, too few double it.
    """

    def __init__(self, wanted: int, slowest: float) -> None:
        self._wanted, self._slowest = wanted, slowest
        self._pause = _START

    def pause(self, news: int) -> float:
        """Give the seconds until the next look, after one that found so many."""
        factor = min(max(self._wanted / news, 0.25), 2.0) if news else 2.0
        self._pause = min(max(self._pause * factor, _FASTEST), self._slowest)
        return self._pause
