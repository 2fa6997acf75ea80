"""Asking Reddit about posts through the listing, which has the client and its rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import ray

from actors.crawler.api import UnansweredError


class ListedPosts:
    """``actors.crawler.api.Posts`` of the listing actor of this name; found when it is asked first."""

    def __init__(self, listing: str) -> None:
        self._name = listing
        self._listing: Any = None

    async def __call__(self, ids: Sequence[str]) -> Mapping[str, dict[str, Any]]:
        """Ask about at most 100 posts; UnansweredError where Reddit, or the listing, does not answer."""
        self._listing = self._listing or ray.get_actor(self._name)
        try:
            found: Mapping[str, dict[str, Any]] | None = await self._listing.posts.remote(list(ids))
        except ray.exceptions.RayActorError as error:
            raise UnansweredError("the listing is being restarted") from error
        if found is None:
            raise UnansweredError("Reddit does not answer about the posts behind links; asking again later")
        return found
