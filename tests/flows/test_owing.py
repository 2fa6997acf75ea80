"""The law, in the middle of galleries: every candidate has one row, wherever a run dies while some are put off.

Real listings, crawlers, windows, Ray Data and sink; only what a link resolves to is told by a script.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import ray

from actors.crawler.crawler import Crawler
from actors.crawler.listing import Listing
from actors.crawler.settings import CrawlSettings, Deferral
from actors.duplicates import DuplicateIndex
from actors.judge import Judge
from actors.ledger import Ledger
from actors.retries import failing, rows_again
from actors.sink import Judges, Sink
from actors.storage import Output
from actors.upkeep.checkup import examine
from actors.upkeep.compaction import compact
from flows import placement
from flows.crawl_ahead import CrawlAhead
from flows.deferrals import Deferrals
from flows.placement import Placement
from flows.settings import WindowSettings
from flows.stream import Stream
from flows.watching.events import News, WindowCommitted
from flows.windows import WindowAssembler, WindowTimes
from models.keys import NO_CANDIDATE, url_item
from models.reasons import Reason, Stage
from models.records import Candidate, Outcome, Submission
from tests.actors.upkeep.small_output import silent
from tests.flows.outputs import rows

INDEX = "owing-index"
CRAWL = CrawlSettings(defer=Deferral(tries=3, seconds=0.05))
FIRST, OTHER = "https://a.example/first", "https://a.example/other"
DONE, WAITS, FAILED = Reason.VIDEO, Reason.NOT_READY, Reason.API_ERROR
Answers = dict[str, list[dict[str, str]]]


class Script:
    """Resolves a link to what a file says, each time to the next answer; the last one holds."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def __call__(self, submission: Submission) -> list[Candidate]:
        answers = json.loads((self._folder / "answers.json").read_text())[submission.post["url"]]
        calls = self._folder / submission.item.replace(":", "-")
        count = len(calls.read_text()) if calls.exists() else 0
        calls.write_text("x" * (count + 1))
        found = answers[min(count, len(answers) - 1)]
        return [_candidate(submission.item, media, Reason(reason)) for media, reason in found.items()]


def _candidate(item: str, media: str, reason: Reason) -> Candidate:
    later = 0.0 if reason is WAITS else None
    return Candidate(item, media, outcome=Outcome(reason, Stage.RESOLVE, retry_after=later))


class DeathError(Exception):
    """A run dies."""


class Until:
    """Watches a run, and ends it after so many commits, as kill -9 would: nothing more is written."""

    def __init__(self, commits: int | None) -> None:
        self._left = commits

    def told(self, news: News) -> None:
        if self._left is not None and isinstance(news, WindowCommitted):
            self._left -= 1
            if self._left == 0:
                raise DeathError


class World:
    """A list of links, what they resolve to, and an output."""

    def __init__(self, folder: Path, answers: Answers, where: Placement) -> None:
        self.out = folder / "out"
        self._folder, self._where = folder, where
        (folder / "answers.json").write_text(json.dumps(answers))
        (folder / "links.txt").write_text("\n".join(answers))

    def mine(
        self,
        *,
        dies_after: int | None = None,
        retry: str | None = None,
        count: int = 1,
        times: WindowTimes | None = None,
    ) -> None:
        """Run to the end, or until it dies; windows of so many."""
        output = Output(str(self.out))
        index = ray.remote(DuplicateIndex).options(num_cpus=0, name=INDEX).remote(output.uri)
        sink = ray.remote(Sink).options(num_cpus=0).remote(output.uri, INDEX, Judges("e", "t", 0.0))
        listing = ray.remote(Listing).options(num_cpus=0).remote([f"urls:{self._folder}/links.txt"], CRAWL)
        crawler = ray.remote(Crawler).options(num_cpus=0, max_concurrency=8)
        crawlers = [crawler.remote(CRAWL, resolve=Script(self._folder))]
        ledger = Ledger(output)
        assembler = WindowAssembler(ledger.cursors)
        retried = rows_again(output, ledger, failing(retry)) if retry else None
        deferrals = Deferrals(CRAWL.defer, ledger.deferred, ledger.written)
        crawl = CrawlAhead(
            listing, crawlers, ledger, assembler, deferrals, limit=None, ahead=64, retried=retried
        )
        stream = Stream(
            run="r",
            output=output,
            ledger=ledger,
            crawl=crawl,
            assembler=assembler,
            judge=Judge([]),
            sink=sink,
            placement=self._where,
            windows=WindowSettings(count=count, in_flight=1),
            watcher=Until(dies_after),
            times=times,
        )
        try:
            stream.flow(threading.Event())
        except DeathError:
            assert dies_after is not None
        else:
            assert dies_after is None, "it ended before it could die"
            assert not deferrals.written() and not deferrals.take_unwritten(0)
        actors: list[Any] = [index, sink, listing, *crawlers]
        for actor in actors:
            ray.kill(actor)

    def found(self) -> dict[str, str]:
        """Give the current reason of every key, and make sure that no attempt of a key is there twice."""
        held = rows(self.out)
        assert set(Counter((row["key"], row["attempt"]) for row in held).values()) == {1}
        return {row["key"]: row["reason"] for row in sorted(held, key=lambda row: row["attempt"])}


