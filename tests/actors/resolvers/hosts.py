"""A local server that answers as the hosts' APIs do, asked by the real fetcher."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from aiohttp import web
from pydantic import SecretStr

from actors.crawler.api import Posts
from actors.crawler.fetch import Fetcher
from actors.crawler.resolvers import Resolvers
from actors.crawler.settings import CrawlSettings, HostBudget
from models.reasons import Reason
from models.records import Candidate, Submission

Result = TypeVar("Result")
KEY = "very-secret-key"
FAST = HostBudget(connections=8, per_second=1000)
HOSTS = ("api.imgur.com", "api.flickr.com", "www.reddit.com", "www.flickr.com", "example.com")


class Hosts:
    """Answers by host and path (flickr: method and id), and what was asked."""

    def __init__(
        self, answers: dict[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        self.answers = answers
        self.status = status
        self.headers = headers
        self.asked: list[web.Request] = []

    async def handle(self, request: web.Request) -> web.Response:
        self.asked.append(request)
        name = request.path
        if request.path == "/services/rest/":
            query = request.query
            identity = next(
                (query[key] for key in ("photo_id", "photoset_id", "gallery_id") if key in query), ""
            )
            name = f"{query['method']} {identity} {query.get('page', '')}".strip()
        answer = self.answers.get(name)
        if isinstance(answer, web.Response):
            return answer
        if isinstance(answer, str):
            return web.Response(status=302, headers={"Location": answer})
        if answer is None:
            return web.json_response({"data": {"error": "gone"}, "success": False, "status": 404}, status=404)
        return web.json_response(answer, status=self.status, headers=self.headers)


@dataclass
class KnownPosts:
    """Reddit's answers about posts, and how it was asked."""

    posts: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: list[list[str]] = field(default_factory=list)

    async def __call__(self, ids: Sequence[str]) -> Mapping[str, dict[str, Any]]:
        self.calls.append(list(ids))
        return {identity: self.posts[identity] for identity in ids if identity in self.posts}


def resolved(
    hosts: Hosts, url: str, *, keys: bool = True, times: int = 1, together: int = 1, **settings: Any
) -> list[Candidate]:
    """Resolve a post with this link through a real fetcher and server; gives the last time's candidates."""

    async def work(resolvers: Resolvers) -> list[Candidate]:
        found: list[Candidate] = []
        for _ in range(times):
            found, *_ = await asyncio.gather(*(resolvers.resolve(link_post(url)) for _ in range(together)))
        return found

    return asyncio.run(served(hosts, work, keys=keys, **settings))


def link_post(url: str, identity: str = "x") -> Submission:
    return Submission(f"t3_{identity}", "s", {"id": identity, "url": url})


async def served(
    hosts: Hosts,
    work: Callable[[Resolvers], Awaitable[Result]],
    *,
    keys: bool = True,
    posts: Posts | None = None,
    say: Callable[[str], None] | None = None,
    **settings: Any,
) -> Result:
    """Do some work with resolvers whose hosts are this server."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", hosts.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    key = SecretStr(KEY) if keys else None
    crawl = CrawlSettings(
        host_map=dict.fromkeys(HOSTS, f"http://127.0.0.1:{port}"),
        allow_private=(f"127.0.0.1:{port}",),
        host_budgets=dict.fromkeys(HOSTS, FAST),
        tries=1,
        imgur_client_id=key,
        flickr_api_key=key,
        **settings,
    )
    try:
        async with Fetcher(crawl) as fetcher:
            return await work(Resolvers(crawl, fetcher.api, posts, say))
    finally:
        await runner.cleanup()


def outcomes(found: list[Candidate]) -> list[tuple[str, Reason | None]]:
    return [(one.media, one.outcome.reason if one.outcome else None) for one in found]
