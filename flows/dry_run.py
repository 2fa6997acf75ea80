"""``goldpan mine --dry-run``: what a run would fetch, by asking the sources only."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from urllib.parse import urlsplit

from rich.console import Console
from rich.table import Table

from actors.crawler.listing import Listing
from actors.crawler.resolvers import Action, chosen, plan_submission
from actors.crawler.sources import SourceError
from actors.ledger import HashSet
from flows.settings import Settings
from models.records import Submission

TYPICAL_BYTES = 600_000


def estimate(settings: Settings, console: Console) -> None:
    """List the sources, resolve without a request, and print what would be fetched from where."""
    hosts: Counter[str] = Counter()
    skipped: Counter[str] = Counter()
    submissions = downloads = calls = 0
    for submission in islice(_submissions(settings), settings.limit):
        submissions += 1
        plan = chosen(plan_submission(submission, settings.crawl.over_18), settings.crawl)
        candidates = plan.candidates(submission.item)
        calls += plan.action is Action.API
        for candidate in candidates:
            if candidate.outcome is not None:
                skipped[candidate.outcome.reason.value] += 1
            elif candidate.urls:
                downloads += 1
                hosts[urlsplit(candidate.urls[0]).hostname or "local files"] += 1
    console.print(
        f"{submissions} submissions: {downloads} images to fetch, {calls} albums or pages to ask an API about, "
        f"{skipped.total()} to skip; about {downloads * TYPICAL_BYTES / 1e9:.1f} GB at 0.6 MB an image",
        highlight=False,
    )
    console.print(_table("host", hosts), _table("skipped for", skipped))


def _submissions(settings: Settings) -> Iterator[Submission]:
    """Give each submission once, as a run would take it; sources may name one several times."""
    seen = HashSet()
    listing = Listing(settings.sources, settings.crawl)
    while (listed := listing.next_page({})) is not None:
        if listed.failure is not None:
            raise SourceError(listed.failure)
        if listed.page is None:
            time.sleep(listed.pause)
            continue
        for submission in listed.page.submissions:
            if submission.item not in seen:
                seen.add([submission.item])
                yield submission


def _table(name: str, counts: Counter[str]) -> Table:
    table = Table(name, "candidates")
    for key, count in counts.most_common():
        table.add_row(key, str(count))
    return table
