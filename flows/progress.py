"""Progress while a run goes on: a live table on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.table import Table

from flows.watching.events import Event, News, Turn
from flows.watching.totals import Totals
from models.reasons import Reason, Verdict

LINE_SECONDS = 5.0


class Progress:
    """A watcher that shows a run on a console, from its first turn until its ``with`` block ends.

    ``totals`` are told before it; ``mask`` hides secrets.
    """

    def __init__(self, console: Console, totals: Totals, mask: Callable[[str], str] = str) -> None:
        self._console, self._totals, self._mask = console, totals, mask
        self._live = Live(console=self._console, refresh_per_second=4, transient=True)
        self._said = time.monotonic()

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def told(self, news: News) -> None:
        """Show where the run is, and what the user should know."""
        match news:
            case Turn():
                self._show(news)
            case Event() if (text := news.text) is not None:
                told = f"goldpan: {self._mask(text)}"
                self._console.print(told, markup=False, highlight=False, soft_wrap=True)

    def _show(self, turn: Turn) -> None:
        if self._console.is_terminal:
            # What is prepared before the first turn shows progress of its own.
            self._live.start()
            self._live.update(self._table(turn))
        elif time.monotonic() - self._said >= LINE_SECONDS:
            self._said = time.monotonic()
            self._console.print(progress_line(self._totals, turn), highlight=False, soft_wrap=True)

    def _table(self, turn: Turn) -> Table:
        table = Table(box=None, show_header=False, padding=(0, 2))
        table.add_row(progress_line(self._totals, turn))
        rejected = (
            f"{reason} {count}"
            for reason, count in self._totals.reasons.most_common()
            if reason != Reason.FITS
        )
        table.add_row(f"[dim]{', '.join(rejected)}[/dim]")
        return table


def progress_line(totals: Totals, turn: Turn) -> str:
    """Say where a run is."""
    verdicts = ", ".join(f"{totals.of(verdict)} {verdict.value}" for verdict in Verdict)
    return (
        f"{totals.seconds:5.0f} s  seen {turn.seen} (known {turn.known}), fetched {turn.fetched} "
        f"({turn.fetched_bytes / 1e6:.0f} MB), judged {totals.reasons.total()}: {verdicts}; "
        f"{totals.rate:.1f} images/s, window {totals.windows}, {turn.in_flight} in flight{_waiting(turn)}"
    )


def _waiting(turn: Turn) -> str:
    """Say how many are asked for again later; a run whose sources are at their end waits for them."""
    return "" if turn.pause is None else f"; {turn.put_off} put off, the next for {turn.pause:.0f} s"
