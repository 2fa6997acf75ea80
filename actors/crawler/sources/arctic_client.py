"""The Arctic Shift API, one request at a time: posts, or what kept them from coming and how long to wait.

https://github.com/ArthurHeitmann/arctic_shift/blob/master/api/README.md
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson
import requests

from actors.crawler.backoff import retry_after
from actors.crawler.locate import printable
from actors.crawler.settings import CrawlSettings
from actors.crawler.sources.spec import SourceError

# "A couple of requests per second" are welcome; its answers have up to 1000 posts.
_POLITE = 0.5
_LONGEST_WAIT = 3600.0
_SLOW = 10.0
_TOO_MUCH = 422  # "Timeout. Maybe slow down a bit"
_MAY_PASS = (408, _TOO_MUCH, 425, 429)
_LONGEST_TEXT = 200


@dataclass(frozen=True, slots=True)
class Answer:
    """What came: posts, else None and the ``trouble``, which may pass.

    ``wait`` is for how many seconds not to ask again; ``too_much`` says to ask for fewer posts then, ``busy`` that the
    server is up and will answer later.
    """

    posts: list[Any] | None
    trouble: str = ""
    wait: float = _POLITE
    too_much: bool = False
    busy: bool = False


class ArcticClient:
    """One session, for one thread at a time; ``what`` names for the user what is asked for."""

    def __init__(self, settings: CrawlSettings, what: str) -> None:
        self._what = what
        self._url = f"{settings.arctic_url.rstrip('/')}/api/posts/search"
        self._timeouts = (settings.connect_timeout, settings.idle_timeout)
        self._total, self._most_bytes = settings.total_timeout, settings.max_bytes
        self._session = requests.Session()
        self._session.headers["User-Agent"] = settings.user_agent

    def ask(self, params: Mapping[str, str | int]) -> Answer:
        """Search for posts; SourceError where asking again will not help."""
        started = time.monotonic()
        try:
            with self._session.get(
                self._url, params=params, timeout=self._timeouts, allow_redirects=False, stream=True
            ) as response:
                body = self._body(response, started)
        except requests.Timeout:
            return Answer(None, "does not answer in time", too_much=True)
        except requests.RequestException as error:
            return Answer(None, f"cannot be reached ({type(error).__name__})")
        answer = self._answer(response, body)
        slow = time.monotonic() - started > _SLOW
        return replace(answer, too_much=True) if slow else answer

    def _body(self, response: requests.Response, started: float) -> bytes:
        body = bytearray()
        for part in response.iter_content(1 << 16):
            body += part
            if len(body) > self._most_bytes or time.monotonic() - started > self._total:
                raise requests.Timeout
        return bytes(body)

    def _answer(self, response: requests.Response, body: bytes) -> Answer:
        held, status = _read(body), response.status_code
        posts, said = held.get("data"), printable(str(held.get("error") or ""))[:_LONGEST_TEXT]
        wait = _wait(response.headers)
        if status == 200 and isinstance(posts, list):
            return Answer(posts, wait=wait)
        if status == 200 or status >= 500 or status in _MAY_PASS:
            trouble = f"answers with status {status}, {said or 'and no posts'}"
            return Answer(None, trouble, wait, status == _TOO_MUCH, status in (_TOO_MUCH, 429))
        if 300 <= status < 400:
            place = printable(response.headers.get("Location", "nowhere"))[:_LONGEST_TEXT]
            raise SourceError(
                f"{self._what}: Arctic Shift leads to {place}; if it has moved, set crawl.arctic_url"
            )
        raise SourceError(
            f"{self._what}: Arctic Shift refuses the request (status {status}, {said or 'and no reason'}); "
            "check the name, and crawl.arctic_url"
        )


def _read(body: bytes) -> dict[str, Any]:
    try:
        read = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}  # a proxy's page, most likely
    return read if isinstance(read, dict) else {}


def _wait(headers: Mapping[str, str]) -> float:
    """Say how many seconds to wait: what Retry-After or a spent rate limit asks for, or what is polite."""
    asked = retry_after(headers.get("Retry-After"))
    if asked is None and _number(headers.get("X-RateLimit-Remaining")) < 1:
        asked = _until(_number(headers.get("X-RateLimit-Reset")))
    return max(_POLITE, min(asked or 0.0, _LONGEST_WAIT))


def _number(text: str | None) -> float:
    """Read a number; infinity where it is none."""
    try:
        number = float(text) if text is not None else math.inf
    except ValueError:
        return math.inf
    return number if math.isfinite(number) else math.inf


def _until(reset: float) -> float:
    """Give the seconds to a reset, which may be said in seconds from now, or since 1970, or in milliseconds since."""
    if math.isinf(reset):
        return 0.0
    if reset > 1e11:
        reset /= 1000
    return reset - time.time() if reset > 1e9 else reset
