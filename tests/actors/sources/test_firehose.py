from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from actors.crawler.settings import CrawlSettings
from actors.crawler.sources import Page, SourceError, open_source, parse_source
from actors.crawler.sources.client import RedditClient, client_of
from actors.crawler.sources.firehose import DELAYS, Firehose
from actors.crawler.sources.post_id import number_of
from tests.actors.sources.readers import follow, kill_again_and_again, settings_for, simulated, stream
from tests.actors.sources.reddit_server import World, post
from tests.actors.sources.simulation import (
    BEGINNING,
    FIRST_NUMBER,
    Burst,
    Script,
    Storm,
    base36,
    running,
)

SOURCE = "reddit:firehose"
DRAIN = 300.0  # for those that are asked for again
SCRIPT = Script(
    seconds=240,
    late=0.05,
    latest=120,
    bursts=(Burst(60, 250), Burst(120, 1250), Burst(180, 160, deleted_before=5)),
    storms=(Storm(200, 210, 503),),
)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


# Against a simulated Reddit


def test_misses_nothing_where_a_stream_misses_some() -> None:
    with running(SCRIPT) as (reddit, url):
        read = follow(url, SOURCE, reddit, SCRIPT.seconds + DRAIN)
    assert not reddit.truth() - set(read.names)
    assert len(reddit.truth()) > 5000
    assert len(read.names) == len(set(read.names))
    assert reddit.asked / (SCRIPT.seconds + DRAIN) * 60 < 35
    assert read.largest_cursor < 400
    with running(SCRIPT) as (reddit, url):
        streamed = stream(url, "all", reddit, SCRIPT.seconds + 30)
    assert len(reddit.truth() - set(streamed.names)) > 1000


def test_killed_at_any_moment_it_goes_on_and_loses_nothing(tmp_path: Path) -> None:
    with running(SCRIPT) as (reddit, url):
        kill_again_and_again(url, SOURCE, tmp_path, reddit, SCRIPT.seconds + DRAIN)
    assert not reddit.truth() - set((tmp_path / "names.txt").read_text().split())


@pytest.mark.parametrize("limits", [True, False])
def test_catching_up_stays_within_a_hundred_requests_a_minute(limits: bool) -> None:
    script = Script(seconds=900, limits=limits, late=0)
    with running(script) as (reddit, url):
        reddit.sleep(780)
        reading = f"{SOURCE},after={base36(FIRST_NUMBER)}"
        read = follow(url, reading, reddit, 780 + 120)
    assert not {one.name for one in reddit.posts if one.created < 800 and one.gone_at > 900} - set(read.names)
    assert reddit.asked < 230 + 30
    assert not read.notes


def test_tens_of_thousands_of_ids_that_nobody_has_delay_nothing() -> None:
    script = Script(seconds=200, bursts=(Burst(60, 50, skipped_ids=20_000),))
    with running(script) as (reddit, url):
        read = follow(url, SOURCE, reddit, script.seconds + 60)
        assert reddit.asked < 150
    assert not reddit.truth() - set(read.names)
    behind, caught_up = read.notes
    assert "ids behind the newest post" in behind and caught_up == f"{SOURCE} has caught up"


def test_it_begins_with_a_day() -> None:
    script = Script(seconds=86_400, per_second=0.05)
    with running(script) as (reddit, url), simulated(reddit):
        reddit.sleep(script.seconds)
        spec = parse_source(f"{SOURCE},after=2027-01-16")
        pages = Firehose(spec, RedditClient(settings_for(url), reddit.now)).pages(None)
        for page in pages:
            reddit.sleep(page.pause)
            if page.submissions:
                break
    midnight = datetime(2027, 1, 16, tzinfo=UTC).timestamp()
    first = next(one for one in reddit.posts if BEGINNING + one.created >= midnight)
    begun = min(number_of(one.item) for one in page.submissions)
    assert first.number - 200 <= begun <= first.number
    assert reddit.asked < 130  # below the first post nothing is found, and three times looked for


# Against a few posts


FIRST, NEWEST = 3001, 3250


def numbered(number: int) -> dict[str, Any]:
    return post(number, id=base36(number), name=f"t3_{base36(number)}")


@pytest.fixture
def reddit(world: World) -> World:
    """Some posts, of which the last hundred are listed."""
    world.listings["/r/all/new"] = [numbered(number) for number in range(NEWEST, NEWEST - 100, -1)]
    world.by_id = {f"t3_{base36(number)}": numbered(number) for number in range(FIRST, NEWEST + 1)}
    return world


def read(settings: CrawlSettings, text: str = SOURCE, count: int = 10, cursor: Any = None) -> list[Page]:
    return list(islice(open_source(parse_source(text), settings).pages(cursor), count))


def items(pages: list[Page]) -> list[str]:
    return [one.item for page in pages for one in page.submissions]


def names(*numbers: int) -> list[str]:
    return [f"t3_{base36(number)}" for number in numbers]


