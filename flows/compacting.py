"""Compaction beside a run: in a thread of the driver, one pass at a time, so that it dies with the run."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

import pyarrow as pa

from actors.storage import Output, OutputError
from actors.upkeep.compaction import compact
from flows.watching.events import News, Note, ShardsCompacted, WindowCommitted

# Listing the shards costs an object store some requests.
_EVERY = 16


class Compacting:
    """A watcher that puts small shards together while its ``with`` block runs.

    ``least`` is how many it takes, 0 for never. What it did is told; so is a pass that fails: the small shards stay,
    and are as good.
    """

    def __init__(self, output: Output, least: int, tell: Callable[[News], None]) -> None:
        self._output, self._least, self._tell = output, least, tell
        self._began = 0.0
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

    def told(self, news: News) -> None:
        """Start a pass over all up to a committed window, if there is enough to do and none is on."""
        if self._pass is not None and self._pass.done():
            self._end()
        if not isinstance(news, WindowCommitted):
            return
        window = int(news.report.window)
        if self._least and self._pass is None and window - self._last >= min(_EVERY, self._least):
            self._last, self._began = window, time.monotonic()
            self._pass = self._thread.submit(self._compact, window)

    def _compact(self, window: int) -> int:
        return sum(1 for _ in compact(self._output, through=window, least=self._least))

    def _end(self) -> None:
        try:
            if self._pass is not None and (shards := self._pass.result()):
                self._tell(ShardsCompacted(shards, time.monotonic() - self._began))
        except (OSError, OutputError, pa.ArrowException) as error:
            self._tell(Note(f"small shards could not be put together: {error}"))
        self._pass = None
