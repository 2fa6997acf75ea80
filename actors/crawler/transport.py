"""One HTTP request, the only way out: through its host's slot, past the guard, by the host map, within the caps."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Protocol

import aiohttp
from yarl import URL

from actors.crawler.failures import FetchError, told_as_reasons
from actors.crawler.guard import Guard, GuardedResolver
from actors.crawler.locate import HostMap
from actors.crawler.settings import CrawlSettings
from actors.crawler.slots import Backoff, HostSlot, HostSlots, Turn, retry_after
from models.reasons import Reason

REQUESTS_AT_ONCE = 64
READ_BUFFER = 1 << 18
_DNS_SECONDS = 60


class Watch(Protocol):
    """Whoever wants to know how a request goes on; ``turn`` is its place in the run's order."""

    @property
    def turn(self) -> Turn:
        """Place in the run's order: the smaller is served first."""
        ...

    def waits(self) -> None:
        """The request waits: for its host, a hold, or its next try."""
        ...

    def runs(self) -> None:
        """The request is on its way."""
        ...

    def expects(self, size: int) -> None:
        """The host says how many bytes are coming."""
        ...


class Unwatched:
    """Nobody looks."""

    turn: Turn = (0, 0)

    def waits(self) -> None:
        """Nothing to note."""

    def runs(self) -> None:
        """Nothing to note."""

    def expects(self, size: int) -> None:
        """Nothing to note."""


class Transport:
    """A crawler's one session and its hosts' slots. Use as an async context."""

    def __init__(self, settings: CrawlSettings, share: int, backoff: Backoff) -> None:
        self._settings = settings
        self._backoff = backoff
        self._guard = Guard(settings.allow_private)
        self._hosts = HostMap(settings.host_map)
        self._slots = HostSlots(settings, share)
        self._running = asyncio.Semaphore(REQUESTS_AT_ONCE)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Transport:
        """Open the session."""
        settings = self._settings
        connector = aiohttp.TCPConnector(
            limit=0,  # the slots and the semaphore are the limit
            resolver=GuardedResolver(self._guard),
            ttl_dns_cache=_DNS_SECONDS,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": settings.user_agent},
            # Total time is counted over redirects, by the caller.
            timeout=aiohttp.ClientTimeout(
                total=None, connect=settings.connect_timeout, sock_read=settings.idle_timeout
            ),
            read_bufsize=READ_BUFFER,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()

    @asynccontextmanager
    async def request(
        self, method: str, url: URL, headers: Mapping[str, str], seconds: float, watch: Watch
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Ask, without following redirects, and hold the host's connection until the block is left.

        ``seconds`` counts from the request's start, not from the wait for it. FetchError for whatever the
        host, the network or the guard does, in the block too.
        """
        if self._session is None:
            raise RuntimeError("the transport is used before it is entered")
        if seconds <= 0:
            raise FetchError(Reason.TIMEOUT)
        slot = self._slots.of(url.host or "")
        async with AsyncExitStack() as stack:
            stack.enter_context(told_as_reasons())
            place, named = self._hosts.place(url)
            self._guard.check_literal(place.host or "", place.port or 0)
            watch.waits()
            await stack.enter_async_context(slot.connection(watch.turn))
            await stack.enter_async_context(self._running)
            watch.runs()
            await stack.enter_async_context(asyncio.timeout(seconds))
            response = await stack.enter_async_context(
                self._session.request(method, place, headers={**headers, **named}, allow_redirects=False)
            )
            self._heed(slot, response)
            yield response

    def _heed(self, slot: HostSlot, response: aiohttp.ClientResponse) -> None:
        wait = retry_after(response.headers.get("Retry-After"))
        if response.status == 429 or (response.status == 503 and wait is not None):
            slot.hold(wait, self._backoff)
        elif response.status < 500:
            slot.welcome()
