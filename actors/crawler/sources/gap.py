"""Closing a gap: posts that came and sank out of a listing before it was looked at again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple

from praw.models.util import BoundedSet

from actors.crawler.sources.client import RedditClient, RefusedError
from actors.crawler.sources.patience import Patience
from actors.crawler.sources.post import submission_of
from actors.crawler.sources.post_id import PREFIX, id_of, number_in
from actors.crawler.sources.reddit import Request, all_requests
from actors.crawler.sources.source import PAGE, Page
from actors.crawler.sources.spec import TIMES, SourceSpec
from actors.crawler.sources.walk import ListingWalk
from models.records import Submission

# A hundred requests, a minute's: ten minutes of all that is posted on Reddit.
_SWEPT_AT_MOST = 10_000
# Posts that are approved late are pushed out with the others: those of the last two minutes are looked for too.
_LATE = 2000
_HOUR = 3600.0
_SPANS = dict(zip(TIMES, (_HOUR, 24 * _HOUR, 168 * _HOUR, 730 * _HOUR, 8766 * _HOUR), strict=False))
_KNOWN_TO_REDDIT_ONLY = {"popular", "friends", "mod"}


class Edge(NamedTuple):
    """A post at an end of a gap: its number, and when it was created (seconds since the epoch, UTC)."""

    number: int
    created: float | None


class GapCloser:
    """Looks for posts of one source by their ids, else in its other listings."""

    def __init__(self, spec: SourceSpec, client: RedditClient, patience: Patience, walk: ListingWalk) -> None:
        self._text, self._name = spec.text, spec.name
        self._belongs = membership(spec.name)
        self._client, self._patience, self._walk = client, patience, walk

    def pages(self, low: Edge, high: Edge, now: float | None, known: BoundedSet) -> Iterator[Page]:
        """Yield the posts between two that are not ``known``, with empty cursors; note it where some may be missing."""
        if self._belongs is not None and high.number - low.number <= _SWEPT_AT_MOST:
            try:
                yield from self._swept(range(max(1, low.number - _LATE), high.number), known)
                return
            except RefusedError:
                pass  # what is left then is what is done for a larger gap
        for path, params in self._others(low.created, now):
            try:
                for page in self._walk.pages(path, params):
                    between = [one for one in page.submissions if _is_between(one, low, high)]
                    yield replace(page, submissions=_unknown(between, known))
            except RefusedError:
                continue
        yield Page((), {}, notes=(self._note(low, high),))

    def _swept(self, numbers: range, known: BoundedSet) -> Iterator[Page]:
        assert self._belongs is not None
        ids = [one for number in numbers if PREFIX + (one := id_of(number)) not in known]
        for at in range(0, len(ids), PAGE):
            posts = yield from self._patience.ask(partial(self._client.posts, ids[at : at + PAGE]), {})
            found = [submission_of(post, self._text) for post in posts]
            yield Page(_unknown([one for one in found if self._belongs(one)], known), {})

    def _others(self, since: float | None, now: float | None) -> list[Request]:
        """Give the listings that may show it: not new, and top and controversial over the time it is in."""
        ago = 0.0 if since is None or now is None else now - since
        time = next((name for name, span in _SPANS.items() if ago <= span), TIMES[-1])
        return [
            (path, params) for path, params in all_requests(self._name)[1:] if params.get("t", time) == time
        ]

    def _note(self, low: Edge, high: Edge) -> str:
        return (
            f"{self._text}: more was posted than Reddit lists; of what came between {_shown(low.created)} and "
            f"{_shown(high.created)} some may be missing. An archive has it later (arctic:, dump:), and "
            "reddit:firehose misses nothing"
        )


def membership(name: str) -> Callable[[Submission], bool] | None:
    """Give what tells whether a post belongs to a place; None where only Reddit knows."""
    kind, _, rest = name.lower().partition("/")
    if kind == "u":
        return None if "/m/" in rest else lambda one: (one.author or "").lower() == rest
    places = set(rest.split("+"))
    if "all" in places:
        return lambda _: True
    if places & _KNOWN_TO_REDDIT_ONLY:
        return None
    return lambda one: (one.subreddit or "").lower() in places


def edge_of(submission: Submission) -> Edge | None:
    """Give a post as the end of a gap; None for one that could not be read."""
    number = number_in(submission)
    return None if number is None else Edge(number, submission.created)


def _is_between(submission: Submission, low: Edge, high: Edge) -> bool:
    number = number_in(submission)
    return number is not None and low.number < number < high.number


def _unknown(submissions: list[Submission], known: BoundedSet) -> tuple[Submission, ...]:
    found = tuple(one for one in submissions if one.item not in known)
    for one in found:
        known.add(one.item)
    return found


def _shown(created: float | None) -> str:
    return "an unknown time" if created is None else f"{datetime.fromtimestamp(created, UTC):%F %T} UTC"
