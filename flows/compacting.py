"""Compaction beside a run: in a thread of the driver, one pass at a time, so that it dies with the run."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

import pyarrow as pa

from actors.sink import Committed
from actors.storage import Output, OutputError
from actors.upkeep.compaction import compact
from flows.crawl_ahead import CrawlAhead
from flows.stream import Watcher

# Listing the shards costs an object store some requests.
_EVERY = 16


class Compacting:
    """A watcher before another that puts small shards together while its ``with`` block runs.

    ``least`` is how many it takes, 0 for never. A pass that fails is said: the small shards stay, and are as good.
    """

    def __init__(self, output: Output, least: int, watcher: Watcher) -> None:
        self._output, self._least, self._watcher = output, least, watcher
        self._thread = ThreadPoolExecutor(1, "compacting")
        self._pass: Future[int] | None = None
        self._last = 0

    def __enter__(self) -> Compacting:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Whoever holds the lock next must not meet it.
        self._thread.shutdown()
        self._end()

    def tick(self, crawl: CrawlAhead, in_flight: int) -> None:
        """Pass it on."""
        self._watcher.tick(crawl, in_flight)

    def said(self, note: str) -> None:
        """Pass it on."""
        self._watcher.said(note)

    def committed(self, report: Committed) -> None:
        """Pass it on, and start a pass over all up to this window, if there is enough to do and none is on."""
        self._watcher.committed(report)
        window = int(report.window)
        if self._pass is not None and self._pass.done():
            self._end()
        if self._least and self._pass is None and window - self._last >= min(_EVERY, self._least):
            self._last = window
            self._pass = self._thread.submit(self._compact, window)

    def _compact(self, window: int) -> int:
        return sum(1 for _ in compact(self._output, through=window, least=self._least))

    def _end(self) -> None:
        try:
            if self._pass is not None:
                self._pass.result()
        except (OSError, OutputError, pa.ArrowException) as error:
            self.said(f"small shards could not be put together: {error}")
        self._pass = None
