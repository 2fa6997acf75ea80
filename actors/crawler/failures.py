"""What went wrong with a request, as one of the closed enum's reasons, and whether it may pass."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp

from actors.crawler.guard import PrivateAddressError
from actors.crawler.holds import HostOnHoldError
from actors.crawler.locate import BadUrlError
from models.reasons import Reason, Stage
from models.records import Outcome

# Nobody says how long: whoever asks again decides.
ASK_AGAIN_SECONDS = 0.0
REDIRECTS = (301, 302, 303, 307, 308)
_FORBIDDEN = (401, 403, 451)
_GONE = (404, 410)
_MAY_PASS = (408, 425)


class FetchError(Exception):
    """A request or its answer is of no use.

    ``temporary`` where asking again at once may help, ``retry_after`` (seconds) where it may help later.
    """

    def __init__(
        self, reason: Reason, detail: str = "", *, temporary: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail
        self.temporary = temporary
        self.retry_after = retry_after

    def outcome(self, stage: Stage) -> Outcome:
        """Give it as a candidate's outcome."""
        return Outcome(self.reason, stage, self.detail, self.retry_after)


def status_error(status: int, retry_after: float | None = None) -> FetchError | None:
    """Judge a status: None for a success that may have a body; ``retry_after`` is what the host says, in seconds."""
    if 200 <= status < 300 and status != 206:  # nothing asked for a part
        return None
    if status in _FORBIDDEN:
        return FetchError(Reason.FORBIDDEN)
    if status in _GONE:
        return FetchError(Reason.NOT_FOUND)
    if status == 429:
        return FetchError(Reason.RATE_LIMITED, temporary=True, retry_after=retry_after or ASK_AGAIN_SECONDS)
    if 500 <= status < 600:
        # Over capacity passes; what else is wrong with a host may not, unless it says when.
        later = ASK_AGAIN_SECONDS if status == 503 and retry_after is None else retry_after
        return FetchError(Reason.SERVER_ERROR, temporary=True, retry_after=later)
    return FetchError(Reason.HTTP_ERROR, temporary=status in _MAY_PASS)


@contextmanager
def told_as_reasons() -> Iterator[None]:
    """Turn what aiohttp and the guard raise into FetchError; the detail is the exception's class, no more.

    Messages of exceptions hold URLs with their parameters, so they go nowhere.
    """
    try:
        yield
    except (
        PrivateAddressError,
        BadUrlError,
        HostOnHoldError,
        OSError,
        aiohttp.ClientError,
        ValueError,
    ) as error:
        raise _as_reason(error) from None


def _as_reason(error: Exception) -> FetchError:
    if isinstance(error, HostOnHoldError):
        return FetchError(error.hold.reason, error.detail, retry_after=error.hold.seconds)
    reason, temporary = _reason(error)
    return FetchError(reason, type(error).__name__, temporary=temporary)


def _reason(error: Exception) -> tuple[Reason, bool]:  # noqa: PLR0911 - a table, in order of precedence
    match error:
        case PrivateAddressError():
            return Reason.PRIVATE_ADDRESS, False
        case aiohttp.ClientConnectorDNSError():
            return Reason.DNS, getattr(error.os_error, "errno", None) == socket.EAI_AGAIN
        case aiohttp.ClientSSLError() | ssl.SSLError():
            return Reason.TLS, False
        # The server's silence may pass; the total time is not spent twice on one URL.
        case aiohttp.ServerTimeoutError():
            return Reason.TIMEOUT, True
        case TimeoutError():
            return Reason.TIMEOUT, False
        case aiohttp.InvalidURL() | BadUrlError():
            return Reason.BAD_URL, False
        case OSError() | aiohttp.ClientConnectionError() | aiohttp.ClientPayloadError():
            return Reason.CONNECTION, True
        case aiohttp.ClientError():
            return Reason.HTTP_ERROR, False
        case _:
            return Reason.BAD_URL, False
