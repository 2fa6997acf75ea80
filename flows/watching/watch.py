"""All that watches one run: built before anything starts, told everything, closed when the run has ended."""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Sequence
from contextlib import ExitStack
from types import TracebackType

import typer
from rich.console import Console

from actors.lock import OutputLock
from actors.storage import Output, to_json
from flows.exits import FAILED, INTERRUPTED, ending
from flows.progress import Progress
from flows.run_file import shown_settings, versions
from flows.settings import LogFormat, Settings
from flows.watching.event_file import EventFile
from flows.watching.events import News, RunEnded, RunStarted, State, Turn, Watcher, Watchers, WindowCommitted
from flows.watching.logs import EventLog, Heard
from flows.watching.masking import Mask
from flows.watching.metrics import Metrics
from flows.watching.totals import Totals

SETTINGS_DIGITS = 16


class Watch:
    """Tells a run's watchers that it starts, what happens, and how it ends; for a ``with`` block around all of it.

    Raises PreflightError where the events or the metrics have no place.
    """

    def __init__(
        self, run: str, settings: Settings, output: Output, lock: OutputLock, console: Console
    ) -> None:
        self._run, self._settings, self._output = run, settings, output
        self._lock, self._console = lock, console
        self._stack = ExitStack()
        self._how, self._code = "failed", FAILED
        self.totals = Totals()
        self._all = Watchers([self.totals])

    def __enter__(self) -> Watch:
        with ExitStack() as stack:
            self._enter(stack)
            self.told(self._started())
            self._stack = stack.pop_all()
        return self

    def _enter(self, stack: ExitStack) -> None:
        asked, mask = self._settings.watch, Mask(self._settings)
        if asked.metrics_port is not None:
            metrics = stack.enter_context(Metrics(asked))
            self._all.add(metrics)
            self.say([f"metrics   {metrics.address}"])
        if asked.events is not None:
            self._all.add(stack.enter_context(EventFile(asked.events, self._run, self.told, mask)))
        if asked.log_file is not None or asked.log_format is LogFormat.JSON:
            self._all.add(EventLog(self._run, self.totals))
        if asked.log_format is LogFormat.TEXT:
            shown = self._console.shown if isinstance(self._console, Heard) else self._console
            self._all.add(stack.enter_context(Progress(shown, self.totals, mask.text)))
        self._all.add(Heart(self._lock, self.totals))

    def add(self, watcher: Watcher) -> None:
        """Tell one more, whose part of the run begins later."""
        self._all.add(watcher)

    def told(self, news: News) -> None:
        """Tell all watchers."""
        self._all.told(news)

    def say(self, lines: Sequence[str]) -> None:
        """Say lines about the run to its user."""
        self._console.print("\n".join(lines), highlight=False, soft_wrap=True)

    def ended(self, how: str, code: int) -> None:
        """Note how the run ended."""
        self._how, self._code = how, code

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        code, why = self._code, None
        if isinstance(error, KeyboardInterrupt):  # before the run itself takes the signals
            self._how, code = "interrupted", INTERRUPTED
        elif error is not None and not isinstance(error, typer.Exit):
            self._how = "failed"
            why, code = ending(error) or (type(error).__name__, FAILED)
        with self._stack:
            totals = self.totals
            self.told(RunEnded(self._how, code, why, totals.seconds, totals.windows, totals.reasons))

    def _started(self) -> RunStarted:
        settings = shown_settings(self._settings, self._output)
        # How it is watched is not what it does.
        settings.pop("watch")
        return RunStarted(
            out=self._output.shown,
            sources=tuple(settings["sources"]),
            settings=hashlib.sha256(to_json(settings)).hexdigest()[:SETTINGS_DIGITS],
            version=versions().get("goldpan", ""),
            host=platform.node(),
            pid=os.getpid(),
        )


class Heart:
    """A watcher that lets the output's lock say what the run is at."""

    def __init__(self, lock: OutputLock, totals: Totals) -> None:
        self._lock, self._totals = lock, totals
        self._turn = Turn()

    def told(self, news: News) -> None:
        """Note it; with every window the heart beats at once."""
        match news:
            case Turn():
                changed = news.state is not self._turn.state
                self._turn = news
                self._beat(news.state, urgent=changed)
            case WindowCommitted():
                self._beat(self._turn.state, urgent=True)
            case RunEnded():
                self._beat(State.ENDING, urgent=False)

    def _beat(self, state: State, *, urgent: bool) -> None:
        work = {
            "state": state.value,
            "window": self._totals.last_window,
            "seen": self._turn.seen,
            "accepted": self._totals.reasons["fits"],
        }
        self._lock.at_work(work, urgent=urgent)
