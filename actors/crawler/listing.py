"""The listing: one source, read a page at a time, a plain class made to run as a Ray actor."""

from __future__ import annotations

from collections.abc import Iterator

from actors.crawler.settings import CrawlSettings
from actors.crawler.sources import Cursor, Page, open_source, parse_source


class Listing:
    """Reads a source from behind a cursor. PRAW is not thread-safe: one instance, one thread."""

    def __init__(self, source: str, settings: CrawlSettings, cursor: Cursor | None = None) -> None:
        self._source = open_source(parse_source(source), settings)
        self._cursor = cursor
        self._pages: Iterator[Page] | None = None

    def check(self) -> None:
        """Make sure that the source can be read; SourceError says what to do."""
        self._source.check()

    def next_page(self) -> Page | None:
        """Give the next page, None at the end (and from then on)."""
        if self._pages is None:
            self._pages = self._source.pages(self._cursor)
        return next(self._pages, None)
