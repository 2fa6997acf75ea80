"""The stream: windows are closed, written down, judged in parallel, and committed in order."""

from __future__ import annotations

import threading
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import ray

from actors.crawler.locate import without_userinfo
from actors.judge import Judge
from actors.ledger import Ledger, write_state
from actors.manifest import Manifest, SeenSubmission, facts_of
from actors.sink import Committed
from actors.storage import Output
from flows.crawl_ahead import Block, CrawlAhead
from flows.judging import BlocksLostError, judge_blocks
from flows.placement import Placement
from flows.settings import WindowSettings
from flows.watching.events import Watcher, WindowCommitted
from flows.windows import Pick, WindowAssembler, WindowTimes, window_size
from models.records import Candidate, Ready

_FETCHES = 3
_TURN_SECONDS = 0.1


@dataclass(slots=True)
class Flight:
    """A window between its manifest and its commit."""

    manifest: Manifest
    replayed: bool
    judged: Future[list[Block]]
    since: float
    commit: ray.ObjectRef[Committed] | None = None


class Stream:
    """Runs windows until the sources end or a stop is asked for; what is in flight is committed either way."""

    def __init__(
        self,
        *,
        run: str,
        output: Output,
        ledger: Ledger,
        crawl: CrawlAhead,
        assembler: WindowAssembler,
        judge: Judge,
        sink: Any,
        placement: Placement,
        windows: WindowSettings,
        watcher: Watcher,
        times: WindowTimes | None = None,
    ) -> None:
        self._run, self._output, self._ledger = run, output, ledger
        self._crawl, self._assembler = crawl, assembler
        self._judge, self._sink, self._placement = judge, sink, placement
        self._windows, self._watcher = windows, watcher
        self._flights: deque[Flight] = deque()
        self._number = ledger.next_window
        self._times = times or WindowTimes(windows.seconds)

    def flow(self, stopping: threading.Event) -> None:
        """Replay what a dead run left, then go on with the sources, until they end or ``stopping`` is set."""
        replays = deque(self._ledger.unfinished)
        with ThreadPoolExecutor(self._windows.in_flight, "judging") as judging:
            while not stopping.is_set() and not self._is_done(replays):
                while replays and self._has_room():
                    manifest = replays.popleft()
                    self._start(judging, manifest, self._refetch(manifest), replayed=True)
                if not replays:
                    self._open_windows(judging)
                self._take_turn()
            self._crawl.stop()
            while self._flights:
                self._take_turn(ending=True)

    def _is_done(self, replays: deque[Manifest]) -> bool:
        return not replays and not self._flights and self._crawl.ended and not len(self._assembler)

    def _has_room(self) -> bool:
        return len(self._flights) < self._windows.in_flight

    def _take_turn(self, *, ending: bool = False) -> None:
        self._crawl.poll(_TURN_SECONDS)
        self._commit_in_order()
        while self._crawl.news:
            self._watcher.told(self._crawl.news.popleft())
        self._watcher.told(self._crawl.turn(len(self._flights), ending=ending))

    def _open_windows(self, judging: ThreadPoolExecutor) -> None:
        while self._has_room():
            picks = self._assembler.close(
                window_size(self._number, self._windows.count),
                self._windows.bytes,
                partial=self._times.is_up,
                ended=self._crawl.listed or self._crawl.full,
            )
            if not picks:
                return
            manifest = self._manifest(picks, self._times.open())
            manifest.write(self._output)
            self._ledger.see(manifest)
            self._crawl.deferrals.settle(manifest.settled)
            self._number += 1
            self._start(judging, manifest, self._crawl.blocks(picks))

    def _manifest(self, picks: list[Pick], opened_at: datetime) -> Manifest:
        return Manifest(
            number=self._number,
            run=self._run,
            opened_at=opened_at,
            submissions={pick.entry.submission.item: _seen(pick) for pick in picks},
            candidates=tuple(_as_written(pick.ready) for pick in picks),
            cursors=dict(self._assembler.cursors),
            attempts={
                pick.ready.key: attempt
                for pick in picks
                if (attempt := pick.entry.attempt(pick.ready.key)) > 1
            },
            facts=facts_of(pick.ready for pick in picks),
            deferred=self._crawl.deferrals.take_unwritten(self._number),
            settled=self._assembler.take_settled(),
        )

    def _start(
        self, judging: ThreadPoolExecutor, manifest: Manifest, blocks: list[Block], *, replayed: bool = False
    ) -> None:
        judged = judging.submit(self._judge_window, manifest, blocks)
        self._flights.append(Flight(manifest, replayed, judged, time.monotonic()))

    def _judge_window(self, manifest: Manifest, blocks: list[Block]) -> list[Block]:
        for _ in range(_FETCHES):
            try:
                return judge_blocks(blocks, self._judge, self._placement)
            except BlocksLostError:
                blocks = self._refetch(manifest)
        return judge_blocks(blocks, self._judge, self._placement)

    def _refetch(self, manifest: Manifest) -> list[Block]:
        return self._crawl.refetch(manifest.candidates)

    def _commit_in_order(self) -> None:
        while self._flights and self._flights[0].judged.done():
            flight = self._flights[0]
            if flight.commit is None:
                flight.commit = self._sink.commit.remote(
                    flight.manifest, flight.judged.result(), flight.replayed
                )
            done, _ = ray.wait([flight.commit], timeout=0)
            if not done:
                return
            report: Committed = ray.get(flight.commit)
            self._flights.popleft()
            write_state(self._output, flight.manifest, self._crawl.deferrals.written())
            self._watcher.told(WindowCommitted(report, time.monotonic() - flight.since, flight.replayed))


def _seen(pick: Pick) -> SeenSubmission:
    return SeenSubmission(pick.entry.submission, pick.entry.total)


def _as_written(ready: Ready) -> Candidate:
    # A post may link to https://user:password@host/: that is nobody's to keep.
    urls = tuple(without_userinfo(url) for url in ready.candidate.urls)
    return replace(ready.candidate, urls=urls, outcome=ready.outcome)
