"""The demo's one server: Reddit, imgur, flickr and every image host, told apart by the Host header."""

from __future__ import annotations

import asyncio
import random
import socket
import threading
from collections import Counter
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from aiohttp import web

from flows.demo.host_apis import FlickrApi, ImgurApi
from flows.demo.links import DEAD_HOSTS, FLICKR_REMOVED, IMGUR_REMOVED, PAGES
from flows.demo.media import MediaHosts
from flows.demo.reddit_api import RedditApi
from flows.demo.studio import Studio
from flows.demo.world import World

ADDRESS = "127.0.0.1"
CLIENT_ID, CLIENT_SECRET = "demo-client", "demo-secret"
IMGUR_CLIENT_ID, FLICKR_API_KEY = "demo-imgur", "demo-flickr"
API_HOSTS = ("api.imgur.com", "api.flickr.com")
SOURCE = "reddit:r/all,sort=new"
FASTEST, SLOWEST = 0.005, 0.06
# As many requests a second as come; few at a time, for they may be waiting for the painters.
LIFTED = {"connections": 4, "per_second": 10_000}
LIFTED_MOST = {"connections": 8, "per_second": 10_000}
# What never comes ready here is not waited for as long as outside.
DEFER = {"tries": 2, "seconds": 0.5}
CIRCUIT_SECONDS = 0.5
# A picture that is asked for before it is painted must not look like a host that hangs.
IDLE_TIMEOUT = 90


class DemoServer:
    """Serves a world on 127.0.0.1 from a thread of its own, from ``start`` (or ``with``) until ``close``.

    It paints as it goes: a request for a picture that is not painted yet waits for it.
    """

    def __init__(
        self, world: World, cache: Path | None = None, port: int = 0, studio: Studio | None = None
    ) -> None:
        self.world = world
        self.port = port
        self.studio = studio or Studio(cache)
        self.served: Counter[str] = Counter()
        self._reddit = RedditApi(world.posts, CLIENT_ID, CLIENT_SECRET)
        self._imgur = ImgurApi(world.imgur, IMGUR_CLIENT_ID)
        self._flickr = FlickrApi(world.flickr, FLICKR_API_KEY)
        self._media = MediaHosts(world.answers, self.studio)
        # Bound and never listening: a port that refuses every connection, and that nobody else can take.
        self._closed_port = socket.socket()
        self._closed_port.bind((ADDRESS, 0))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="demo-server", daemon=True)
        self._ready: Future[int] = Future()

    @property
    def url(self) -> str:
        """The base URL of the server, and of its Reddit."""
        return f"http://{ADDRESS}:{self.port}"

    def start(self) -> Self:
        """Begin to serve, and to paint. Raises OSError where the port is taken."""
        self._thread.start()
        self.port = self._ready.result()
        self.studio.order(self.world.paint_order)
        return self

    def close(self) -> None:
        """Stop serving and painting."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self.studio.close()
        self._closed_port.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def settings(self) -> dict[str, Any]:
        """What a crawler needs to reach this world instead of the real one: fields of CrawlSettings."""
        refused = f"{ADDRESS}:{self._closed_port.getsockname()[1]}"
        host_map = dict.fromkeys(self._hosts(), self.url) | dict.fromkeys(DEAD_HOSTS, f"http://{refused}")
        return {
            "host_map": host_map,
            "allow_private": [f"{ADDRESS}:{self.port}", refused],
            "host_budgets": dict.fromkeys([*host_map, ADDRESS], LIFTED) | {"i.redd.it": LIFTED_MOST},
            "idle_timeout": IDLE_TIMEOUT,
            "defer": DEFER,
            "circuit_seconds": CIRCUIT_SECONDS,
            "imgur_client_id": IMGUR_CLIENT_ID,
            "flickr_api_key": FLICKR_API_KEY,
            "reddit": {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "reddit_url": self.url},
        }

    def _hosts(self) -> list[str]:
        linked = {address.partition("/")[0] for address in self.world.answers}
        linked |= {urlsplit(url).netloc for url in (*PAGES, IMGUR_REMOVED, FLICKR_REMOVED)}
        linked |= {"i.redd.it", "preview.redd.it", "external-preview.redd.it", "i.imgur.com", "imgur.com"}
        # Nothing should be asked there; what asks all the same must not leave this machine.
        linked |= {"v.redd.it", "redgifs.com", "www.reddit.com", "oauth.reddit.com"}
        linked |= {"live.staticflickr.com", "www.flickr.com", *API_HOSTS}
        return sorted(linked - set(DEAD_HOSTS))

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        application = web.Application(client_max_size=1 << 20)
        application.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.2)
        try:
            self._loop.run_until_complete(self._listen(runner))
        except OSError as error:
            self._ready.set_exception(error)
            return
        self._loop.run_forever()
        self._loop.run_until_complete(runner.cleanup())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    async def _listen(self, runner: web.AppRunner) -> None:
        await runner.setup()
        await web.TCPSite(runner, ADDRESS, self.port, backlog=512).start()
        self._ready.set_result(runner.addresses[0][1])

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        host = request.host.partition(":")[0].lower()
        if host == ADDRESS and request.path.startswith("/demo/"):
            return self._about(request.path)
        self.served[f"{'reddit' if host == ADDRESS else host}{request.path}"] += 1
        await asyncio.sleep(
            random.Random(f"{self.world.seed} {host}{request.path}").uniform(FASTEST, SLOWEST)
        )
        if host == ADDRESS:
            return await self._reddit.answer(request)
        if host == "api.imgur.com":
            return self._imgur.answer(request)
        if request.path.startswith("/services/rest"):
            return self._flickr.answer(request)
        return await self._media.answer(request, host)

    def _about(self, path: str) -> web.Response:
        """What the demo tells of itself: its truth, what it served, how far its painters are."""
        match path:
            case "/demo/truth":
                return web.json_response(self.world.truth.as_json())
            case "/demo/log":
                return web.json_response({"served": dict(sorted(self.served.items()))})
            case "/demo/progress":
                return web.json_response({"painted": self.studio.painted, "ordered": self.studio.ordered})
        return web.json_response({"error": "not found"}, status=404)
