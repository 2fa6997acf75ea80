"""PRAW as goldpan uses it: plain dicts, both forms of Retry-After, and errors that name the way out."""

from __future__ import annotations

import configparser
import logging
import math
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import praw
import requests
import stamina
from praw.exceptions import MissingRequiredAttributeException, PRAWException
from prawcore import exceptions as prawcore_errors

from actors.crawler.settings import CrawlSettings
from actors.crawler.sources.spec import SourceError

_CREDENTIALS = (
    "set praw_client_id, praw_client_secret (and praw_username, praw_password for an account) in the environment, "
    "or client_id and client_secret under [DEFAULT] of a praw.ini in this folder or in ~/.config; Reddit gives "
    "them at https://www.reddit.com/prefs/apps"
)
_DEFAULT_WAIT = 10.0
_LONGEST_WAIT = 3600.0
_MOST_WAITS = 20
_PASSING = (prawcore_errors.ServerError, prawcore_errors.RequestException)
_log = logging.getLogger(__name__)


class RedditClient:
    """One PRAW instance (not thread-safe); ``get`` gives parsed JSON as it came."""

    def __init__(self, settings: CrawlSettings) -> None:
        self._reddit = _open(settings)

    def get(self, path: str, params: dict[str, str | int], what: str) -> Any:
        """Ask for a path; waits when told to, retries what may pass.

        Raises SourceError where it will not pass; ``what`` names for the user what was asked.
        """
        for _ in range(_MOST_WAITS):
            try:
                return self._ask(path, params)
            except prawcore_errors.TooManyRequests as error:
                _wait(error)
            except _PASSING as error:
                raise SourceError(
                    f"{what}: Reddit does not answer ({_name(error)}); try again later"
                ) from None
            except prawcore_errors.PrawcoreException as error:
                raise SourceError(f"{what}: {_explain(error)}") from None
            except (PRAWException, KeyError, AssertionError):  # PRAW reads a 400's body as it should be
                raise SourceError(
                    f"{what}: Reddit refuses the request (status 400); check the source"
                ) from None
        raise SourceError(f"{what}: Reddit kept limiting the rate; try again later") from None

    def _ask(self, path: str, params: dict[str, str | int]) -> Any:
        for attempt in stamina.retry_context(
            on=_PASSING, attempts=3, wait_initial=0.5, wait_max=20, timeout=120
        ):
            with attempt:
                return self._reddit.request(method="GET", path=path, params={**params, "raw_json": 1})
        raise AssertionError("retry_context gives at least one attempt")


def _open(settings: CrawlSettings) -> praw.Reddit:
    access = settings.reddit
    given: dict[str, Any] = {
        "client_id": access.client_id and access.client_id.get_secret_value(),
        "client_secret": access.client_secret and access.client_secret.get_secret_value(),
        "username": access.username,
        "password": access.password and access.password.get_secret_value(),
        # Without its slash a path in the URL would be lost when others are joined to it.
        "oauth_url": access.reddit_url and f"{access.reddit_url.rstrip('/')}/",
        "reddit_url": access.reddit_url and f"{access.reddit_url.rstrip('/')}/",
        "short_url": access.reddit_url,
    }
    session = requests.Session()
    session.hooks["response"].append(_retry_after_in_seconds)
    try:
        return praw.Reddit(
            **{key: value for key, value in given.items() if value is not None},
            user_agent=settings.user_agent,
            requestor_kwargs={"session": session},
            check_for_updates=False,
            check_for_async=False,
        )
    except MissingRequiredAttributeException:
        raise SourceError(f"Reddit needs credentials: {_CREDENTIALS}") from None
    except configparser.Error as error:
        raise SourceError(f"praw.ini cannot be used: {str(error).splitlines()[0]}; {_CREDENTIALS}") from None


def _retry_after_in_seconds(response: requests.Response, **_: Any) -> None:
    """Turn the HTTP-date form (RFC 9110, 10.2.3) into seconds: prawcore reads nothing but numbers."""
    text = response.headers.get("retry-after")
    if text is None:
        return
    seconds = seconds_from(text, datetime.now(UTC))
    if seconds is None:
        del response.headers["retry-after"]
    else:
        response.headers["retry-after"] = f"{seconds:.3f}"


def seconds_from(retry_after: str, now: datetime) -> float | None:
    """Read a Retry-After in either form; None where it is neither."""
    try:
        seconds = float(retry_after)
    except ValueError:
        try:
            then = parsedate_to_datetime(retry_after)
        except ValueError:
            return None
        then = then if then.tzinfo else then.replace(tzinfo=UTC)
        seconds = (then - now).total_seconds()
    return None if math.isnan(seconds) else min(max(seconds, 0.0), _LONGEST_WAIT)


def _wait(error: prawcore_errors.TooManyRequests) -> None:
    seconds = float(error.retry_after) if error.retry_after else _DEFAULT_WAIT
    _log.info("Reddit limits the rate: waiting %.0f s", seconds)
    time.sleep(seconds)


def _name(error: Exception) -> str:
    response = getattr(error, "response", None)
    return f"status {response.status_code}" if response is not None else type(error).__name__


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
    return f"Reddit answers what cannot be used ({_name(error)})"
