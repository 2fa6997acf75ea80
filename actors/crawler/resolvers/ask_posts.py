"""Questions about posts, gathered: Reddit answers up to a hundred in one call, and calls are what it counts."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from actors.crawler.api import Posts

MOST_IN_A_CALL = 100
GATHER_SECONDS = 0.1


class PostsDesk:
    """Asks about one post a question, in calls that those that come close together share."""

    def __init__(self, posts: Posts) -> None:
        self._posts = posts
        self._open: dict[str, None] = {}
        self._call: asyncio.Task[Mapping[str, dict[str, Any]]] | None = None

    async def ask(self, identity: str) -> dict[str, Any] | None:
        """Give the post of this id (without ``t3_``), None where Reddit knows none; may raise UnansweredError."""
        if self._call is None or len(self._open) >= MOST_IN_A_CALL:
            self._open = {}
            self._call = asyncio.create_task(self._answer(self._open))
        self._open[identity] = None
        # One that is cancelled leaves the call to the others.
        found = await asyncio.shield(self._call)
        return found.get(identity)

    async def _answer(self, ids: dict[str, None]) -> Mapping[str, dict[str, Any]]:
        await asyncio.sleep(GATHER_SECONDS)
        if self._open is ids:
            self._call = None
        return await self._posts(list(ids))
