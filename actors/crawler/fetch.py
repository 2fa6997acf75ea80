"""The fetcher: a candidate's URLs in, its bytes or the reason why not out. Nothing is decoded here."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace

import orjson
from yarl import URL

from actors.crawler.api import NOTHING, ApiAnswer
from actors.crawler.backoff import Backoff
from actors.crawler.body import read_body
from actors.crawler.budgets import Ask
from actors.crawler.download import Download, Fetch
from actors.crawler.failures import REDIRECTS, FetchError, status_error
from actors.crawler.figures import HostFigures
from actors.crawler.leases import alone
from actors.crawler.locate import BadUrlError, clean, join, shown
from actors.crawler.settings import CrawlSettings
from actors.crawler.transport import Transport, Unwatched, Watch, wait_asked_for
from models.reasons import Reason, Stage, Verdict
from models.records import Outcome

_ACCEPT_JSON = {"Accept": "application/json", "Accept-Encoding": "gzip"}
_LONGEST_JSON = 32 << 20


class Fetcher:
    """Downloads images and asks APIs through one transport. Use as an async context.

    ``ask`` gives leases on the hosts' budgets; without it they are this fetcher's alone.
    """

    def __init__(
        self, settings: CrawlSettings, ask: Ask | None = None, *, backoff: Backoff | None = None
    ) -> None:
        self._settings = settings
        self._backoff = backoff or Backoff()
        self._transport = Transport(settings, ask or alone(settings), self._backoff)

    async def __aenter__(self) -> Fetcher:
        """Open the session."""
        await self._transport.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close every connection."""
        await self._transport.__aexit__()

    def hosts(self) -> dict[str, HostFigures]:
        """Give how each host that is in use is asked."""
        return self._transport.hosts()

    async def get(self, urls: Iterable[str], watch: Watch | None = None) -> Fetch:
        """Try the URLs in order until one gives bytes that may be an image; never raises for what hosts do.

        When all fail, the failure is the last one, or one that may pass where there was such a one: it tells
        more about whether to ask again. A host that opts out ends it: its image is not taken elsewhere; and so does an
        image that is not wanted for its shape, whose smaller copies would not be either.
        """
        watch = watch or Unwatched()
        failed: Fetch | None = None
        for url in urls:
            fetch = await self._get_one(url, watch)
            if fetch.outcome is None or fetch.outcome.reason.verdict is not Verdict.FAILED:
                return fetch
            failed = failed if failed is not None and failed.temporary else fetch
        return failed or Fetch(outcome=Outcome(Reason.BAD_URL, Stage.FETCH, "no url"))

    async def _get_one(self, text: str, watch: Watch) -> Fetch:
        fetch = Fetch(shown(text))
        try:
            url = clean(text)
        except BadUrlError as error:
            fetch.outcome = Outcome(Reason.BAD_URL, Stage.FETCH, str(error))
            return fetch
        fetch.url, fetch.host = str(url), url.host
        error_left = await self._try(Download(self._settings, self._transport, fetch, watch), url, watch)
        if error_left is not None:
            fetch.outcome = error_left.outcome(Stage.FETCH)
            fetch.temporary = error_left.temporary or error_left.retry_after is not None
        return fetch

    async def _try(self, download: Download, url: URL, watch: Watch) -> FetchError | None:
        """Ask until it works or cannot work; give the last error."""
        failures = 0
        while True:
            try:
                await download.attempt(url)
                return None
            except FetchError as error:
                failures += 1
                if not error.temporary or failures >= self._settings.tries:
                    return error
            await self._pause(failures, watch)

    async def _pause(self, failures: int, watch: Watch) -> None:
        watch.waits()
        await asyncio.sleep(self._backoff.seconds(failures))

    async def api(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] = NOTHING,
        params: Mapping[str, str] = NOTHING,
    ) -> ApiAnswer:
        """Ask a host's API for JSON; see ``actors.crawler.api``. Redirects are told, not followed."""
        try:
            asked = clean(url).extend_query(dict(params))
        except BadUrlError as error:
            return ApiAnswer(0, None, outcome=Outcome(Reason.BAD_URL, Stage.RESOLVE, str(error)))
        failures = 0
        while True:
            answer, error_left = await self._ask(method, asked, {**_ACCEPT_JSON, **headers})
            failures += 1
            if error_left is None or not error_left.temporary or failures >= self._settings.tries:
                return answer
            await self._pause(failures, Unwatched())

    async def _ask(
        self, method: str, url: URL, headers: Mapping[str, str]
    ) -> tuple[ApiAnswer, FetchError | None]:
        status, location, raw = 0, None, b""
        told: dict[str, str] = {}
        error: FetchError | None = None
        seconds = self._settings.total_timeout
        try:
            watch = Unwatched()
            async with self._transport.request(method, url, headers, seconds, watch) as answer:
                response = answer.response
                status, location = response.status, response.headers.get("Location")
                told = {name.lower(): value for name, value in response.headers.items()}
                # A length that is declared to HEAD is not the length of what comes.
                raw = await read_body(answer, _LONGEST_JSON, watch) if _has_body(method, status) else b""
            error = None if status in REDIRECTS else status_error(status, wait_asked_for(response))
        except FetchError as failure:
            error = failure
        read = _answer(method, status, _joined(url, location), raw, error)
        return replace(read, headers=told), error


def _answer(
    method: str, status: int, location: str | None, raw: bytes, error: FetchError | None
) -> ApiAnswer:
    outcome = error.outcome(Stage.RESOLVE) if error else None
    try:
        body = orjson.loads(raw) if raw else None
    except orjson.JSONDecodeError:
        body = None
    if body is None and outcome is None and status < 300 and _has_body(method, status):
        outcome = Outcome(Reason.API_ERROR, Stage.RESOLVE, "no JSON")
    return ApiAnswer(status, body, location, outcome)


def _has_body(method: str, status: int) -> bool:
    return method.upper() != "HEAD" and status not in REDIRECTS


def _joined(url: URL, location: str | None) -> str | None:
    try:
        return str(join(url, location)) if location else None
    except BadUrlError:
        return None
