"""One URL's download: its redirects, its status, its opt-outs, its body under the caps."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass

import aiohttp
from yarl import URL

from actors.crawler import placeholders
from actors.crawler.body import Gate, read_body
from actors.crawler.failures import REDIRECTS, FetchError, status_error
from actors.crawler.locate import BadUrlError, join, printable
from actors.crawler.peek import Size, size_of
from actors.crawler.robots import crawler_token, opted_out
from actors.crawler.settings import CrawlSettings
from actors.crawler.slots import Turn
from actors.crawler.transport import Answer, Transport, Watch, wait_asked_for
from models.reasons import Reason
from models.records import Outcome

# An HTML page must never be what the host likes best to give: i.redd.it would.
ACCEPT_IMAGES = {"Accept": "image/*,*/*;q=0.8", "Accept-Encoding": "identity"}
_LARGEST_PLACEHOLDER = 1 << 12
_LONGEST_HEADER = 200


@dataclass(slots=True)
class Fetch:
    """What became of a candidate's URLs: ``data`` or an ``outcome``, and where it came from.

    Fields as in ``models.records.Ready``; ``url`` is the one of the URLs that the rest is about, without
    userinfo, never a host map's. ``size`` is that of a picture that was not wanted. ``temporary``: the failure may
    pass.
    """

    url: str | None = None
    host: str | None = None
    final_url: str | None = None
    http_status: int | None = None
    content_type: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    fetched_at: float | None = None
    latency_ms: float | None = None
    size: Size | None = None
    data: bytes | None = None
    outcome: Outcome | None = None
    temporary: bool = False


class Download:
    """Fetches one URL, as often as it is tried, and notes in a ``Fetch`` what it sees; watches its requests."""

    def __init__(self, settings: CrawlSettings, transport: Transport, fetch: Fetch, watch: Watch) -> None:
        self._settings = settings
        self._transport = transport
        self._fetch = fetch
        self._watch = watch
        self._began: float | None = None
        self._left = 0.0
        self._running_since = 0.0

    @property
    def turn(self) -> Turn:
        """Place in the run's order."""
        return self._watch.turn

    def waits(self) -> None:
        """Pass on that the request waits."""
        self._watch.waits()

    def runs(self) -> None:
        """Note when the request started, and pass it on."""
        self._running_since = time.monotonic()
        self._began = self._running_since if self._began is None else self._began
        self._watch.runs()

    def fits(self, size: int) -> bool:
        """Pass on how many bytes are coming."""
        return self._watch.fits(size)

    async def room(self, size: int) -> None:
        """Pass on how many bytes are coming."""
        await self._watch.room(size)

    async def attempt(self, url: URL) -> None:
        """Follow the redirects and read the body; FetchError where that fails."""
        self._left = self._settings.total_timeout
        for _ in range(self._settings.max_redirects + 1):
            _refuse_placeholder(url)
            self._fetch.final_url = str(url)
            target = await self._hop(url)
            if target is None:
                return
            url = target
        raise FetchError(Reason.REDIRECTS, "too many")

    async def _hop(self, url: URL) -> URL | None:
        """Ask once; give where it redirects to, None when the body is there."""
        async with self._transport.request("GET", url, ACCEPT_IMAGES, self._left, self) as answer:
            response = answer.response
            self._note(response)
            if response.status not in REDIRECTS:
                await self._take(url, answer)
                return None
            self._left -= time.monotonic() - self._running_since
            return _target(url, response.headers.get("Location"))

    def _note(self, response: aiohttp.ClientResponse) -> None:
        self._fetch.http_status = response.status
        self._fetch.content_type = _header(response, "Content-Type")
        self._fetch.etag = _header(response, "ETag")
        self._fetch.last_modified = _header(response, "Last-Modified")

    async def _take(self, url: URL, answer: Answer) -> None:
        """Read an answer that is no redirect; FetchError where it is not one image's bytes."""
        response = answer.response
        error = status_error(response.status, wait_asked_for(response))
        if error is not None:
            raise error
        token = crawler_token(self._settings.user_agent)
        if self._settings.robots and opted_out(response.headers.getall("X-Robots-Tag", ()), token):
            raise FetchError(Reason.OPTED_OUT)
        gate = Gate(self._settings.shape)
        try:
            data = await read_body(answer, self._settings.max_bytes, self, gate)
        finally:
            self._fetch.size = gate.size
        _refuse_placeholder_image(url, data)
        self._fetch.data = data
        self._fetch.fetched_at = time.time()
        self._fetch.latency_ms = (time.monotonic() - (self._began or self._running_since)) * 1000


def _target(url: URL, location: str | None) -> URL:
    if not location:
        raise FetchError(Reason.REDIRECTS, "no Location")
    try:
        return join(url, location)
    except BadUrlError:
        raise FetchError(Reason.REDIRECTS, "to what is no http URL") from None


def _refuse_placeholder(url: URL) -> None:
    """Stop where a host leads to its picture for what is gone."""
    if found := placeholders.of_url(url.host or "", url.name):
        raise FetchError(Reason.REMOVED_AT_HOST, found)


def _refuse_placeholder_image(url: URL, data: bytes) -> None:
    """Refuse what is such a picture itself, under any name."""
    host = url.host or ""
    may_be = placeholders.is_imgur(host) and len(data) <= _LARGEST_PLACEHOLDER
    if not may_be and len(data) != placeholders.IMGUR_REMOVED_BYTES:
        return
    size = size_of(data)
    md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
    if found := placeholders.of_image(host, (size.width, size.height) if size else (None, None), (md5,)):
        raise FetchError(Reason.REMOVED_AT_HOST, found)


def _header(response: aiohttp.ClientResponse, name: str) -> str | None:
    value = response.headers.get(name)
    return printable(value)[:_LONGEST_HEADER] if value else None
