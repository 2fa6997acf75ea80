"""Asking Reddit about posts from an event loop: PRAW blocks, and is not thread-safe."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from actors.crawler.api import UnansweredError
from actors.crawler.settings import CrawlSettings
from actors.crawler.sources.client import client_of
from actors.crawler.sources.spec import SourceError


class RedditPosts:
    """``actors.crawler.api.Posts`` through a client of its own; SourceError where there are no credentials."""

    def __init__(self, settings: CrawlSettings) -> None:
        self._client = client_of(settings)
        self._one_at_a_time = asyncio.Lock()

    async def __call__(self, ids: Sequence[str]) -> Mapping[str, dict[str, Any]]:
        """Ask ``/api/info`` for at most 100 posts."""
        async with self._one_at_a_time:
            try:
                return await asyncio.to_thread(self._client.posts_by_id, ids)
            except SourceError as error:
                raise UnansweredError(str(error)) from error
