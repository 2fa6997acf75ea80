"""The listing: all sources of a run, read a page at a time and in turns; a plain class made to run as a Ray actor."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from actors.crawler.settings import CrawlSettings
from actors.crawler.sources import Cursor, Page, Source, SourceError, open_source, parse_source
from actors.crawler.sources.client import LaterError, RedditClient, client_of

LONGEST_PAUSE = 60.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Listed:
    """What a turn gave: a source's ``page``, that it has ``ended``, or the ``failure`` that ended it.

    None of them where every source waits: ask again in ``pause`` seconds.
    """

    source: str = ""
    page: Page | None = None
    failure: str | None = None
    ended: bool = False
    pause: float = 0.0


@dataclass(frozen=True, slots=True)
class Asked:
    """Posts by id, as plain dicts; what Reddit does not know is absent.

    ``why`` there is no answer: it does not give one, or not to us. ``spent``: only the requests of this minute are.
    """

    posts: dict[str, dict[str, Any]]
    why: str = ""
    spent: bool = False


@dataclass(slots=True)
class Reading:
    """A source that is being read; it is not asked before ``due`` (monotonic seconds)."""

    text: str
    source: Source
    endless: bool
    pages: Iterator[Page] | None = None
    due: float = 0.0
    served: int = 0

    def next_page(self, cursor: Cursor | None) -> Page | None:
        """Give the next page, the first from behind the cursor; None at the end."""
        if self.pages is None:
            self.pages = self.source.pages(cursor or None)
        page = next(self.pages, None)
        if page is not None:
            self.due = time.monotonic() + page.pause
        return page


class Listing:
    """Reads finite sources one after another, and takes turns between the first of them and the endless ones.

    One thread: PRAW is not thread-safe, and all of a client id's requests share its rate.
    """

    def __init__(self, sources: Sequence[str], settings: CrawlSettings, *, follow: bool = False) -> None:
        self._settings = settings
        self._served = 0
        self._client: RedditClient | None = None
        self._readings = [self._opened(text, follow) for text in sources]

    def _opened(self, text: str, follow: bool) -> Reading:
        spec = parse_source(text)
        source = open_source(spec, self._settings, follow=follow)
        return Reading(text, source, spec.is_endless(follow=follow))

    def next_page(self, cursors: Mapping[str, Cursor]) -> Listed | None:
        """Give what the next turn gives, None when all sources have ended.

        ``cursors``, by source, tell where to begin with those that were not asked before in this process.
        """
        if not self._readings:
            return None
        ready, pause = self._next()
        if ready is None:
            return Listed(pause=min(pause, LONGEST_PAUSE))
        try:
            page = ready.next_page(cursors.get(ready.text))
        except SourceError as error:
            self._readings.remove(ready)
            return Listed(ready.text, failure=str(error))
        except Exception as error:  # noqa: BLE001 - the worker's edge: the other sources go on
            _log.exception("%s", ready.text)
            self._readings.remove(ready)
            return Listed(
                ready.text, failure=f"{ready.text}: unexpected {type(error).__name__}; see Ray's log"
            )
        if page is not None:
            return Listed(ready.text, page)
        self._readings.remove(ready)
        return Listed(ready.text, ended=True)

    def _next(self) -> tuple[Reading | None, float]:
        """Choose the reading that is due and was served longest ago, or tell how long until one is due."""
        finite = next((one for one in self._readings if not one.endless), None)
        now = time.monotonic()
        turn = [one for one in self._readings if one.endless or one is finite]
        due = [one for one in turn if one.due <= now]
        if not due:
            return None, min(one.due for one in turn) - now
        first = min(due, key=lambda one: one.served)
        self._served += 1
        first.served = self._served
        return first, 0.0

    def posts(self, ids: Sequence[str]) -> Asked:
        """Ask Reddit about posts, by their ids without ``t3_``."""
        try:
            self._client = self._client or client_of(self._settings)
            return Asked(self._client.posts_by_id(ids))
        except LaterError as error:
            _log.warning("%s", error)
            return Asked({}, str(error), spent=not error.why)
        except SourceError as error:
            _log.warning("%s", error)
            return Asked({}, str(error))
