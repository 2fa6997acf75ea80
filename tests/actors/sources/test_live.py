from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from actors.crawler.settings import CrawlSettings
from actors.crawler.sources import Page, SourceError, open_source, parse_source
from actors.crawler.sources.live import LiveListing
from actors.crawler.sources.reddit import RedditListing
from tests.actors.sources.readers import follow, kill_again_and_again, stream
from tests.actors.sources.reddit_server import World, post
from tests.actors.sources.simulation import BEGINNING, Burst, Script, Storm, running

SOURCE = "reddit:r/EarthPorn"
PATH = "/r/EarthPorn/new"
DRAIN = 660.0  # the whole listing is looked through once more


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


# Against a simulated Reddit

BURSTS = Script(
    seconds=180,
    bursts=(Burst(45, 250), Burst(90, 160, deleted_before=5), Burst(135, 160, deleted_before=30)),
)


def test_follows_everything_through_bursts_and_deleted_anchors_where_a_stream_does_not() -> None:
    with running(BURSTS) as (reddit, url):
        read = follow(url, "reddit:r/all", reddit, BURSTS.seconds + DRAIN)
    assert not reddit.listed() - set(read.names)
    assert len(reddit.listed()) > 2500
    assert len(read.names) == len(set(read.names))
    assert reddit.asked < BURSTS.seconds + DRAIN / 10, "about 60 requests a minute while much comes, 4 after"
    assert read.largest_cursor < 100
    with running(BURSTS) as (reddit, url):
        streamed = stream(url, "all", reddit, BURSTS.seconds + 30)
    assert len(reddit.listed() - set(streamed.names)) > 100


def test_a_burst_past_the_cap_is_found_by_its_ids() -> None:
    script = Script(seconds=120, bursts=(Burst(60, 1250),))
    with running(script) as (reddit, url):
        read = follow(url, "reddit:r/pics", reddit, script.seconds + DRAIN)
    burst = {one.name for one in reddit.posts if one.created == 60}
    assert len(burst) == 1250 and burst <= set(read.names)
    assert all(one.name in read.names for one in reddit.posts if one.subreddit == "pics")
    assert not read.notes
    assert {one.subreddit for one in reddit.posts if one.name in read.names} == {"pics"}


def test_a_gap_that_cannot_be_closed_is_noted_with_its_time() -> None:
    # So many ids lie between that asking for them all would take minutes of the budget.
    script = Script(seconds=120, bursts=(Burst(60, 1250, skipped_ids=30_000),))
    with running(script) as (reddit, url):
        read = follow(url, "reddit:r/pics", reddit, script.seconds + DRAIN)
    missed = {one for one in reddit.posts if one.subreddit == "pics" and one.name not in read.names}
    assert len(missed) > 200 and not reddit.listed("pics") - set(read.names)
    (note,) = read.notes
    first, last = (BEGINNING + edge(one.created for one in missed) for edge in (min, max))
    begin, end = (moment(part) for part in note.split(" UTC")[:2])
    assert begin <= first <= last <= end <= begin + 60
    assert "arctic:" in note and "reddit:firehose" in note


def moment(text: str) -> float:
    return datetime.fromisoformat(text[-19:]).replace(tzinfo=UTC).timestamp()


def test_storms_are_waited_out_and_noted_once() -> None:
    storms = (Storm(60, 120, 503), Storm(180, 190, 429, (("retry-after", "12"),)), Storm(240, 241, 500))
    script = Script(seconds=300, per_second=5, pics=0.5, storms=storms)
    with running(script) as (reddit, url):
        read = follow(url, "reddit:r/pics", reddit, script.seconds + DRAIN)
    assert not reddit.listed("pics") - set(read.names)
    assert read.notes == ["reddit:r/pics: Reddit does not answer (status 503); it will be asked again"]


