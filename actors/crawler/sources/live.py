"""What is new in a Reddit listing, as it comes: no anchors, so a deleted one costs nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter

from praw.models.util import BoundedSet

from actors.crawler.sources.client import RedditClient
from actors.crawler.sources.gap import Edge, GapCloser, edge_of
from actors.crawler.sources.pace import Pace
from actors.crawler.sources.patience import Patience
from actors.crawler.sources.post_id import id_of, number_of
from actors.crawler.sources.reddit import request
from actors.crawler.sources.resume import PostId, resumed
from actors.crawler.sources.source import PAGE, Cursor, Page
from actors.crawler.sources.spec import SourceSpec
from actors.crawler.sources.walk import ListingWalk
from models.records import Submission

# A look ends behind so many known posts in a row: a post that is approved late stands below newer ones.
_OVERLAP = PAGE // 2
_WANTED = PAGE // 2
_SLOWEST = 30.0
# The whole listing is looked through again after so much, for posts that were approved later still.
_DEEP_NEWS = 333
_DEEP_SECONDS = 600.0
_REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class _Reached:
    """What a cursor says: the newest post of the last look that came to its end, and how many posts were given.

    What a look found before it was interrupted is found again.
    """

    newest: PostId
    created: float | None
    count: int


class LiveListing:
    """A followed ``reddit:`` source: looks at the top of *new* again and again, down to what it knows.

    The first look gives all that is listed. Where a later one comes to the listing's end without meeting a post it
    knows, the gap is closed as far as it can be, and noted where it cannot. Runs that do not follow in between,
    ``RedditListing`` for the same source, leave its cursor as it is.
    """

    def __init__(self, spec: SourceSpec, client: RedditClient) -> None:
        self._text, self._client = spec.text, client
        self._path, self._params = request(spec.name, "new")
        self._limit = int(spec.options["limit"]) if "limit" in spec.options else None
        patience = Patience(spec.text, None)
        self._walk = ListingWalk(client, patience, spec.text)
        self._gap = GapCloser(spec, client, patience, self._walk)
        self._pace = Pace(_WANTED, _SLOWEST)
        self._known = BoundedSet(_REMEMBERED)
        self._mark: Edge | None = None
        self._count = self._count_at_mark = 0
        self._news_since_deep, self._seconds_since_deep = _DEEP_NEWS, 0.0

    def check(self) -> None:
        """Ask for one post: it takes credentials that work and a place that may be seen."""
        self._client.check(self._path, {**self._params, "limit": 1}, self._text)

    def pages(self, cursor: Cursor | None) -> Iterator[Page]:
        """Yield what is new, in one look newest first; the last page of a look says when the next one is due."""
        if reached := (yield from resumed(_Reached, cursor, self._text)):
            self._mark = Edge(number_of(reached.newest), reached.created)
            self._count = self._count_at_mark = reached.count
        while self._limit is None or self._count < self._limit:
            yield from self._look()

    def _look(self) -> Iterator[Page]:
        look = _Look(self._known, self._mark)
        deep = self._news_since_deep >= _DEEP_NEWS or self._seconds_since_deep >= _DEEP_SECONDS
        for page in self._walk.pages(self._path, self._params):
            fresh = self._within_limit(look.sift(page.submissions), look.mark)
            # A first look that is interrupted has promised what comes after its first page.
            self._mark = self._mark or look.lowest
            yield replace(page, submissions=fresh, cursor=self._cursor())
            if self._count == self._limit or (look.run >= _OVERLAP and not deep):
                break
        else:
            deep = True
            for page in self._beyond(look):
                yield replace(page, cursor=self._cursor())
        yield self._finished(look, deep)

    def _beyond(self, look: _Look) -> Iterator[Page]:
        if look.mark is not None and look.bottom is not None and look.top is not None and not look.meets:
            yield from self._gap.pages(look.mark, look.bottom, look.top.created, self._known)

    def _finished(self, look: _Look, deep: bool) -> Page:
        if look.top is not None:
            self._mark = max(look.top, self._mark or look.top, key=attrgetter("number"))
            self._count_at_mark = self._count
        pause = self._pace.pause(look.news)
        self._news_since_deep = 0 if deep else self._news_since_deep + look.news
        self._seconds_since_deep = pause + (0 if deep else self._seconds_since_deep)
        if self._count == self._limit:
            return Page((), self._cursor() | {"count": 0})  # the next run may take as many again
        return Page((), self._cursor(), pause)

    def _within_limit(self, fresh: list[Submission], mark: Edge | None) -> tuple[Submission, ...]:
        """Count what is newer than the mark (after a restart what is older is given again), up to the limit."""
        taken: list[Submission] = []
        for one in fresh:
            if self._count == self._limit:
                break
            edge = edge_of(one)
            self._count += mark is None or (edge is not None and edge.number > mark.number)
            taken.append(one)
        return tuple(taken)

    def _cursor(self) -> Cursor:
        if self._mark is None:
            return {}
        return {
            "newest": id_of(self._mark.number),
            "created": self._mark.created,
            "count": self._count_at_mark,
        }


class _Look:
    """One way down the listing, from its top; ``mark`` is the newest post of those before."""

    def __init__(self, known: BoundedSet, mark: Edge | None) -> None:
        self._known, self.mark = known, mark
        self.top: Edge | None = None
        self.bottom: Edge | None = None  # the newest of the last page: the page may hold a late one too
        self.lowest: Edge | None = None
        self.run = self.news = 0
        self.meets = False

    def sift(self, submissions: Sequence[Submission]) -> list[Submission]:
        """Give those of a page that are not known; remember how many known ones stand at its end."""
        if not submissions:
            return []
        self.meets = False
        fresh = [one for one in submissions if not self._recognise(one)]
        self.news += len(fresh)
        edges = [edge for one in submissions if (edge := edge_of(one)) is not None]
        if edges:
            number = attrgetter("number")
            self.bottom, self.lowest = max(edges, key=number), min(edges, key=number)
            self.top = max(self.bottom, self.top or self.bottom, key=number)
        return fresh

    def _recognise(self, submission: Submission) -> bool:
        known, edge = submission.item in self._known, edge_of(submission)
        self._known.add(submission.item)
        self.run = self.run + 1 if known else 0
        self.meets |= known or (
            self.mark is not None and edge is not None and edge.number <= self.mark.number
        )
        return known
