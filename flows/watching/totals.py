"""A run's totals: what was committed, and the summary that it ends with."""

from __future__ import annotations

import time
from collections import Counter

from rich.console import Group
from rich.table import Table
from rich.text import Text

from flows.watching.events import News, WindowCommitted, by_verdict
from models.reasons import Verdict

TOP = 15


class Totals:
    """A watcher that counts."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self.reasons: Counter[str] = Counter()
        self.seen_in: Counter[str] = Counter()
        self.accepted_in: Counter[str] = Counter()
        self.windows = 0
        self.last_window = 0
        self.bytes = 0
        self.first_accepted: float | None = None

    def told(self, news: News) -> None:
        """Count a window."""
        if not isinstance(news, WindowCommitted):
            return
        report = news.report
        self.windows += 1
        self.last_window = int(report.window)
        self.reasons.update(report.reasons)
        self.seen_in.update(report.seen_in)
        self.accepted_in.update(report.accepted_in)
        self.bytes += report.bytes_fetched
        if report.files and self.first_accepted is None:
            self.first_accepted = self.seconds

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._started

    @property
    def rate(self) -> float:
        """Rows a second."""
        return self.reasons.total() / max(self.seconds, 1e-9)

    def of(self, verdict: Verdict) -> int:
        """Count the rows with a verdict."""
        return by_verdict(self.reasons)[verdict.value]

    def summary(self, out: str) -> Group:
        """Make what a run ends with: the totals, and the subreddits that yield most."""
        first = (
            "" if self.first_accepted is None else f", the first accepted after {self.first_accepted:.1f} s"
        )
        totals = (
            f"{self.of(Verdict.ACCEPTED)} accepted of {self.reasons.total()} in {out}\n"
            f"{self.seconds:.1f} s, {self.rate:.1f} images/s, {self.windows} window{'' if self.windows == 1 else 's'}, "
            f"{self.bytes / 1e6:.0f} MB{first}\n"
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
