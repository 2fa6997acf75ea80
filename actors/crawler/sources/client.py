"""PRAW as goldpan uses it: plain dicts, one try, no sleep, and errors that name the way out."""

from __future__ import annotations

import configparser
import time
from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakValueDictionary

import praw
import requests
import stamina
from praw.exceptions import MissingRequiredAttributeException, PRAWException
from prawcore import exceptions as prawcore_errors
from requests import exceptions as requests_errors

from actors.crawler.backoff import retry_after
from actors.crawler.resolvers.shapes import mapping_of, text_of
from actors.crawler.settings import CrawlSettings, RedditAccess
from actors.crawler.sources.budget import Budget
from actors.crawler.sources.source import PAGE
from actors.crawler.sources.spec import SourceError

_CREDENTIALS = (
    "set praw_client_id, praw_client_secret (and praw_username, praw_password for an account) in the environment, "
    "or client_id and client_secret under [DEFAULT] of a praw.ini in this folder or in ~/.config; docs/reddit.md "
    "says how to get them, and what to do without"
)
_TIMEOUT = 10.0
_DEFAULT_WAIT = 10.0
_SHORTEST_WAIT = 0.05
_TIMED_OUT, _LIMITED, _SERVER_ERRORS = 408, 429, 500
_PASSING = (
    requests_errors.ConnectionError,
    requests_errors.Timeout,
    requests_errors.ChunkedEncodingError,
    requests_errors.ContentDecodingError,
)


class LaterError(SourceError):
    """Reddit is not to be asked now: ``why`` where something is wrong, ``seconds`` where it is known for how long."""

    def __init__(self, why: str = "", seconds: float | None = None) -> None:
        trouble = f"Reddit does not answer ({why})" if why else "the requests of this minute are spent"
        super().__init__(f"{trouble}; try again later")
        self.why, self.seconds = why, seconds


class RefusedError(SourceError):
    """What was asked for will not be given, however often it is asked."""


