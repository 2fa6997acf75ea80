"""Waiting for Reddit without sleeping: pages that hold nothing but the seconds to wait."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Generator
from typing import TypeVar

from actors.crawler.sources.client import LaterError
from actors.crawler.sources.source import Cursor, Page
from actors.crawler.sources.spec import SourceError

FINITE_TRIES = 10
_LONGEST_WAIT = 120.0
# Who follows asks again sooner: what is deleted while nobody asks is never seen.
_LONGEST_WAIT_FOLLOWING = 30.0
_LONG_WAIT = 30.0
_ANSWERS_BETWEEN_NOTES = 100
Answer = TypeVar("Answer")
_log = logging.getLogger(__name__)


class Patience:
    """Asks until there is an answer, ``tries`` times at most (None: for ever), each time a longer while later.

    That more is wrong than one request in a row is noted once, and again only after it was well for long.
    """

    def __init__(self, text: str, tries: int | None) -> None:
        self._text, self._tries = text, tries
        self._answers = _ANSWERS_BETWEEN_NOTES

    def ask(self, question: Callable[[], Answer], cursor: Cursor) -> Generator[Page, None, Answer]:
        """Return the question's answer; yield, while it raises LaterError, pages to wait by."""
        failures = 0
        while True:
            try:
                answer = question()
            except LaterError as error:
                failures += bool(error.why)
                yield self._wait(error, failures, cursor)
            else:
                self._answers += 1
                return answer

    def _wait(self, error: LaterError, failures: int, cursor: Cursor) -> Page:
        if self._tries is not None and failures >= self._tries:
            raise SourceError(f"{self._text}: {error}")
        seconds = error.seconds
        if seconds is None:
            longest = _LONGEST_WAIT_FOLLOWING if self._tries is None else _LONGEST_WAIT
            seconds = min(2.0 ** (failures - 1), longest) * random.uniform(0.5, 1)
        notes: tuple[str, ...] = ()
        is_outage = error.why and (failures > 1 or seconds >= _LONG_WAIT)
        if is_outage and self._answers >= _ANSWERS_BETWEEN_NOTES:
            notes = (f"{self._text}: Reddit does not answer ({error.why}); it will be asked again",)
            self._answers = 0
        _log.debug("%s: waiting %.1f s (%s)", self._text, seconds, error.why or "rate limit")
        return Page((), cursor, seconds, notes)
