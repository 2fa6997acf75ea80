"""Reddit listings: what a subreddit's, several subreddits' or a user's listings show between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from actors.crawler.sources.client import RedditClient, RefusedError
from actors.crawler.sources.patience import FINITE_TRIES, Patience
from actors.crawler.sources.source import PAGE, Cursor, Page
from actors.crawler.sources.spec import TIMES, SourceSpec
from actors.crawler.sources.walk import ListingWalk

Request = tuple[str, dict[str, str | int]]
_OVER_TIME = ("top", "controversial")


class RedditListing:
    """``reddit:r/NAME``, ``r/A+B``, ``u/NAME`` or ``u/NAME/m/MULTI``; Reddit ends a listing at about 1000 posts.

    Without options new, hot, rising, top and controversial are united, the last two over every ``time``: each post
    once, new first. ``sort`` and ``time`` choose one listing, ``limit`` is a number of different posts.

    It always reads from the beginning: an anchor may be deleted, the order changes, and a hundred and fifty requests
    list it all again. What is known by then is skipped by its key. The cursor it is given it hands on: it is that of
    ``LiveListing`` for the same source, whose next run must know where it stopped.
    """

    def __init__(self, spec: SourceSpec, client: RedditClient) -> None:
        self._text = spec.text
        self._requests = requests_for(spec)
        self._limit = int(spec.options["limit"]) if "limit" in spec.options else None
        self._client = client
        self._walk = ListingWalk(client, Patience(spec.text, FINITE_TRIES), spec.text)

    def check(self) -> None:
        """Ask for one post: it takes credentials that work and a place that may be seen."""
        path, params = self._requests[0]
        self._client.check(path, {**params, "limit": 1}, self._text)

    def pages(self, cursor: Cursor | None) -> Iterator[Page]:
        """Yield the listings' pages of up to 100 posts; one but the first that is refused is noted and left out."""
        for page in self._listed():
            yield replace(page, cursor=cursor or {})

    def _listed(self) -> Iterator[Page]:
        seen: set[str] = set()  # at most 1000 a listing, and 15 listings
        for place, (path, params) in enumerate(self._requests):
            try:
                yield from self._pages(path, params, seen)
            except RefusedError as error:
                if place == 0:
                    raise
                yield Page((), {}, notes=(f"{error} ({path})",))
            if len(seen) == self._limit:
                return

    def _pages(self, path: str, params: dict[str, str | int], seen: set[str]) -> Iterator[Page]:
        for page in self._walk.pages(path, params, min(self._limit or PAGE, PAGE)):
            new = [one for one in page.submissions if one.item not in seen]
            if self._limit is not None:
                new = new[: self._limit - len(seen)]
            seen |= {one.item for one in new}
            yield replace(page, submissions=tuple(new))
            if len(seen) == self._limit:
                return


def requests_for(spec: SourceSpec) -> list[Request]:
    """Give the listings that a source asks for."""
    time = spec.options.get("time")
    sort = spec.options.get("sort", "top" if time else None)
    return all_requests(spec.name) if sort is None else [request(spec.name, sort, time)]


def all_requests(name: str) -> list[Request]:
    """Give every listing of a place, new first."""
    sorts = ("new", "hot") if _is_user(name) else ("new", "hot", "rising")
    return [request(name, sort) for sort in sorts] + [
        request(name, sort, time) for sort in _OVER_TIME for time in TIMES
    ]


def request(name: str, sort: str, time: str | None = None) -> Request:
    """Give the path and parameters of one listing (https://www.reddit.com/dev/api#section_listings)."""
    over: dict[str, str | int] = {"t": time} if time else {}
    if _is_user(name):
        return f"user/{name[2:]}/submitted", {"sort": sort} | over
    place = f"user/{name[2:]}" if name.startswith("u/") else name
    return f"{place}/{sort}", over


def _is_user(name: str) -> bool:
    return name.startswith("u/") and "/m/" not in name