class RedditClient:
    """One PRAW instance (not thread-safe). It never waits: where it would have to, it raises LaterError.

    ``clock`` gives seconds, for the budget of requests and for those who ask.
    """

    def __init__(self, settings: CrawlSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._budget = Budget(clock)
        self._reddit = _open(settings, self._budget)

    def get(self, path: str, params: dict[str, str | int], what: str) -> Any:
        """Ask for a path and give the parsed JSON. RefusedError, where it will not pass, names ``what`` was asked."""
        wait = self._budget.wait()
        if wait > _SHORTEST_WAIT:
            raise LaterError(seconds=wait)
        self._budget.spend()
        try:
            return self._reddit.request(method="GET", path=path, params={**params, "raw_json": 1})
        except prawcore_errors.RequestException as error:
            cause = error.original_exception
            raise cause if isinstance(cause, LaterError) else LaterError(type(cause).__name__) from None
        # What prawcore says of any answer but the one that has the token.
        except (prawcore_errors.BadJSON, requests_errors.JSONDecodeError):
            raise LaterError("an answer that is no JSON") from None
        except prawcore_errors.PrawcoreException as error:
            raise RefusedError(f"{what}: {_explain(error)}") from None
        except (PRAWException, KeyError, AssertionError):  # PRAW reads a 400's body as it should be
            raise RefusedError(f"{what}: Reddit refuses the request (status 400); check the source") from None

    def listing(self, path: str, params: dict[str, str | int], what: str) -> dict[str, Any]:
        """Ask for a listing: ``children``, and ``after``."""
        listing = mapping_of(self.get(path, params, what), "data")
        if not isinstance(listing.get("children"), list):
            raise LaterError("an answer that is no listing")
        return listing

    def posts(self, ids: Sequence[str]) -> list[dict[str, Any]]:
        """Ask for posts by id or fullname, 100 a request; what is not there, or not to be seen, is left out."""
        names = [one if one.startswith("t3_") else f"t3_{one}" for one in ids]
        found: list[dict[str, Any]] = []
        for at in range(0, len(names), PAGE):
            listing = self.listing("api/info/", {"id": ",".join(names[at : at + PAGE])}, "posts by id")
            children = (child for child in listing["children"] if isinstance(child, dict))
            found += [child["data"] for child in children if mapping_of(child, "data")]
        return found

    def posts_by_id(self, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Ask for posts as ``posts`` does, and give them by their ids without ``t3_``."""
        return {identity: post for post in self.posts(ids) if (identity := text_of(post, "id"))}

    def check(self, path: str, params: dict[str, str | int], what: str) -> None:
        """Make sure that a path may be asked for. SourceError where it may not, or where Reddit is not there."""
        try:
            for attempt in stamina.retry_context(on=_soon, attempts=3, wait_initial=1, wait_max=5):
                with attempt:
                    self.listing(path, params, what)
        except LaterError as error:
            # Who says when to come back is there, and will be asked again.
            if error.seconds is None:
                raise SourceError(f"{what}: {error}") from None


# PRAW is not thread-safe, and a client id has one budget: sources of a process share what is open.
_open_clients: WeakValueDictionary[tuple[RedditAccess, str], RedditClient] = WeakValueDictionary()


def client_of(settings: CrawlSettings) -> RedditClient:
    """Give the client for these credentials, for as long as somebody holds it the same one."""
    key = (settings.reddit, settings.user_agent)
    client = _open_clients.get(key)
    if client is None:
        client = _open_clients[key] = RedditClient(settings)
    return client


class _Session(requests.Session):
    """Asks once and says at once what may pass: prawcore would sleep, in a thread that other sources need."""

    def __init__(self, budget: Budget) -> None:
        super().__init__()
        self._budget = budget

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """Send it; LaterError for a connection that fails and for the statuses 408, 429 and 5xx."""
        options["timeout"] = _TIMEOUT
        try:
            try:
                response = super().send(request, **options)
            except requests_errors.ConnectionError as error:
                # A connection that was kept open may be closed by now: a new one tells whether Reddit is there.
                if request.method != "GET" or isinstance(error, requests_errors.Timeout):
                    raise
                response = super().send(request, **options)
        except _PASSING as error:
            raise LaterError(type(error).__name__) from None
        self._budget.learn(response.headers)
        status = response.status_code
        wait = retry_after(response.headers.get("retry-after"))
        if status == _LIMITED:
            wait = wait if wait is not None else max(self._budget.wait(), _DEFAULT_WAIT)
            self._budget.close(wait)
        if status in (_LIMITED, _TIMED_OUT) or status >= _SERVER_ERRORS:
            raise LaterError(f"status {status}", wait)
        return response


def _open(settings: CrawlSettings, budget: Budget) -> praw.Reddit:
    access = settings.reddit
    given: dict[str, Any] = {
        "client_id": access.client_id and access.client_id.get_secret_value(),
        # An installed app has no secret: it is the empty one, not one that is not set.
        "client_secret": None if access.client_secret is None else access.client_secret.get_secret_value(),
        "username": access.username,
        "password": access.password and access.password.get_secret_value(),
        # Without its slash a path in the URL would be lost when others are joined to it.
        "oauth_url": access.reddit_url and f"{access.reddit_url.rstrip('/')}/",
        "reddit_url": access.reddit_url and f"{access.reddit_url.rstrip('/')}/",
        "short_url": access.reddit_url,
    }
    try:
        return praw.Reddit(
            **{key: value for key, value in given.items() if value is not None},
            user_agent=settings.user_agent,
            requestor_kwargs={"session": _Session(budget)},
            check_for_updates=False,
            check_for_async=False,
        )
    except MissingRequiredAttributeException:
        raise SourceError(f"Reddit needs credentials: {_CREDENTIALS}") from None
    except configparser.Error as error:
        raise SourceError(f"praw.ini cannot be used: {str(error).splitlines()[0]}; {_CREDENTIALS}") from None


def _soon(error: Exception) -> bool | float:
    """Tell whether a check should ask again, and after how many seconds where that is known."""
    if not isinstance(error, LaterError) or error.seconds is None:
        return isinstance(error, LaterError)
    return error.seconds if not error.why and error.seconds < _DEFAULT_WAIT else False


def _explain(error: prawcore_errors.PrawcoreException) -> str:
    match error:
        case prawcore_errors.OAuthException() | prawcore_errors.InvalidToken():
            return f"Reddit does not accept the credentials; {_CREDENTIALS}"
        case prawcore_errors.NotFound() | prawcore_errors.Redirect():
            return "there is no such subreddit or user (or it is banned); check the spelling"
        case prawcore_errors.Forbidden() | prawcore_errors.UnavailableForLegalReasons():
            return "it is private, quarantined or banned for this account; use one that may see it"
        case prawcore_errors.ResponseException() if error.response.status_code == 401:
            return f"Reddit does not accept the credentials; {_CREDENTIALS}"
    response = getattr(error, "response", None)
    name = type(error).__name__ if response is None else f"status {response.status_code}"
    return f"Reddit answers what cannot be used ({name})"
