"""Asking Reddit about posts through the listing, which has the client and its rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import ray

from actors.crawler.api import UnansweredError
from actors.crawler.listing import Asked


class ListedPosts:
    """``actors.crawler.api.Posts`` of the listing actor of this name; found when it is asked first."""

    def __init__(self, listing: str) -> None:
        self._name = listing
        self._listing: Any = None

    async def __call__(self, ids: Sequence[str]) -> Mapping[str, dict[str, Any]]:
        """Ask about at most 100 posts; UnansweredError where Reddit, or the listing, does not answer."""
        self._listing = self._listing or ray.get_actor(self._name)
        try:
            asked: Asked = await self._listing.posts.remote(list(ids))
        except ray.exceptions.RayActorError as error:
            raise UnansweredError("the listing is being restarted") from error
        if asked.why:
            raise UnansweredError(f"{asked.why}: posts behind links are asked for again later")
        return asked.posts
