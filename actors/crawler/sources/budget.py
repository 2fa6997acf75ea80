"""When Reddit may be asked next: as its x-ratelimit headers say, else a hundred times a minute."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping

from prawcore.rate_limit import RateLimiter

WINDOW = 600
# https://support.reddithelp.com/hc/en-us/articles/16160319875092: 100 queries a minute, averaged over ten.
_PER_MINUTE = 100
_BURST = 30
_HEADERS = ("x-ratelimit-remaining", "x-ratelimit-used", "x-ratelimit-reset")


class Budget:
    """The requests of one client id, in the seconds of ``clock``.

    prawcore paces itself by the same headers and the same rule, but sleeps; asking here first spares that.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._limiter = RateLimiter(window_size=WINDOW)
        self._spent_until = self._closed_until = clock()

    def wait(self) -> float:
        """Give the seconds until a request may be sent."""
        return max(0.0, self._ready_at() - self._clock(), self._closed_until - self._clock())

    def spend(self) -> None:
        """Count a request."""
        self._spent_until = max(self._spent_until, self._clock()) + 60 / _PER_MINUTE

    def close(self, seconds: float) -> None:
        """Let nobody ask for so long: Reddit said so to one."""
        self._closed_until = self._clock() + seconds

    def learn(self, headers: MutableMapping[str, str]) -> None:
        """Take in a response's headers; those that cannot be read are removed, as prawcore would stumble."""
        try:
            self._limiter.update(response_headers=headers)
        except (KeyError, ValueError, OverflowError):
            for name in _HEADERS:
                headers.pop(name, None)

    def _ready_at(self) -> float:
        told = self._limiter.next_request_timestamp_ns
        return self._spent_until - _BURST * 60 / _PER_MINUTE if told is None else told / 1e9
