"""Which APIs may be asked: a key that is refused is not used again, and a host that wants a pause gets it."""

from __future__ import annotations

import time
from collections.abc import Callable

Say = Callable[[str], None]

_WAYS_OUT = {
    "imgur": "albums and galleries there are skipped; check GOLDPAN_CRAWL__IMGUR_CLIENT_ID",
    "flickr": "photo pages and albums there are skipped; check GOLDPAN_CRAWL__FLICKR_API_KEY",
}


class Allowance:
    """Keeps what the APIs said about being asked, and tells the user once of each refusal and pause."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._refused: set[str] = set()
        self._until: dict[str, float] = {}
        self._told: set[str] = set()

    def refused(self, name: str) -> bool:
        """Tell whether the site refused the key."""
        return name in self._refused

    def refuse(self, name: str) -> None:
        """Note that the site refuses the key."""
        self._refused.add(name)
        self.tell(f"{name} refuses the API key: going on without it; {_WAYS_OUT.get(name, 'check the key')}")

    def pause(self, name: str) -> float:
        """Give the seconds for which the site is still to be left alone, 0 where it may be asked."""
        return max(0.0, self._until.get(name, 0.0) - time.monotonic())

    def hold(self, name: str, seconds: float) -> None:
        """Leave the site's API alone for so long."""
        if self.pause(name) == 0.0:
            self._say(
                f"{name}: its API wants a pause and is not asked for {max(1, round(seconds / 60))} min; "
                "meanwhile single images are fetched without it"
            )
        self._until[name] = max(self._until.get(name, 0.0), time.monotonic() + seconds)

    def tell(self, message: str) -> None:
        """Tell the user, once."""
        if message not in self._told:
            self._told.add(message)
            self._say(message)
