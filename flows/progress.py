"""Progress while a run goes on, and its summary: a live table on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from actors.sink import Committed
from flows.crawl_ahead import CrawlAhead
from models.reasons import Reason, Verdict

LINE_SECONDS = 5.0
TOP = 15


class Progress:
    """Counts what was committed, and shows it while its ``with`` block runs; ``note`` keeps what it is told."""

    def __init__(self, console: Console | None = None, note: Callable[[str], None] | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._note = note
        self._live = Live(console=self._console, refresh_per_second=4, transient=True)
        self._started = time.monotonic()
        self._said = self._started
        self.reasons: Counter[str] = Counter()
        self.seen_in: Counter[str] = Counter()
        self.accepted_in: Counter[str] = Counter()
        self.windows = 0
        self.bytes = 0
        self.first_accepted: float | None = None

    def __enter__(self) -> Progress:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def tick(self, crawl: CrawlAhead, in_flight: int) -> None:
        """Show where the run is."""
        if self._live.is_started:
            self._live.update(self._table(crawl, in_flight))
        elif time.monotonic() - self._said >= LINE_SECONDS:
            self._said = time.monotonic()
            self._console.print(self._line(crawl, in_flight), highlight=False, soft_wrap=True)

    def committed(self, report: Committed) -> None:
        """Count a window."""
        self.windows += 1
        self.reasons.update(report.reasons)
        self.seen_in.update(report.seen_in)
        self.accepted_in.update(report.accepted_in)
        self.bytes += report.bytes_fetched
        if report.files and self.first_accepted is None:
            self.first_accepted = self.seconds

    def said(self, note: str) -> None:
        """Show what the user should know, and keep it."""
        self._console.print(f"goldpan: {note}", markup=False, highlight=False, soft_wrap=True)
        if self._note is not None:
            self._note(note)

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._started

    def of(self, verdict: Verdict) -> int:
        """Count the rows with a verdict."""
        return sum(count for reason, count in self.reasons.items() if Reason(reason).verdict is verdict)

    def _line(self, crawl: CrawlAhead, in_flight: int) -> str:
        rate = self.reasons.total() / max(self.seconds, 1e-9)
        verdicts = ", ".join(f"{self.of(verdict)} {verdict.value}" for verdict in Verdict)
        return (
            f"{self.seconds:5.0f} s  seen {crawl.seen} (known {crawl.known}), fetched {crawl.fetched} "
            f"({crawl.fetched_bytes / 1e6:.0f} MB), judged {self.reasons.total()}: {verdicts}; "
            f"{rate:.1f} images/s, {self.windows} windows, {in_flight} in flight{_waiting(crawl)}"
        )

    def _table(self, crawl: CrawlAhead, in_flight: int) -> Table:
        table = Table(box=None, show_header=False, padding=(0, 2))
        table.add_row(self._line(crawl, in_flight))
        rejected = (
            f"{reason} {count}" for reason, count in self.reasons.most_common() if reason != Reason.FITS
        )
        table.add_row(f"[dim]{', '.join(rejected)}[/dim]")
        return table

    def summary(self, out: str) -> Group:
        """Make what a run ends with: the totals, and the subreddits that yield most."""
        rate = self.reasons.total() / max(self.seconds, 1e-9)
        first = (
            "" if self.first_accepted is None else f", the first accepted after {self.first_accepted:.1f} s"
        )
        totals = (
            f"{self.of(Verdict.ACCEPTED)} accepted of {self.reasons.total()} in {out}\n"
            f"{self.seconds:.1f} s, {rate:.1f} images/s, {self.windows} windows, {self.bytes / 1e6:.0f} MB{first}\n"
            + ", ".join(f"{reason} {count}" for reason, count in self.reasons.most_common())
        )
        return Group(Text(totals), self._subreddits()) if self.accepted_in else Group(Text(totals))

    def _subreddits(self) -> Table:
        table = Table("subreddit", box=None)
        for name in ("accepted", "seen", "yield"):
            table.add_column(name, justify="right")
        for subreddit, accepted in self.accepted_in.most_common(TOP):
            seen = self.seen_in[subreddit]
            table.add_row(subreddit, str(accepted), str(seen), f"{accepted / seen:.0%}")
        return table


def _waiting(crawl: CrawlAhead) -> str:
    """Say how many are asked for again later; a run whose sources are at their end waits for them."""
    pause = crawl.deferrals.pause
    return "" if pause is None else f"; {len(crawl.deferrals)} put off, the next for {pause:.0f} s"
