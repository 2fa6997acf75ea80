"""The crawler: resolves submissions, fetches ahead under a byte budget, hands out what is ready.

A plain class, made to run as an async Ray actor: ``ray.remote(Crawler).options(max_concurrency=…,
max_restarts=-1, max_task_retries=0, num_cpus=0)``. All its methods share one event loop. A restarted crawler
knows nothing: what it held or was fetching is offered again, or fetched by ``fetch``.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import traceback
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pyarrow as pa

from actors.crawler.ahead import Ahead, Errand
from actors.crawler.blocks import Held, held_from, ready_table
from actors.crawler.budgets import asking
from actors.crawler.download import Fetch
from actors.crawler.events import Awoke, Event, Fetched, Late, Offer, Resolved, Said
from actors.crawler.fetch import Fetcher
from actors.crawler.figures import CrawlFigures
from actors.crawler.files import read_file
from actors.crawler.listed_posts import ListedPosts
from actors.crawler.owed import needs_resolving, settled
from actors.crawler.settings import CrawlSettings
from actors.crawler.transport import Unwatched, Watch
from models.keys import NO_CANDIDATE
from models.reasons import Reason, Stage
from models.records import Candidate, Outcome, Ready, Submission

Resolve = Callable[[Submission], Awaitable[list[Candidate]]]

_GATHER_SECONDS = 0.02  # events that come together travel together: a call costs about a millisecond
_THREADS = 32
_LATE_CHECKS = 10  # in one patience
_log = logging.getLogger(__name__)


class UnknownKeyError(KeyError):
    """A block was asked for with a key that this crawler holds nothing for."""

    def __str__(self) -> str:
        return (
            f"this crawler does not hold {', '.join(map(repr, self.args[:5]))}: handed out before, or lost in a "
            "restart; use fetch() with the candidates"
        )


class Crawler:
    """Fetches images ahead of the windows that will want them; see the module.

    ``budgets`` is the name of the actor (``HostBudgets``) that divides the hosts' budgets among several crawlers,
    ``listing`` that of the one that asks Reddit about posts.
    ``resolve`` replaces the resolvers package.
    """

    def __init__(
        self,
        settings: CrawlSettings,
        budgets: str | None = None,
        resolve: Resolve | None = None,
        listing: str | None = None,
    ) -> None:
        self._listing = listing
        self._settings = settings
        self._fetcher = Fetcher(settings, asking(budgets) if budgets is not None else None)
        self._resolve_with = resolve
        self._ahead = Ahead(settings.ahead_bytes)
        self._held: dict[str, Held] = {}
        self._life = secrets.token_hex(8)
        self._happened: list[Event] = [Awoke(self._life)]  # the driver offers again what a restart lost
        self._something = asyncio.Event()
        self._something.set()
        self._resolving = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._started = False

    async def offer(self, offers: Sequence[Offer], skip: frozenset[str], life: str | None = None) -> None:
        """Take offers in the run's order; the work goes on after this returns.

        Candidates whose key is in ``skip`` are left out. What is offered again while it is on its way is not
        fetched twice. An offer to an earlier ``life``, which came through a restart, is ignored: all that was
        lost is offered again.
        """
        if life not in (None, self._life):
            return
        await self._start()
        self._resolving += len(offers)
        for offer in offers:
            self._spawn(self._resolve(offer, skip))

    async def events(self, timeout: float = 1.0) -> list[Event]:  # noqa: ASYNC109 - a long poll's
        """Give what happened since the last call, waiting up to ``timeout`` seconds for something to happen."""
        await self._start()
        try:
            await asyncio.wait_for(self._something.wait(), timeout)
            await asyncio.sleep(_GATHER_SECONDS)
        except TimeoutError:
            pass
        self._something.clear()
        happened, self._happened = self._happened, []
        return happened

    async def block(self, keys: list[str]) -> pa.Table:
        """Hand out the rows of these candidates, in this order (``READY``), and forget them."""
        unknown = [key for key in keys if key not in self._held]
        if unknown or len(set(keys)) != len(keys):
            raise UnknownKeyError(*unknown or keys)
        rows = [self._held.pop(key) for key in keys]
        self._ahead.budget.give_back(sum(row.ready.size for row in rows))
        self._launch()
        return ready_table(rows)

    async def drop(self, keys: list[str]) -> None:
        """Forget candidates that ended here, and are asked for again later."""
        for key in keys:
            self._held.pop(key, None)

    async def fetch(self, candidates: list[Candidate]) -> pa.Table:
        """Fetch exactly these, outside the budget, for a window that is replayed; rows in their order.

        Memory is the caller's to bound: at most 32 at a time.
        """
        await self._start()
        return ready_table(await asyncio.gather(*(self._replayed(candidate) for candidate in candidates)))

    async def sign_of_life(self) -> tuple[str, CrawlFigures]:
        """Give this life's name, what is going on, and how the hosts are asked; cheap enough for every second."""
        return self._life, CrawlFigures(self._pending(), self._fetcher.hosts())

    async def pending(self) -> dict[str, int]:
        """Count what is going on: submissions resolving, candidates queued, waiting, fetching, ready; bytes."""
        return self._pending()

    def _pending(self) -> dict[str, int]:
        fetching = sum(errand.running for errand in self._ahead.running.values())
        return {
            "resolving": self._resolving,
            "queued": len(self._ahead),
            "waiting": len(self._ahead.running) - fetching,
            "fetching": fetching,
            "ready": len(self._held),
            "held_bytes": sum(held.ready.size for held in self._held.values()),
            "used_bytes": self._ahead.budget.used,
        }

    async def close(self) -> None:
        """Stop everything and close the connections."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._fetcher.__aexit__()

    async def _start(self) -> None:
        """Open the session where the event loop is: an actor's constructor runs before its loop."""
        if self._started:
            return
        self._started = True
        # A handful of names that never resolve would fill the few threads a small machine gets by default.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_THREADS, "crawler"))
        self._something.set()
        await self._fetcher.__aenter__()
        if self._resolve_with is None:
            from actors.crawler.resolvers import Resolvers

            # Without an app of the user's Reddit is not asked.
            listing = self._listing if self._settings.reddit.client_id is not None else None
            posts = ListedPosts(listing) if listing is not None else None
            self._resolve_with = Resolvers(self._settings, self._fetcher.api, posts, self._say).resolve
        self._spawn(self._watch_for_late())
        self._spawn(_load_pandas())

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _say(self, text: str) -> None:
        self._tell(Said(text))

    def _tell(self, event: Event) -> None:
        self._happened.append(event)
        self._something.set()

    async def _resolve(self, offer: Offer, skip: frozenset[str]) -> None:
        found = await self._candidates(offer.submission) if needs_resolving(offer) else []
        candidates = settled(offer, found)
        self._resolving -= 1
        placed = enumerate(map(self._gated, candidates))
        wanted = {each.key: (place, each) for place, each in placed if each.key not in skip}
        self._tell(Resolved(offer.order, tuple(each for _, each in wanted.values())))
        for position, candidate in wanted.values():
            self._take(offer.order, position, candidate)
        self._launch()

    async def _candidates(self, submission: Submission) -> list[Candidate]:
        assert self._resolve_with is not None
        try:
            return await self._resolve_with(submission)
        except Exception as error:  # noqa: BLE001 - the worker's edge: the submission has its row
            _log_error(submission.item, error)
            outcome = Outcome(Reason.MALFORMED, Stage.RESOLVE, type(error).__name__)
            return [Candidate(submission.item, NO_CANDIDATE, outcome=outcome)]

    def _gated(self, candidate: Candidate) -> Candidate:
        """Judge the size its host declares, where it does: what is too small is not downloaded."""
        width, height = candidate.width or 0, candidate.height or 0
        if candidate.outcome is not None or width <= 0 or height <= 0:
            return candidate
        reason = self._settings.shape.reason(width, height)
        return candidate if reason is None else replace(candidate, outcome=Outcome(reason, Stage.RESOLVE))

    def _take(self, order: int, position: int, candidate: Candidate) -> None:
        held = self._held.get(candidate.key)
        if held is None and candidate.outcome is not None:
            held = self._held[candidate.key] = Held(Ready(candidate, candidate.outcome))
        if held is not None:
            self._tell(Fetched(order, held.ready))
        elif candidate.key not in self._ahead:
            self._ahead.add(order, position, candidate)

    def _launch(self) -> None:
        for errand in self._ahead.startable():
            self._spawn(self._carry(errand))

    async def _carry(self, errand: Errand) -> None:
        held = held_from(errand.candidate, await self._obtain(errand.candidate, errand))
        self._ahead.finish(errand, held.ready.size)
        self._held[held.ready.key] = held
        self._tell(Fetched(errand.order, held.ready))
        self._launch()

    async def _replayed(self, candidate: Candidate) -> Held:
        if candidate.outcome is not None:
            return Held(Ready(candidate, candidate.outcome))
        return held_from(candidate, await self._obtain(candidate, Unwatched()))

    async def _obtain(self, candidate: Candidate, watch: Watch) -> Fetch:
        try:
            # Only a folder source may name files: a post that links to file:// or s3:// gets bad_url.
            if candidate.item.startswith("folder:"):
                return await self._read(candidate.urls, watch)
            return await self._fetcher.get(candidate.urls, watch)
        except Exception as error:  # noqa: BLE001 - the worker's edge: the candidate has its row
            _log_error(candidate.key, error)
            return Fetch(outcome=Outcome(Reason.HTTP_ERROR, Stage.FETCH, type(error).__name__))

    async def _read(self, places: Sequence[str], watch: Watch) -> Fetch:
        watch.runs()
        return await asyncio.to_thread(read_file, places[0] if places else "", self._settings.max_bytes)

    async def _watch_for_late(self) -> None:
        while True:
            await asyncio.sleep(self._settings.patience / _LATE_CHECKS)
            for errand in self._ahead.newly_late(self._settings.patience):
                self._tell(Late(errand.order, errand.candidate.key))
            self._launch()


async def _load_pandas() -> None:
    """Make a first table: pyarrow then loads pandas, a second's work, and no window's block waits for it."""
    await asyncio.to_thread(ready_table, [Held(Ready(Candidate("", NO_CANDIDATE), None), b"")])


def _log_error(name: str, error: Exception) -> None:
    """Log where it happened, without the message: it may hold a URL with its parameters."""
    where = "".join(traceback.format_tb(error.__traceback__))
    _log.error("%s: unexpected %s\n%s", name, type(error).__name__, where)
