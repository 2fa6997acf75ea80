"""The Arctic Shift archive: a subreddit's or a user's posts from its API, without credentials."""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime
from typing import Any

from actors.crawler.backoff import Backoff
from actors.crawler.resolvers.shapes import number_of
from actors.crawler.settings import CrawlSettings
from actors.crawler.sources.arctic_client import Answer, ArcticClient
from actors.crawler.sources.dates import moment
from actors.crawler.sources.post import submission_of
from actors.crawler.sources.source import PAGE, Cursor, Page
from actors.crawler.sources.spec import SourceError, SourceSpec
from models.records import Submission

# Posts to ask for, largest first: "auto" is 100 to 1000, as the server can; a number may be 100 at most.
_SIZES: tuple[str | int, ...] = ("auto", 100, 50)
_FULL = (100, 100, 50)
_STEADY = 5  # answers, after which more is asked for again
_PATIENCE = 1.0  # seconds without a page
_BACKOFF = Backoff(1.0, 60.0)
_DAY = 86400
_MOST_FAILURES = 10  # in a row, which takes about four minutes


class ArcticShift:
    """``arctic:NAME`` or ``arctic:u/NAME``: its posts, oldest first.

    Options: ``after`` (that moment is in), ``before`` (that one is not), ``limit`` (posts).
    """

    def __init__(self, spec: SourceSpec, settings: CrawlSettings) -> None:
        self._text = spec.text
        self._client = ArcticClient(settings, spec.text)
        self._options = spec.options
        field = "author" if spec.name.startswith("u/") else "subreddit"
        self._asked: dict[str, str | int] = {field: spec.name[2:], "sort": "asc"}
        if "before" in spec.options:
            self._asked["before"] = moment(spec.options["before"])

    def check(self) -> None:
        """Ask for one post; a server that is only busy may be so."""
        start = {"after": self._start - 1} if self._start else {}
        answer = self._client.ask({**self._asked, **start, "limit": 1})
        if answer.posts is None and not answer.busy:
            raise SourceError(f"{self._text}: Arctic Shift {answer.trouble}; try again later")
        if answer.posts == []:
            raise SourceError(
                f"{self._text}: Arctic Shift has no such posts; check the spelling and the dates"
            )

    def pages(self, cursor: Cursor | None) -> Iterator[Page]:
        """Yield pages of up to 100 posts; the last cursor is behind the newest, so that a later run goes on there."""
        limit = int(self._options["limit"]) if "limit" in self._options else None
        start = cursor or {"second": self._start}
        yield from _Walk(self._client, self._asked, self._text, start, limit).pages()

    @property
    def _start(self) -> int:
        return moment(self._options["after"]) if "after" in self._options else 0


class _Walk:
    """One way along the time, from a cursor on.

    The API has no cursors: it is asked for what was made from the last known ``second`` on, and what is known of
    that second is left out. So posts that share one are neither lost nor listed twice.
    """

    def __init__(
        self, client: ArcticClient, asked: dict[str, str | int], text: str, cursor: Cursor, limit: int | None
    ) -> None:
        self._client, self._asked, self._text, self._limit = client, asked, text, limit
        self._second = int(cursor["second"])
        self._before = float(asked.get("before", math.inf))
        self._known: set[str] = set(cursor.get("known", ()))
        self._count = int(cursor.get("count", 0))
        self._size = self._steady = self._failures = 0
        self._raised_at = -1
        self._overlap = 1  # whether "after" leaves out that second is not documented
        self._not_before = 0.0

    def pages(self) -> Iterator[Page]:
        """Yield them all; SourceError where the archive does not answer for long."""
        pool, ended = ThreadPoolExecutor(1, "arctic"), False
        try:
            while self._room and not ended:
                while (pause := self._not_before - time.monotonic()) > 0:
                    yield self._page(pause=pause)
                answer = pool.submit(self._client.ask, self._params())
                while not wait([answer], _PATIENCE).done:
                    yield self._page()
                ended = yield from self._take_in(answer.result())
            yield self._page()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    @property
    def _room(self) -> int:
        return PAGE if self._limit is None else min(PAGE, self._limit - self._count)

    def _page(self, submissions: tuple[Submission, ...] = (), pause: float = 0.0, note: str = "") -> Page:
        cursor = {"second": self._second, "known": sorted(self._known), "count": self._count}
        return Page(submissions, cursor, pause, (f"{self._text}: {note}",) if note else ())

    def _params(self) -> dict[str, str | int]:
        start = {"after": self._second - self._overlap} if self._second else {}
        return {**self._asked, **start, "limit": _SIZES[self._size]}

    def _take_in(self, answer: Answer) -> Generator[Page, None, bool]:
        """Yield an answer's pages; gives whether it was the last."""
        full = _FULL[self._size]
        self._adapt(answer)
        if answer.posts is None:
            return False
        made = sorted(map(self._made, answer.posts), key=lambda pair: pair[0])
        wanted = [pair for pair in made if pair[0] < self._before]
        new = {
            one.item: (at, one) for at, one in wanted if at >= self._second and one.item not in self._known
        }
        listed = list(new.values())
        for start in range(0, len(listed), PAGE):
            if room := self._room:
                yield self._listed(listed[start : start + room])
        if new or len(made) < full or len(wanted) < len(made):
            return not new
        return (yield from self._leave_second(made))

    def _adapt(self, answer: Answer) -> None:
        """Ask for less where it was too much, for more after a while, and later the more often it failed."""
        pause = answer.wait
        if answer.too_much:
            self._size, self._steady = min(self._size + 1, len(_SIZES) - 1), 0
        if answer.posts is None:
            self._failures += 1
            if self._failures == _MOST_FAILURES:
                raise SourceError(
                    f"{self._text}: Arctic Shift {answer.trouble}, {_MOST_FAILURES} times in a row; try again later"
                )
            pause = max(pause, _BACKOFF.seconds(self._failures))
        else:
            self._failures, self._steady = 0, self._steady + 1
            if self._steady > _STEADY:
                self._size, self._steady = max(self._size - 1, 0), 0
        self._not_before = time.monotonic() + pause

    def _made(self, post: Any) -> tuple[int, Submission]:
        created = number_of(post, "created_utc")
        return self._second if created is None else int(created), submission_of(post, self._text)

    def _listed(self, made: list[tuple[int, Submission]]) -> Page:
        for second, submission in made:
            # What says that it was made in the future must not lead there.
            if self._second < second < time.time() + _DAY:
                self._second, self._known = second, set()
            self._known.add(submission.item)
        self._count += len(made)
        return self._page(tuple(submission for _, submission in made))

    def _leave_second(self, made: list[tuple[int, Submission]]) -> Generator[Page, None, bool]:
        """Go on where an answer is full of what is known: a second has more posts than it holds."""
        if made[0][0] < self._second - self._overlap:
            raise SourceError(f"{self._text}: the server at crawl.arctic_url does not heed after=")
        if made[0][0] < self._second:
            self._overlap = 0
            return False
        if self._size and self._raised_at != self._second:
            self._size, self._raised_at = 0, self._second
            return False
        then = datetime.fromtimestamp(self._second, UTC)
        note = f"{len(self._known)} posts or more were made at {then:%Y-%m-%d %H:%M:%S} UTC; more cannot be asked for"
        overflows = made[-1][0] == self._second
        self._second, self._known = self._second + 1, set()
        yield self._page(note=note if overflows else "")
        return False