@pytest.fixture(scope="module")
def where(ray_here: None) -> Iterator[Placement]:
    yield placement.plan("cpu")


def keys(url: str, **reasons: Reason) -> dict[str, str]:
    return {f"{url_item(url)}/{media}": reason.value for media, reason in reasons.items()}


def key(url: str) -> str:
    return f"{url_item(url)}/{NO_CANDIDATE}"


def told(*answers: dict[str, Any]) -> list[dict[str, str]]:
    return [{media: str(reason) for media, reason in answer.items()} for answer in answers]


@pytest.mark.parametrize("dies_after", [1, 2])
def test_the_rest_of_a_gallery_is_not_lost_with_an_image_that_is_put_off(
    tmp_path: Path, where: Placement, dies_after: int
) -> None:
    gallery = told({"a": WAITS, "b": DONE, "c": DONE}, {"a": DONE, "b": DONE, "c": DONE})
    world = World(tmp_path, {OTHER: told({"0": DONE}), FIRST: gallery}, where)
    world.mine(dies_after=dies_after)
    world.mine()
    assert world.found() == keys(OTHER, **{"0": DONE}) | keys(FIRST, a=DONE, b=DONE, c=DONE)


@pytest.mark.parametrize("dies_after", [1, 2, 3])
def test_an_album_and_what_it_came_to_are_not_both_owed(
    tmp_path: Path, where: Placement, dies_after: int
) -> None:
    album = told({"-": WAITS}, {"x": WAITS, "y": DONE}, {"x": WAITS, "y": DONE}, {"x": DONE, "y": DONE})
    world = World(tmp_path, {FIRST: album, OTHER: told({"0": DONE}), f"{OTHER}2": told({"0": DONE})}, where)
    world.mine(dies_after=dies_after)
    world.mine()
    found = world.found()
    assert set(found) == set(
        keys(OTHER, **{"0": DONE}) | keys(f"{OTHER}2", **{"0": DONE}) | keys(FIRST, x=DONE, y=DONE)
    )


@pytest.mark.parametrize("dies_after", [1, 2])
def test_a_retry_that_dies_is_had_once(tmp_path: Path, where: Placement, dies_after: int) -> None:
    album = told({"-": FAILED}, {"x": DONE, "y": WAITS}, {"x": DONE, "y": DONE})
    world = World(tmp_path, {FIRST: album, OTHER: told({"0": FAILED}, {"0": DONE})}, where)
    world.mine(count=9)
    assert world.found() == keys(OTHER, **{"0": FAILED}) | {key(FIRST): FAILED.value}
    world.mine(dies_after=dies_after, retry="failed")
    world.mine(retry="failed")
    expected = keys(OTHER, **{"0": DONE}) | keys(FIRST, x=DONE, y=DONE)
    assert world.found() == expected | {key(FIRST): Reason.RESOLVED_LATER.value}


def test_what_never_comes_ends_as_it_is(tmp_path: Path, where: Placement) -> None:
    world = World(tmp_path, {FIRST: told({"a": WAITS, "b": DONE})}, where)
    world.mine(count=9)
    assert world.found() == keys(FIRST, a=WAITS, b=DONE)
    assert (tmp_path / url_item(FIRST).replace(":", "-")).read_text() == "x" * 4, (
        "once, and three times again"
    )


def calendar(*moments: str) -> WindowTimes:
    """Give windows these moments, one each."""
    left = [datetime.fromisoformat(moment).replace(tzinfo=UTC) for moment in moments]
    return WindowTimes(None, today=lambda: left.pop(0))


def test_a_run_goes_on_across_midnight_and_where_the_calendar_is_set_back(
    tmp_path: Path, where: Placement
) -> None:
    links = [FIRST, OTHER, f"{OTHER}2", f"{OTHER}3"]
    world = World(tmp_path, {link: told({"0": DONE}) for link in links}, where)
    world.mine(
        dies_after=2, times=calendar("2026-12-31 23:59:58", "2026-12-31 23:59:59", "2026-12-31 23:59:59")
    )
    world.mine(
        times=calendar("2027-01-01 00:00:01", "2026-12-31 23:00:00", "2027-01-01 00:00:03", "2027-01-01")
    )
    expected: dict[str, str] = {}
    for link in links:
        expected |= keys(link, **{"0": DONE})
    assert world.found() == expected
    output = Output(str(world.out))
    days = {path.split("/")[1] for path in output.names("verdicts")}
    assert days == {"date=2026-12-31", "date=2027-01-01"}
    assert not examine(output, silent).findings
    assert [group.date for group in compact(output)] == ["2026-12-31"]
    assert world.found() == expected and not examine(output, silent).findings
    assert Ledger(output).next_window == len(links) + 1
