"""A real image server on loopback that can also misbehave in every way a host does."""

from __future__ import annotations

import asyncio
import functools
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, ParamSpec

from aiohttp import web

from actors.crawler.backoff import Backoff
from actors.crawler.settings import CrawlSettings, HostBudget

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40
QUICK = Backoff(first=0.01, longest=0.02)
GENEROUS = HostBudget(connections=64, per_second=100_000)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
P = ParamSpec("P")


def in_loop(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run an async test in an event loop of its own."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


class ImageServer:
    """Answers what ``paths`` says, 404 for the rest; counts who asked for what, and how many at once."""

    def __init__(self, paths: Mapping[str, Handler] | None = None, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self.paths: dict[str, Handler] = dict(paths or {})
        self.hits: Counter[str] = Counter()
        self.hosts: list[str] = []
        self.requests: list[web.BaseRequest] = []
        self.at_once = self.most_at_once = 0
        self.released = asyncio.Event()
        self.port = 0
        self._changed = asyncio.Event()

    @property
    def base(self) -> str:
        scheme = "https" if self._tls else "http"
        return f"{scheme}://127.0.0.1:{self.port}"

    def url(self, path: str) -> str:
        return self.base + path

    def settings(self, **changes: Any) -> CrawlSettings:
        values: dict[str, Any] = {
            "allow_private": (f"127.0.0.1:{self.port}",),
            "default_budget": GENEROUS,
            "connect_timeout": 5,
            "idle_timeout": 5,
            "total_timeout": 10,
        }
        return CrawlSettings(**(values | changes))

    async def __aenter__(self) -> ImageServer:
        self._runner = web.ServerRunner(
            web.Server(self._answer, handler_cancellation=True, access_log=None), shutdown_timeout=0.1
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._tls)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.released.set()
        await self._runner.cleanup()

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait for requests to come or go until this is true; fails after ten seconds."""
        async with asyncio.timeout(10):
            while not true():
                self._changed.clear()
                await self._changed.wait()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.hits[request.path] += 1
        self.hosts.append(request.headers["Host"])
        self.requests.append(request)
        self.at_once += 1
        self._changed.set()
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            handler = self.paths.get(request.path)
            return await handler(request) if handler else web.Response(status=404)  # type: ignore[arg-type]
        finally:
            self.at_once -= 1
            self._changed.set()


def image(body: bytes = PNG, status: int = 200, **headers: str) -> Handler:
    """Answer this body; ``X_Robots_Tag="noai"`` is the header X-Robots-Tag."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    named.setdefault("Content-Type", "image/png")

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(body=body, status=status, headers=named)

    return answer


def redirect(target: str | None, status: int = 302) -> Handler:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers={} if target is None else {"Location": target})

    return answer


def in_turn(*handlers: Handler) -> Handler:
    """Answer with the first, then the second, …, and the last one from there on."""
    left = list(handlers)

    async def answer(request: web.Request) -> web.StreamResponse:
        return await (left.pop(0) if len(left) > 1 else left[0])(request)

    return answer


def raw(*pieces: bytes, pause: float = 0.0, abort: bool = False) -> Handler:
    """Write these bytes to the socket, status line and all, and close it (or reset it)."""

    async def answer(request: web.Request) -> web.StreamResponse:
        transport = request.transport
        assert transport is not None
        for piece in pieces:
            transport.write(piece)
            await asyncio.sleep(pause)
        transport.abort() if abort else transport.close()
        return web.Response()

    return answer


def until_released(server: ImageServer, handler: Handler) -> Handler:
    """Answer only when ``server.released`` is set."""

    async def answer(request: web.Request) -> web.StreamResponse:
        await server.released.wait()
        return await handler(request)

    return answer
