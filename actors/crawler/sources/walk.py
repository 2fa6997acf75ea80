"""Walking down one listing of Reddit's, page by page, whatever becomes of its anchors."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from actors.crawler.resolvers.shapes import text_of
from actors.crawler.sources.client import RedditClient
from actors.crawler.sources.patience import Patience
from actors.crawler.sources.post import submission_of
from actors.crawler.sources.source import PAGE, Page
from models.records import Submission

_FARTHEST_BACK = 256


class ListingWalk:
    """Reads listings of one source; ``text`` names it."""

    def __init__(self, client: RedditClient, patience: Patience, text: str) -> None:
        self._client, self._patience, self._text = client, patience, text

    def pages(self, path: str, params: dict[str, str | int], size: int = PAGE) -> Iterator[Page]:
        """Yield a listing from its top, each post once, with pages to wait by between; the cursors are empty.

        ``after`` is the fullname of a post. When that is deleted Reddit answers with an empty page, as it does at the
        listing's end: so the posts before it are tried as anchors, further and further up.
        """
        after: str | None = None
        anchors: set[str] = set()
        trail: list[str] = []
        while True:
            asked = {**params, "limit": size} | ({"after": after} if after else {})
            listing = yield from self._patience.ask(
                partial(self._client.listing, path, asked, self._text), {}
            )
            new = self._new(listing, set(trail))
            trail += [one.item for one in new]
            yield Page(tuple(new), {})
            following = text_of(listing, "after")
            if following is None and (listing["children"] or after is None):
                return
            if not new and (following is None or following in anchors):
                following = _further_up(trail, anchors)
                if following is None:
                    yield Page((), {}, notes=(f"{self._text}: {path} broke off after {len(trail)} posts",))
                    return
            assert following is not None
            after = following
            anchors.add(after)

    def _new(self, listing: dict[str, Any], known: set[str]) -> list[Submission]:
        """Every child is a submission, the unreadable too; comments and others than posts are left out."""
        posts = {
            one.item: one
            for child in listing["children"]
            if not isinstance(child, dict) or child.get("kind") in ("t3", None)
            for one in [submission_of(child.get("data") if isinstance(child, dict) else child, self._text)]
        }
        return [one for item, one in posts.items() if item not in known]


def _further_up(trail: list[str], tried: set[str]) -> str | None:
    back = 1
    while back <= min(len(trail), _FARTHEST_BACK):
        if trail[-back] not in tried:
            return trail[-back]
        back *= 2
    return None
