"""One URL's download: its redirects, its status, its opt-outs, its body under the caps."""

from __future__ import annotations

import hashlib
import re
import time
from dataclasses import dataclass

import aiohttp
from yarl import URL

from actors.crawler.failures import FetchError, status_error
from actors.crawler.locate import BadUrlError, join, printable
from actors.crawler.robots import crawler_token, opted_out
from actors.crawler.settings import CrawlSettings
from actors.crawler.slots import Turn
from actors.crawler.sniff import ENOUGH, is_no_image
from actors.crawler.transport import Transport, Watch, wait_asked_for
from models.reasons import Reason
from models.records import Outcome

# An HTML page must never be what the host likes best to give: i.redd.it would.
ACCEPT_IMAGES = {"Accept": "image/*,*/*;q=0.8", "Accept-Encoding": "identity"}
REDIRECTS = (301, 302, 303, 307, 308)
_FLICKR_GONE = re.compile(r"photo_unavailable(?:_\w+)?\.(?:png|gif|jpg)", re.IGNORECASE)
_IMGUR = re.compile(r"(?:.*\.)?imgur\.(?:com|io)")
# imgur's "removed" picture, served with 200: 503 bytes, 161×81.
_PLACEHOLDER_SIZE, _PLACEHOLDER_MD5 = 503, "d835884373f4d6c8f24742ceabe74946"
_LONGEST_HEADER = 200


@dataclass(slots=True)
class Fetch:
    """What became of a candidate's URLs: ``data`` or an ``outcome``, and where it came from.

    Fields as in ``models.records.Ready``; ``url`` is the one of the URLs that the rest is about, without
    userinfo, never a host map's. ``temporary``: the failure may pass.
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

    def expects(self, size: int) -> None:
        """Pass on how many bytes are coming."""
        self._watch.expects(size)

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
        async with self._transport.request("GET", url, ACCEPT_IMAGES, self._left, self) as response:
            self._note(response)
            if response.status not in REDIRECTS:
                await self._take(response)
                return None
            self._left -= time.monotonic() - self._running_since
            return _target(url, response.headers.get("Location"))

    def _note(self, response: aiohttp.ClientResponse) -> None:
        self._fetch.http_status = response.status
        self._fetch.content_type = _header(response, "Content-Type")
        self._fetch.etag = _header(response, "ETag")
        self._fetch.last_modified = _header(response, "Last-Modified")

    async def _take(self, response: aiohttp.ClientResponse) -> None:
        """Read an answer that is no redirect; FetchError where it is not one image's bytes."""
        error = status_error(response.status, wait_asked_for(response))
        if error is not None:
            raise error
        token = crawler_token(self._settings.user_agent)
        if self._settings.robots and opted_out(response.headers.getall("X-Robots-Tag", ()), token):
            raise FetchError(Reason.OPTED_OUT)
        if response.content_length is not None and response.content_length <= self._settings.max_bytes:
            self._watch.expects(response.content_length)
        data = await read_body(response, self._settings.max_bytes, images_only=True)
        if len(data) == _PLACEHOLDER_SIZE and _md5(data) == _PLACEHOLDER_MD5:
            raise FetchError(Reason.REMOVED_AT_HOST)
        self._fetch.data = data
        self._fetch.fetched_at = time.time()
        self._fetch.latency_ms = (time.monotonic() - (self._began or self._running_since)) * 1000


async def read_body(response: aiohttp.ClientResponse, cap: int, *, images_only: bool = False) -> bytes:
    """Read a body of at most ``cap`` bytes after decompression; FetchError(too_large) as soon as it is more.

    With ``images_only``, nothing (``empty``) and what certainly is no image (``not_an_image``) is refused, as
    soon as its first bytes say so. A body shorter than its Content-Length is aiohttp's ClientPayloadError.
    """
    if (response.content_length or 0) > cap:
        raise FetchError(Reason.TOO_LARGE, "declared")
    parts: list[bytes] = []
    size = 0
    while chunk := await response.content.readany():
        unsniffed = size < ENOUGH
        parts.append(chunk)
        size += len(chunk)
        if size > cap:
            raise FetchError(Reason.TOO_LARGE)
        if images_only and unsniffed and size >= ENOUGH:
            refuse_no_image(b"".join(parts))
    data = b"".join(parts)
    if images_only and size < ENOUGH:
        refuse_no_image(data)
    return data


def refuse_no_image(data: bytes) -> None:
    """Raise FetchError where these bytes, or all that begins so, cannot be an image."""
    if not data:
        raise FetchError(Reason.EMPTY)
    if is_no_image(data):
        raise FetchError(Reason.NOT_AN_IMAGE)


def _target(url: URL, location: str | None) -> URL:
    if not location:
        raise FetchError(Reason.REDIRECTS, "no Location")
    try:
        return join(url, location)
    except BadUrlError:
        raise FetchError(Reason.REDIRECTS, "to what is no http URL") from None


def _refuse_placeholder(url: URL) -> None:
    """Stop where a host leads to its picture for what is gone."""
    at_imgur = url.path == "/removed.png" and _IMGUR.fullmatch(url.host or "")
    if at_imgur or _FLICKR_GONE.fullmatch(url.name):
        raise FetchError(Reason.REMOVED_AT_HOST)


def _header(response: aiohttp.ClientResponse, name: str) -> str | None:
    value = response.headers.get(name)
    return printable(value)[:_LONGEST_HEADER] if value else None


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()