def test_it_begins_with_the_posts_that_are_listed(reddit: World, settings: CrawlSettings) -> None:
    assert items(read(settings)) == names(*range(NEWEST - 99, NEWEST + 1))
    assert not any("before" in query or "after" in query for _, query in reddit.asked)
    assert {path for path, _ in reddit.asked} == {"/r/all/new", "/api/info/"}


def test_one_old_post_in_the_listing_does_not_lead_far_back(reddit: World, settings: CrawlSettings) -> None:
    reddit.listings["/r/all/new"].insert(50, numbered(5))
    read(settings, count=1)
    assert reddit.asked[1][1]["id"].startswith(f"t3_{base36(NEWEST - 1000)},")


def test_what_lies_beyond_the_head_is_not_late(reddit: World, settings: CrawlSettings) -> None:
    pages = read(settings, count=20)
    last = pages[-1]
    assert (last.cursor["next"], last.cursor["count"]) == (base36(NEWEST + 1), 100)
    assert not any(last.cursor["late"] + last.cursor["holes"])
    assert any(page.pause for page in pages[-2:])
    reddit.by_id |= dict(zip(names(NEWEST + 1), [numbered(NEWEST + 1)], strict=True))
    assert items(read(settings, count=1, cursor=last.cursor)) == names(NEWEST + 1)


def test_a_hole_of_hundreds_of_ids_is_crossed(reddit: World, settings: CrawlSettings) -> None:
    beyond = NEWEST + 700
    reddit.listings["/r/all/new"].insert(0, numbered(beyond))
    reddit.by_id |= dict(zip(names(beyond), [numbered(beyond)], strict=True))
    assert items(read(settings, count=20))[-1:] == names(beyond)


def test_it_begins_behind_an_id(reddit: World, settings: CrawlSettings) -> None:
    (after,) = names(NEWEST - 11)
    assert items(read(settings, f"{SOURCE},after={after}")) == names(*range(NEWEST - 10, NEWEST + 1))
    with pytest.raises(SourceError, match=f"not posted yet; the newest is {base36(NEWEST)}"):
        read(settings, f"{SOURCE},after=zzzzz")
    with pytest.raises(SourceError, match="no day 2026-02-30"):
        open_source(parse_source(f"{SOURCE},after=2026-02-30"), settings)


def test_an_empty_reddit_is_waited_for(world: World, settings: CrawlSettings) -> None:
    (page,) = read(settings, count=1)
    assert page.pause and page.cursor == {}


def test_a_limit_ends_it_and_the_next_run_goes_on_behind(reddit: World, settings: CrawlSettings) -> None:
    text = f"{SOURCE},after={base36(FIRST - 1)},limit=120"
    first = read(settings, text, count=100)
    assert items(first) == names(*range(FIRST, FIRST + 120))
    again = read(settings, text, count=100, cursor=first[-1].cursor)
    assert items(again) == names(*range(FIRST + 120, FIRST + 240))


def test_absent_posts_are_asked_for_again_and_then_let_be() -> None:
    script = Script(seconds=10, per_second=5, late=1, latest=400, absent=0, limits=False)
    with running(script) as (reddit, url), simulated(reddit):
        spec = parse_source(f"{SOURCE},after={base36(FIRST_NUMBER)}")
        source = Firehose(spec, RedditClient(settings_for(url), reddit.now))
        found: list[str] = []
        for page in source.pages(None):
            found += [one.item for one in page.submissions]
            reddit.sleep(page.pause)
            if reddit.now() > sum(DELAYS) + 200:
                break
    assert reddit.truth() == set(found)
    assert len(found) == len(set(found))
    assert len(source._late) == 0


def test_sources_of_equal_credentials_share_a_client(settings: CrawlSettings) -> None:
    assert client_of(settings) is client_of(settings)
    other = settings.model_copy(update={"user_agent": "linux:other:1 (by /u/nobody)"})
    assert client_of(settings) is not client_of(other)


def test_posts_are_asked_for_by_id_a_hundred_at_a_time(reddit: World, settings: CrawlSettings) -> None:
    ids = [base36(number) for number in range(FIRST, NEWEST + 1)]
    found = client_of(settings).posts(["t3_nothere", *ids])
    assert [one["id"] for one in found] == ids
    assert [len(query["id"].split(",")) for _, query in reddit.asked] == [100, 100, 51]


def test_memory_is_bounded_where_nothing_is_found(reddit: World, settings: CrawlSettings) -> None:
    newest = NEWEST + 10_000_000
    reddit.listings["/r/all/new"].insert(0, numbered(newest))
    client = RedditClient(settings, lambda: 1e9 * len(reddit.asked))
    source = Firehose(parse_source(f"{SOURCE},after={base36(NEWEST)}"), client)
    for page in islice(source.pages(None), 400):
        assert len(json.dumps(page.cursor)) < 400
        assert len(source._late) + len(source._holes) < 10_200
