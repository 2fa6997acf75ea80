"""Asking Reddit about posts from an event loop: PRAW blocks, and is not thread-safe."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from actors.crawler.api import UnansweredError
from actors.crawler.resolvers.shapes import mapping_of, objects_of, text_of
from actors.crawler.settings import CrawlSettings
from actors.crawler.sources.client import RedditClient
from actors.crawler.sources.spec import SourceError


class RedditPosts:
    """``actors.crawler.api.Posts`` through a client of its own; SourceError where there are no credentials."""

    def __init__(self, settings: CrawlSettings) -> None:
        self._client = RedditClient(settings)
        self._one_at_a_time = asyncio.Lock()

    async def __call__(self, ids: Sequence[str]) -> Mapping[str, dict[str, Any]]:
        """Ask ``/api/info`` for at most 100 posts."""
        async with self._one_at_a_time:
            try:
                answer = await asyncio.to_thread(self._ask, ids)
            except SourceError as error:
                raise UnansweredError(str(error)) from error
        posts = (mapping_of(child, "data") for child in objects_of(mapping_of(answer, "data"), "children"))
        return {identity: post for post in posts if (identity := text_of(post, "id"))}

    def _ask(self, ids: Sequence[str]) -> Any:
        names = ",".join(f"t3_{identity}" for identity in ids)
        return self._client.get("api/info", {"id": names}, "the posts behind links")
