"""Crawling ahead of the windows: the listing feeds crawlers, and their events fill the assembler."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import pyarrow as pa
import ray

from actors.crawler.blocks import Held, ready_table
from actors.crawler.events import Awoke, Fetched, Offer, Resolved, Said
from actors.crawler.events import Event as Heard
from actors.crawler.listing import Listed
from actors.crawler.resolvers import crosspost_parent
from actors.crawler.sources import Page
from actors.deferred import Deferred
from actors.ledger import Ledger
from flows.again import Again
from flows.deferrals import Deferrals
from flows.watching.events import Event, Note, SourceEnded, SourceFailed, State, Turn
from flows.windows import Entry, Pick, WindowAssembler
from models.keys import NO_CANDIDATE
from models.reasons import Reason, Stage
from models.records import Candidate, Outcome, Ready, Submission

Block = ray.ObjectRef[pa.Table]
POLL_SECONDS = 0.5
BLOCK_ROWS = 32
BLOCK_BYTES = 16 << 20
# Not a crawler: what is decided here without one.
DRIVER = -1


class CrawlAhead:
    """Owns the listing and the crawlers, asks them for more while there is room, and notices when one dies.

    Submissions get their place in the run's order here; ``limit`` is the number of new submissions to take in, and
    ``ahead`` how many may be on their way. ``retried`` are candidates of earlier runs that --retry wants. A source
    that fails is given up with a line in ``failures``, and the others go on. ``news`` are what happened meanwhile;
    whoever tells them takes them out.
    """

    def __init__(
        self,
        listing: Any,
        crawlers: Sequence[Any],
        ledger: Ledger,
        assembler: WindowAssembler,
        deferrals: Deferrals,
        *,
        limit: int | None,
        ahead: int,
        retried: Iterator[list[Deferred]] | None = None,
    ) -> None:
        self._listing = listing
        self._listed = False
        self._page: ray.ObjectRef[Any] | None = None
        self._page_due = 0.0
        self._crawlers = list(crawlers)
        self._ledger = ledger
        self._assembler = assembler
        self.deferrals = deferrals
        self._again = Again(listing, deferrals, retried)
        self._limit = limit
        self._ahead = ahead
        self._order = 0
        self._offered: set[str] = set()
        self._most_offered = 2 * ahead
        self._events: dict[int, ray.ObjectRef[Any]] = {}
        self._lives: dict[int, str] = {}
        self.failures: list[str] = []
        self.news: deque[Event] = deque()
        self._said: set[str] = set()
        self.seen = 0
        self.known = 0
        self.fetched = 0
        self.fetched_bytes = 0
        self.deferred = 0

    @property
    def listed(self) -> bool:
        """Tell whether the sources have given all there is, and what is to be had again is on its way."""
        return self._listed and self._page is None and not self._again.is_retrying

    @property
    def ended(self) -> bool:
        """Tell whether nothing more will come: neither from the sources, nor of what was put off."""
        return self.listed and self._again.is_idle

    @property
    def full(self) -> bool:
        """Tell whether so much is on its way that the sources are not asked for more."""
        return len(self._assembler) >= self._ahead

    def turn(self, in_flight: int, *, ending: bool) -> Turn:
        """Say where the run is, with so many windows in flight."""
        waits = not in_flight and not len(self._assembler)
        state = State.ENDING if ending or self.ended else State.WAITING if waits else State.RUNNING
        return Turn(
            seen=self.seen,
            known=self.known,
            fetched=self.fetched,
            fetched_bytes=self.fetched_bytes,
            crawling=len(self._assembler),
            in_flight=in_flight,
            put_off=len(self.deferrals),
            pause=self.deferrals.pause,
            deferred=self.deferred,
            ledger=self._ledger.submissions.count,
            state=state,
        )

    def stop(self) -> None:
        """Ask the sources for nothing more."""
        self._listed = True

    def poll(self, timeout: float = POLL_SECONDS) -> None:
        """Take in what the listing and the crawlers have to say, waiting so many seconds at most."""
        self._ask()
        answers = (self._page, self._again.answer)
        waiting = [*self._events.values(), *(answer for answer in answers if answer is not None)]
        if ray.wait(waiting, num_returns=1, timeout=timeout)[0]:
            done, _ = ray.wait(waiting, num_returns=len(waiting), timeout=0)
            self._take_in(set(done))

    def _take_in(self, done: set[ray.ObjectRef[Any]]) -> None:
        if self._page is not None and self._page in done:
            page, self._page = self._page, None
            self._take_listed(ray.get(page))
        for crawler, future in list(self._events.items()):
            if future in done:
                del self._events[crawler]
                self._take_events(crawler, ray.get(future))

    def _take_listed(self, listed: Listed | None) -> None:
        if listed is None:
            self._listed = True
        elif listed.failure is not None:
            self.failures.append(listed.failure)
            self.news.append(SourceFailed(listed.source, listed.failure))
        elif listed.ended:
            self.news.append(SourceEnded(listed.source))
        elif listed.page is not None:
            self.news.extend(map(Note, listed.page.notes))
            self._take_page(listed.source, listed.page)
        else:
            self._page_due = time.monotonic() + listed.pause

    def blocks(self, picks: Sequence[Pick]) -> list[Block]:
        """Ask the crawlers for the bytes of a window; the driver owns the blocks from here on."""
        by_crawler = sorted(picks, key=lambda pick: pick.entry.crawler)
        refs: list[Block] = []
        for crawler, held in groupby(by_crawler, key=lambda pick: pick.entry.crawler):
            for part in _chunks([pick.ready for pick in held]):
                refs.append(self._block(crawler, part))
        return refs

    def _block(self, crawler: int, part: list[Ready]) -> Block:
        if crawler == DRIVER:
            return ray.put(ready_table(Held(ready) for ready in part))
        block: Block = self._crawlers[crawler].block.remote([ready.key for ready in part])
        return block

    def refetch(self, candidates: Sequence[Candidate]) -> list[Block]:
        """Fetch a window's candidates again, when their bytes were lost with a process."""
        parts = [candidates[at : at + BLOCK_ROWS] for at in range(0, len(candidates), BLOCK_ROWS)]
        crawlers = self._crawlers
        return [crawlers[n % len(crawlers)].fetch.remote(list(part)) for n, part in enumerate(parts)]

    def _ask(self) -> None:
        # A crawler that has not said its name yet would not know an offer as its own.
        if len(self._lives) == len(self._crawlers) and not self.full:
            self._readmit()
            if self._page is None and not self._listed and time.monotonic() >= self._page_due:
                self._page = self._listing.next_page.remote(self._assembler.cursors)
        for crawler, handle in enumerate(self._crawlers):
            if crawler not in self._events:
                self._events[crawler] = handle.events.remote(POLL_SECONDS)

    def _readmit(self) -> None:
        for submission, owed in self._again.take():
            had = {key for one in owed for key in one.had}
            seen = (self._seen_of(submission.item) | had) - {one.key for one in owed}
            crawler = self._order % len(self._crawlers)
            order = self._add(Entry(submission, crawler, seen, tuple(owed)))
            self._offer(crawler, [_offer_of(order, submission, owed)], seen)

    def _take_page(self, source: str, page: Page) -> None:
        self._forget_seen()
        offers: dict[int, list[Offer]] = {}
        for submission in page.submissions:
            if self._limit is not None and self.seen >= self._limit:
                self.stop()
                break
            self._take(submission, offers)
        else:
            # A page that was not taken whole is listed again.
            self._assembler.mark(source, page.cursor)
        for crawler, offered in offers.items():
            seen = frozenset[str]().union(*(self._seen_of(one.submission.item) for one in offered))
            self._offer(crawler, offered, seen)

    def _offer(self, crawler: int, offered: list[Offer], seen: frozenset[str]) -> None:
        self._crawlers[crawler].offer.remote(offered, seen, self._lives[crawler])

    def _forget_seen(self) -> None:
        # What the ledger holds need not be held here too. To look through it all takes a while where it is much.
        if len(self._offered) > self._most_offered:
            self._offered = {item for item in self._offered if item not in self._ledger.submissions}
            self._most_offered = 2 * max(self._ahead, len(self._offered))

    def _take(self, submission: Submission, offers: dict[int, list[Offer]]) -> None:
        item = submission.item
        if item in self._ledger.submissions or item in self._offered or self.deferrals.owes(item):
            self.known += 1
            return
        self.seen += 1
        self._offered.add(item)
        parent = crosspost_parent(submission.post)
        if parent is not None and (self._ledger.knows(parent) or parent in self._offered):
            self._skip_crosspost(submission, parent)
            return
        crawler = self._order % len(self._crawlers)
        order = self._add(Entry(submission, crawler, self._seen_of(item)))
        offers.setdefault(crawler, []).append(Offer(order, submission))

    def _seen_of(self, item: str) -> frozenset[str]:
        """Give what is not wanted of a submission that is listed: what was seen, and what is owed on its own."""
        return self._ledger.seen_of(item) | self.deferrals.keys_of(item)

    def _add(self, entry: Entry) -> int:
        order, self._order = self._order, self._order + 1
        self._assembler.add(order, entry)
        return order

    def _skip_crosspost(self, submission: Submission, parent: str) -> None:
        outcome = Outcome(Reason.CROSSPOST_OF, Stage.RESOLVE, parent)
        candidate = Candidate(submission.item, NO_CANDIDATE, outcome=outcome)
        order = self._add(Entry(submission, DRIVER, self._ledger.seen_of(submission.item)))
        self._assembler.tell(Resolved(order, (candidate,)))
        self._assembler.tell(Fetched(order, Ready(candidate, outcome)))

    def _take_events(self, crawler: int, events: list[Heard]) -> None:
        for event in events:
            match event:
                case Awoke(life=life):
                    self._welcome(crawler, life)
                case Said(text=text) if text not in self._said:
                    # Every crawler says it for itself.
                    self._said.add(text)
                    self.news.append(Note(text))
                case Said():
                    pass
                case Fetched() if self._put_off(crawler, event):
                    pass
                case Fetched(ready=ready):
                    self.fetched += 1
                    self.fetched_bytes += ready.size
                    self._assembler.tell(event)
                case _:
                    self._assembler.tell(event)

    def _put_off(self, crawler: int, event: Fetched) -> bool:
        """Leave to later what may be had then; False where its outcome is final, or has to stand."""
        entry, outcome = self._assembler[event.order], event.ready.outcome
        if entry is None or outcome is None or outcome.retry_after is None:
            return False
        due = self.deferrals.due_after(entry.tries, outcome.retry_after)
        if due is None:
            return False
        candidate, key = replace(event.ready.candidate, outcome=outcome), event.ready.key
        if key not in entry.put_off:
            attempt, tries = entry.attempt(key), entry.tries + 1
            self.deferred += 1
            self.deferrals.add(Deferred(entry.submission, candidate, due, tries, attempt, entry.total))
            self._assembler.put_off(event.order, key)
        self._crawlers[crawler].drop.remote([key])
        return True

    def _welcome(self, crawler: int, life: str) -> None:
        reborn = crawler in self._lives
        self._lives[crawler] = life
        if reborn:
            # What it held is fetched again.
            self._offer_again(crawler)

    def _offer_again(self, crawler: int) -> None:
        for order, entry in list(self._assembler.held_by(crawler)):
            self._assembler.forget_progress(entry)
            # One by one: a key that one entry has done with may be what another owes.
            self._offer(crawler, [_offer_of(order, entry.submission, entry.owed)], frozenset(entry.done))


def _offer_of(order: int, submission: Submission, owed: Sequence[Deferred]) -> Offer:
    candidates = tuple(one.candidate for one in owed)
    return Offer(order, submission, candidates, any(one.attempt > 1 for one in owed))


def _chunks(ready: Sequence[Ready]) -> Iterator[list[Ready]]:
    part: list[Ready] = []
    size = 0
    for one in ready:
        if part and (len(part) >= BLOCK_ROWS or size + one.size > BLOCK_BYTES):
            yield part
            part, size = [], 0
        part.append(one)
        size += one.size
    if part:
        yield part