def test_killed_at_any_moment_it_goes_on_and_loses_nothing(tmp_path: Path) -> None:
    # None is approved late: one that a burst pushes out before the next look at the whole listing is lost without any
    # kill, and where the kills fall decides when that look is.
    script = Script(seconds=240, per_second=10, late=0, bursts=(Burst(60, 250), Burst(120, 900)))
    with running(script) as (reddit, url):
        kill_again_and_again(url, "reddit:r/all", tmp_path, reddit, script.seconds + DRAIN)
    names = (tmp_path / "names.txt").read_text().split()
    assert not reddit.listed() - set(names)


# Against a few posts


def looks(settings: CrawlSettings, count: int, cursor: dict[str, Any] | None = None) -> list[Page]:
    """The pages of so many looks: the last of each has the pause."""
    found: list[Page] = []
    for page in open_source(parse_source(SOURCE), settings, follow=True).pages(cursor):
        found.append(page)
        count -= page.pause > 0
        if count == 0:
            break
    return found


def items(pages: list[Page]) -> list[str]:
    return [one.item for page in pages for one in page.submissions]


def test_only_what_shows_news_is_followed(world: World, settings: CrawlSettings) -> None:
    for text, kind in (
        ("reddit:r/A", LiveListing),
        ("reddit:u/A,sort=new,limit=3", LiveListing),
        ("reddit:r/A,sort=hot", RedditListing),
        ("reddit:r/A,time=week", RedditListing),
    ):
        assert type(open_source(parse_source(text), settings, follow=True)) is kind
    assert type(open_source(parse_source("reddit:r/A"), settings)) is RedditListing


def test_the_first_look_gives_all_that_is_listed(world: World, settings: CrawlSettings) -> None:
    world.listings[PATH] = [post(number) for number in range(250, 0, -1)]
    found = looks(settings, 1)
    assert items(found) == [f"t3_p{number}" for number in range(250, 0, -1)]
    assert found[-1].cursor == {"newest": "p250", "created": 1_700_000_250.0, "count": 250}
    assert not any("before" in query for _, query in world.asked)


def test_a_look_that_was_interrupted_is_begun_again(world: World, settings: CrawlSettings) -> None:
    world.listings[PATH] = [post(number) for number in range(20, 0, -1)]
    cursor = looks(settings, 1)[-1].cursor
    world.listings[PATH] = [post(number) for number in range(270, 0, -1)]
    source = open_source(parse_source(SOURCE), settings, follow=True)
    (first,) = islice(source.pages(cursor), 1)
    assert items([first])[0] == "t3_p270" and first.cursor == cursor
    again = looks(settings, 1, first.cursor)
    assert {f"t3_p{number}" for number in range(21, 271)} <= set(items(again))


def test_the_very_first_look_promises_what_comes_after_its_first_page(
    world: World, settings: CrawlSettings
) -> None:
    world.listings[PATH] = [post(number) for number in range(300, 0, -1)]
    source = open_source(parse_source(SOURCE), settings, follow=True)
    (first,) = islice(source.pages(None), 1)
    assert first.cursor["newest"] == "p201"


def test_a_post_that_is_approved_late_is_found_below_newer_ones(
    world: World, settings: CrawlSettings
) -> None:
    world.listings[PATH] = [post(number) for number in range(300, 0, -1) if number not in (120, 240)]
    pages = open_source(parse_source(SOURCE), settings, follow=True).pages(None)
    listed = [page for page in islice(pages, 4) if page.submissions]
    assert len(items(listed)) == 298
    world.listings[PATH] = [post(number) for number in range(301, 0, -1) if number != 120]
    assert items(list(islice(pages, 2))) == ["t3_p301", "t3_p240"]
    world.listings[PATH].insert(181, post(120))
    # Deeper down it is found when the whole listing is looked through again.
    waited = 0.0
    for page in pages:
        waited += page.pause
        if page.submissions:
            break
    assert items([page]) == ["t3_p120"] and 300 < waited <= 660


