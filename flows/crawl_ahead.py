"""Crawling ahead of the windows: a listing feeds crawlers, and their events fill the assembler."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any

import pyarrow as pa
import ray

from actors.crawler.blocks import Held, ready_table
from actors.crawler.events import Awoke, Event, Fetched, Resolved
from actors.crawler.resolvers import crosspost_parent
from actors.crawler.sources import Page
from actors.ledger import Ledger
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

log = logging.getLogger(__name__)


class CrawlAhead:
    """Owns the listings and crawlers, asks them for more while there is room, and notices when one dies.

    ``listings`` make the listing actor of each source when its turn comes; ``crawlers`` are actor handles.
    Submissions get their place in the run's order here; ``limit`` is the number of new submissions to take in, and
    ``ahead`` how many may be on their way. A source that fails is given up with a line in ``failures``, and the
    others go on.
    """

    def __init__(
        self,
        listings: Sequence[Callable[[], Any]],
        crawlers: Sequence[Any],
        ledger: Ledger,
        assembler: WindowAssembler,
        *,
        limit: int | None,
        ahead: int,
    ) -> None:
        self._listings = list(listings)
        self._listing: Any = None
        self._crawlers = list(crawlers)
        self._ledger = ledger
        self._assembler = assembler
        self._limit = limit
        self._ahead = ahead
        self._offered: set[str] = set()
        self._page: ray.ObjectRef[Any] | None = None
        self._events: dict[int, ray.ObjectRef[Any]] = {}
        self._lives: dict[int, str] = {}
        self.failures: list[str] = []
        self.seen = 0
        self.known = 0
        self.fetched = 0
        self.fetched_bytes = 0

    @property
    def ended(self) -> bool:
        """Tell whether the sources have given all there is."""
        return not self._listings and self._page is None

    @property
    def full(self) -> bool:
        """Tell whether so much is on its way that the sources are not asked for more."""
        return len(self._assembler) >= self._ahead

    def stop(self) -> None:
        """Ask the sources for nothing more."""
        self._listings.clear()

    def poll(self, timeout: float = POLL_SECONDS) -> None:
        """Take in what listings and crawlers have to say, waiting so many seconds at most."""
        self._ask()
        waiting = [*self._events.values(), *([self._page] if self._page is not None else [])]
        if ray.wait(waiting, num_returns=1, timeout=timeout)[0]:
            done, _ = ray.wait(waiting, num_returns=len(waiting), timeout=0)
            self._take_in(set(done))

    def _take_in(self, done: set[ray.ObjectRef[Any]]) -> None:
        if self._page is not None and self._page in done:
            page, self._page = self._page, None
            self._take_listed(page)
        for crawler, future in list(self._events.items()):
            if future in done:
                del self._events[crawler]
                self._take_events(crawler, ray.get(future))

    def _take_listed(self, page: ray.ObjectRef[Any]) -> None:
        try:
            self._take_page(ray.get(page))
        except ray.exceptions.RayTaskError as error:
            self.failures.append(str(error.cause))
            self._take_page(None)

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
        if (
            self._page is None
            and self._listings
            and not self.full
            and len(self._lives) == len(self._crawlers)
        ):
            self._listing = self._listing or self._listings[0]()
            self._page = self._listing.next_page.remote()
        for crawler, handle in enumerate(self._crawlers):
            if crawler not in self._events:
                self._events[crawler] = handle.events.remote(POLL_SECONDS)

    def _take_page(self, page: Page | None) -> None:
        if page is None:
            # stop() may have emptied the list while the page was on its way.
            self._listing = None
            del self._listings[:1]
            return
        self._forget_seen()
        offers: dict[int, list[tuple[int, Submission]]] = {}
        last: Entry | None = None
        for submission in page.submissions:
            if self._limit is not None and self.seen >= self._limit:
                self.stop()
                break
            last = self._take(submission, offers) or last
        else:
            # A page that was not taken whole is listed again.
            if last is not None:
                last.cursor = page.cursor
        for crawler, offered in offers.items():
            seen = frozenset[str]().union(*(self._ledger.seen_of(one.item) for _, one in offered))
            self._offer(crawler, offered, seen)

    def _offer(self, crawler: int, offered: list[tuple[int, Submission]], seen: frozenset[str]) -> None:
        self._crawlers[crawler].offer.remote(offered, seen, self._lives[crawler])

    def _forget_seen(self) -> None:
        # What the ledger holds need not be held here too.
        if len(self._offered) > 2 * self._ahead:
            self._offered = {item for item in self._offered if item not in self._ledger.submissions}

    def _take(self, submission: Submission, offers: dict[int, list[tuple[int, Submission]]]) -> Entry | None:
        item = submission.item
        if item in self._ledger.submissions or item in self._offered:
            self.known += 1
            return None
        order, self.seen = self.seen, self.seen + 1
        self._offered.add(item)
        parent = crosspost_parent(submission.post)
        if parent is not None and (self._ledger.knows(parent) or parent in self._offered):
            return self._skip_crosspost(order, submission, parent)
        crawler = order % len(self._crawlers)
        offers.setdefault(crawler, []).append((order, submission))
        return self._enter(order, submission, crawler)

    def _enter(self, order: int, submission: Submission, crawler: int) -> Entry:
        entry = Entry(submission, crawler, self._ledger.seen_of(submission.item))
        self._assembler.add(order, entry)
        return entry

    def _skip_crosspost(self, order: int, submission: Submission, parent: str) -> Entry:
        outcome = Outcome(Reason.CROSSPOST_OF, Stage.RESOLVE, parent)
        candidate = Candidate(submission.item, NO_CANDIDATE, outcome=outcome)
        entry = self._enter(order, submission, DRIVER)
        self._assembler.tell(Resolved(order, (candidate,)))
        self._assembler.tell(Fetched(order, Ready(candidate, outcome)))
        return entry

    def _take_events(self, crawler: int, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, Awoke):
                self._welcome(crawler, event.life)
                continue
            if isinstance(event, Fetched):
                self.fetched += 1
                self.fetched_bytes += event.ready.size
            self._assembler.tell(event)

    def _welcome(self, crawler: int, life: str) -> None:
        reborn = crawler in self._lives
        self._lives[crawler] = life
        if reborn:
            log.warning("crawler %d was restarted; what it held is fetched again", crawler)
            self._offer_again(crawler)

    def _offer_again(self, crawler: int) -> None:
        lost = list(self._assembler.held_by(crawler))
        for _, entry in lost:
            self._assembler.forget_progress(entry)
        seen = frozenset[str]().union(*(entry.seen | entry.taken for _, entry in lost))
        self._offer(crawler, [(order, entry.submission) for order, entry in lost], seen)


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
