"""Reddit listings: a subreddit's, several subreddits' or a user's posts, page by page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from actors.crawler.resolvers.shapes import mapping_of, text_of
from actors.crawler.settings import CrawlSettings
from actors.crawler.sources.client import RedditClient
from actors.crawler.sources.post import submission_of
from actors.crawler.sources.source import PAGE, Cursor, Page
from actors.crawler.sources.spec import SourceError, SourceSpec
from models.records import Submission


class RedditListing:
    """``reddit:r/NAME``, ``r/A+B``, ``u/NAME`` or ``u/NAME/m/MULTI``; Reddit ends a listing at about 1000 posts.

    Options: ``sort`` (default new), ``time`` (for top and controversial), ``limit`` (posts).
    """

    def __init__(self, spec: SourceSpec, settings: CrawlSettings) -> None:
        self._text = spec.text
        default = "top" if "time" in spec.options else "new"
        self._path, self._params = _request(spec.name, spec.options.get("sort", default))
        if time := spec.options.get("time"):
            self._params["t"] = time
        self._limit = int(spec.options["limit"]) if "limit" in spec.options else None
        self._client = RedditClient(settings)

    def check(self) -> None:
        """Ask for one post: it takes credentials that work and a place that may be seen."""
        self._listing({"limit": 1})

    def pages(self, cursor: Cursor | None) -> Iterator[Page]:
        """Yield the listing's pages of up to 100 posts; ``after`` is Reddit's own cursor."""
        after, count = (cursor or {}).get("after"), int((cursor or {}).get("count", 0))
        seen: set[str] = set()  # at most the listing's 1000
        anchors = {None, after}  # a cursor that comes back would lead round for ever
        while self._limit is None or count < self._limit:
            size = PAGE if self._limit is None else min(PAGE, self._limit - count)
            listing = self._listing({"limit": size} | ({"after": after} if after else {}))
            submissions = [one for one in self._read(listing, size) if one.item not in seen]
            seen |= {one.item for one in submissions}
            count += len(submissions)
            after = text_of(listing, "after")
            ended = after in anchors or count == self._limit
            anchors.add(after)
            yield Page(tuple(submissions), {} if ended else {"after": after, "count": count})
            if ended:
                return

    def _listing(self, params: dict[str, str | int]) -> dict[str, Any]:
        answer = self._client.get(self._path, {**self._params, **params}, self._text)
        listing = mapping_of(answer, "data")
        if not isinstance(listing.get("children"), list):
            raise SourceError(f"{self._text}: Reddit answers what is no listing")
        return listing

    def _read(self, listing: dict[str, Any], size: int) -> list[Submission]:
        """Every child is a submission, the unreadable too; comments and others than posts are left out."""
        posts = {
            one.item: one
            for child in listing["children"][:size]
            if not isinstance(child, dict) or child.get("kind") in ("t3", None)
            for one in [submission_of(child.get("data") if isinstance(child, dict) else child, self._text)]
        }
        return list(posts.values())


def _request(name: str, sort: str) -> tuple[str, dict[str, str | int]]:
    """Give the path and parameters (https://www.reddit.com/dev/api#section_listings)."""
    if name.startswith("u/") and "/m/" not in name:
        return f"user/{name[2:]}/submitted", {"sort": sort}
    place = f"user/{name[2:]}" if name.startswith("u/") else name
    return f"{place}/{sort}", {}