def test_the_pause_grows_while_nothing_comes_and_shrinks_when_much_does(
    world: World, settings: CrawlSettings
) -> None:
    world.listings[PATH] = [post(number) for number in range(10, 0, -1)]
    pages = open_source(parse_source(SOURCE), settings, follow=True).pages(None)
    quiet = [page.pause for page in islice(pages, 20) if page.pause]
    assert quiet[-1] == 30 and quiet == sorted(quiet)
    number = 10
    busy: list[float] = []
    for page in pages:
        if page.pause:
            busy.append(page.pause)
            world.listings[PATH] = [post(number + more) for more in range(60, 0, -1)] + world.listings[PATH]
            number += 60
        if len(busy) == 12:
            break
    assert busy == sorted(busy, reverse=True) and busy[-1] < 10


def test_a_run_that_does_not_follow_leaves_the_mark_for_one_that_does(
    world: World, settings: CrawlSettings
) -> None:
    world.listings[PATH] = [post(number) for number in range(20, 0, -1)]
    cursor = looks(settings, 1)[-1].cursor
    world.listings[PATH] = [post(number) for number in range(900, 800, -1)]
    between = list(open_source(parse_source(SOURCE), settings).pages(cursor))
    assert len(items(between)) == 100 and all(page.cursor == cursor for page in between)
    world.listings["/r/EarthPorn/hot"] = [post(500)]
    assert items(looks(settings, 1, between[-1].cursor))[100:] == ["t3_p500"]
    assert all(page.cursor == {} for page in open_source(parse_source(SOURCE), settings).pages(None))


def test_a_limit_ends_it_and_the_next_run_takes_as_many_again(world: World, settings: CrawlSettings) -> None:
    world.listings[PATH] = [post(number) for number in range(150, 0, -1)]
    source = open_source(parse_source(f"{SOURCE},limit=110"), settings, follow=True)
    found = list(source.pages(None))
    assert len(items(found)) == 110
    world.listings[PATH] = [post(number) for number in range(300, 0, -1)]
    source = open_source(parse_source(f"{SOURCE},limit=110"), settings, follow=True)
    assert items(list(source.pages(found[-1].cursor))) == [f"t3_p{number}" for number in range(300, 190, -1)]


def test_what_is_refused_ends_it_with_the_way_out(world: World, settings: CrawlSettings) -> None:
    world.listings[PATH] = [post(1)]
    pages = open_source(parse_source(SOURCE), settings, follow=True).pages(None)
    assert items(list(islice(pages, 2))) == ["t3_p1"]
    world.statuses[PATH] = (403, {})
    with pytest.raises(SourceError, match="private, quarantined or banned"):
        next(pages)


def test_an_empty_listing_is_waited_for(world: World, settings: CrawlSettings) -> None:
    pages = open_source(parse_source(SOURCE), settings, follow=True).pages(None)
    first = list(islice(pages, 2))
    assert not items(first) and first[-1].cursor == {} and first[-1].pause
    world.listings[PATH] = [post(1)]
    assert items(list(islice(pages, 1))) == ["t3_p1"]


def test_a_gap_in_what_only_reddit_can_tell_is_looked_for_in_other_listings(
    world: World, settings: CrawlSettings
) -> None:
    source = parse_source("reddit:u/me/m/views")
    path = "/user/me/m/views/new"
    world.listings[path] = [post(number) for number in range(20, 0, -1)]
    pages = open_source(source, settings, follow=True).pages(None)
    assert len(items(list(islice(pages, 2)))) == 20
    world.listings[path] = [post(number) for number in range(900, 800, -1)]
    world.listings["/user/me/m/views/hot"] = [post(number) for number in (850, 500, 10)]
    world.listings["/user/me/m/views/top"] = [post(number) for number in (500, 400)]
    found: list[Page] = []
    for page in pages:
        found.append(page)
        if page.pause:
            break
    assert items(found)[100:] == ["t3_p500", "t3_p400"]
    (note,) = (note for page in found for note in page.notes)
    assert "some may be missing" in note
    assert [query["t"] for _, query in world.asked if "t" in query] == ["hour", "hour"]
    assert not any("api/info" in asked for asked, _ in world.asked)
