"""One HTTP request, the only way out: through its host's slot, past the guard, by the host map, within the caps."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Protocol

import aiohttp
from yarl import URL

from actors.crawler.backoff import Backoff, retry_after
from actors.crawler.budgets import Ask
from actors.crawler.failures import FetchError, told_as_reasons
from actors.crawler.figures import HostFigures
from actors.crawler.guard import Guard, GuardedResolver
from actors.crawler.leases import HostSlots
from actors.crawler.locate import HostMap
from actors.crawler.settings import CrawlSettings
from actors.crawler.slots import Turn, Visit
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

    def fits(self, size: int) -> bool:
        """Tell whether there is room for a body of so many bytes, and take it if there is."""
        ...

    async def room(self, size: int) -> None:
        """Wait until there is room for a body of so many bytes."""
        ...


class Unwatched:
    """Nobody looks."""

    turn: Turn = (0, 0)

    def waits(self) -> None:
        """Nothing to note."""

    def runs(self) -> None:
        """Nothing to note."""

    def fits(self, size: int) -> bool:
        """Nobody counts."""
        return True

    async def room(self, size: int) -> None:
        """Nobody counts."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response whose body is still to come, and the time it has."""

    response: aiohttp.ClientResponse
    deadline: asyncio.Timeout

    async def make_room(self, watch: Watch, size: int) -> None:
        """Wait until there is room for so many bytes, without counting the time: it is not the host's fault."""
        if watch.fits(size):
            return
        loop, when = asyncio.get_running_loop(), self.deadline.when()
        began = loop.time()
        self.deadline.reschedule(None)
        await watch.room(size)
        self.deadline.reschedule(None if when is None else when + loop.time() - began)


class Transport:
    """A crawler's one session and its hosts' slots, by the budgets it asks. Use as an async context."""

    def __init__(self, settings: CrawlSettings, ask: Ask, backoff: Backoff) -> None:
        self._settings = settings
        self._guard = Guard(settings.allow_private)
        self._hosts = HostMap(settings.host_map)
        self._slots = HostSlots(settings, ask, backoff)
        self._running = asyncio.Semaphore(REQUESTS_AT_ONCE)
        self._session: aiohttp.ClientSession | None = None
        self._keeping: asyncio.Task[None] | None = None

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
            auto_decompress=False,
        )
        self._keeping = asyncio.create_task(self._slots.keep())
        self._keeping.add_done_callback(self._slots.end)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close every connection."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.wait([self._keeping])
        if self._session is not None:
            await self._session.close()

    def hosts(self) -> dict[str, HostFigures]:
        """Give how each host that is in use is asked."""
        return self._slots.figures()

    @asynccontextmanager
    async def request(
        self, method: str, url: URL, headers: Mapping[str, str], seconds: float, watch: Watch
    ) -> AsyncIterator[Answer]:
        """Ask, without following redirects, and hold the host's connection until the block is left.

        ``seconds`` counts from the request's start, not from the wait for it. FetchError for whatever the
        host, the network or the guard does, in the block too.
        """
        if self._session is None or self._keeping is None:
            raise RuntimeError("the transport is used before it is entered")
        if self._keeping.done():
            self._keeping.result()
        if seconds <= 0:
            raise FetchError(Reason.TIMEOUT)
        slot = self._slots.of(url.host or "")
        with told_as_reasons():
            place, named = self._hosts.place(url)
            self._guard.check_literal(place.host or "", place.port or 0)
            watch.waits()
            # Nested, not an exit stack: that took a tenth of the time of a small image.
            async with slot.connection(watch.turn) as visit:
                with _judging(visit) as seen, told_as_reasons():
                    async with self._running:
                        watch.runs()
                        asking = self._session.request(
                            method, place, headers={**headers, **named}, allow_redirects=False
                        )
                        async with asyncio.timeout(seconds) as deadline, asking as response:
                            seen.append(response)
                            yield Answer(response, deadline)


def wait_asked_for(response: aiohttp.ClientResponse) -> float | None:
    """Give the seconds that an answer asks to wait."""
    return retry_after(response.headers.get("Retry-After"))


@contextmanager
def _judging(visit: Visit) -> Iterator[list[aiohttp.ClientResponse]]:
    """Tell the host's slot how a request went; what the block sees of its answer is to be put into the list."""
    seen: list[aiohttp.ClientResponse] = []
    try:
        yield seen
    except FetchError as error:
        if error.reason in (Reason.CONNECTION, Reason.TIMEOUT) or (
            error.reason is Reason.DNS and error.temporary
        ):
            visit.failed(error.reason)
        elif seen:
            _judge(visit, seen[0])
        if (hold := visit.slot.hold) is not None and hold.circuit:
            # Others wait for the host to be tried again; this one has just seen that it fails.
            error.temporary, error.retry_after = False, hold.seconds
        raise
    _judge(visit, seen[0])


def _judge(visit: Visit, response: aiohttp.ClientResponse) -> None:
    wait = wait_asked_for(response)
    if response.status == 429:
        visit.refused(wait, Reason.RATE_LIMITED)
    elif response.status == 503 and wait is not None:
        visit.refused(wait, Reason.SERVER_ERROR)
    elif 500 <= response.status < 600:
        visit.failed(Reason.SERVER_ERROR)
    else:
        visit.answered()
