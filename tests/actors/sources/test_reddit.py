from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from actors.crawler.settings import CrawlSettings
from actors.crawler.sources import Page, SourceError, open_source, parse_source
from models.records import Submission
from tests.actors.sources.reddit_server import World, post

PATH = "/r/EarthPorn/new"
NEW = "reddit:r/EarthPorn,sort=new"


def pages(settings: CrawlSettings, text: str = NEW) -> Iterator[Page]:
    """Read as goldpan does: what has to be waited for is asked for after the pause."""
    for page in open_source(parse_source(text), settings).pages(None):
        time.sleep(page.pause)
        yield page


def read(settings: CrawlSettings, text: str = NEW) -> list[Submission]:
    return [submission for page in pages(settings, text) for submission in page.submissions]


def test_a_listing_is_read_page_by_page_to_its_end(world: World, settings: CrawlSettings) -> None:
    world.listings[PATH] = [post(number) for number in range(250)]
    found = read(settings)
    assert [one.item for one in found] == [f"t3_p{number}" for number in range(250)]
    assert [query["limit"] for _, query in world.asked] == ["100"] * 3
    assert all(query["raw_json"] == "1" for _, query in world.asked)


def test_a_post_becomes_a_submission_with_what_resolvers_read(world: World, settings: CrawlSettings) -> None:
    world.listings[PATH] = [post(7)]
    (one,) = read(settings)
    assert one == Submission(
        item="t3_p7",
        source=NEW,
        post=one.post,
        subreddit="EarthPorn",
        author="someone",
        title="Title 7",
        permalink="https://www.reddit.com/r/EarthPorn/comments/p7/title/",
        created=1_700_000_007.0,
        over_18=False,
        reddit_score=7,
    )
    assert one.post["url"] == "https://i.redd.it/p7.jpg"
    assert "selftext_html" not in one.post


def test_posts_that_move_to_the_next_page_come_once(world: World, settings: CrawlSettings) -> None:
    world.listings[PATH] = [post(number) for number in range(120)]
    world.listings[PATH].insert(110, post(5))
    items = [one.item for one in read(settings)]
    assert len(items) == len(set(items)) == 120


def test_an_anchor_that_comes_back_does_not_lead_round(world: World, settings: CrawlSettings) -> None:
    world.listings[PATH] = [post(number) for number in range(300)]
    # The anchor of the second page is that of the first again, further down.
    world.listings[PATH][199] = post(99)
    assert len(read(settings)) == 299


def test_an_anchor_that_is_deleted_does_not_end_the_listing(world: World, settings: CrawlSettings) -> None:
    world.listings[PATH] = [post(number) for number in range(300)]

    def delete_anchors(world: World) -> None:
        if len(world.asked) == 1:
            del world.listings[PATH][70:100]

    world.between_pages = delete_anchors
    assert [one.item for one in read(settings)] == [f"t3_p{number}" for number in range(300)]


def test_a_listing_that_is_deleted_meanwhile_is_noted(world: World, settings: CrawlSettings) -> None:
    world.listings[PATH] = [post(number) for number in range(300)]
    world.between_pages = lambda world: world.listings[PATH].clear()
    found = list(pages(settings))
    assert sum(len(page.submissions) for page in found) == 100
    assert found[-1].notes == (f"{NEW}: r/EarthPorn/new broke off after 100 posts",)


def test_limit_holds_over_pages_and_a_restart_begins_anew(world: World, settings: CrawlSettings) -> None:
    world.listings[PATH] = [post(number) for number in range(300)]
    found = list(pages(settings, f"{NEW},limit=130"))
    assert [len(page.submissions) for page in found] == [100, 30]
    assert [page.cursor for page in found] == [{}, {}]


def test_without_a_sort_all_listings_are_united(world: World, settings: CrawlSettings) -> None:
    everything = "reddit:r/EarthPorn"
    for place, path in enumerate(["new", "hot", "rising", "top", "controversial"]):
        world.listings[f"/r/EarthPorn/{path}"] = [post(number) for number in range(place * 2, place * 2 + 3)]
    assert [one.item for one in read(settings, everything)] == [f"t3_p{number}" for number in range(11)]
    asked = [path.rpartition("/")[2] + query.get("t", "") for path, query in world.asked]
    times = ["hour", "day", "week", "month", "year", "all"]
    assert asked == [
        *("new", "hot", "rising"),
        *(f"top{time}" for time in times),
        *(f"controversial{time}" for time in times),
    ]
    assert [one.item for one in read(settings, f"{everything},limit=5")] == [
        f"t3_p{number}" for number in range(5)
    ]


def test_a_user_has_no_rising_and_what_is_refused_but_new_is_left_out(
    world: World, settings: CrawlSettings
) -> None:
    world.listings["/user/x/submitted"] = [post(1)]
    assert len(read(settings, "reddit:u/x")) == 1
    assert [query["sort"] for _, query in world.asked][:3] == ["new", "hot", "top"]
    assert len(world.asked) == 14
    world.listings[PATH] = [post(1)]
    world.statuses["/r/EarthPorn/hot"] = (404, {})
    world.listings["/r/EarthPorn/rising"] = [post(2)]
    found = list(pages(settings, "reddit:r/EarthPorn"))
    assert [one.item for page in found for one in page.submissions] == ["t3_p1", "t3_p2"]
    (note,) = (note for page in found for note in page.notes)
    assert "no such subreddit" in note and "r/EarthPorn/hot" in note


def test_sort_time_several_subreddits_and_users_are_asked_for(world: World, settings: CrawlSettings) -> None:
    for text in (
        "reddit:r/A+B,sort=top,time=year",
        "reddit:u/some-one,sort=hot",
        "reddit:u/x/m/many,time=all",
    ):
        read(settings, text)
    (path_a, query_a), (path_b, query_b), (path_c, query_c) = world.asked
    assert (path_a, query_a["t"]) == ("/r/A+B/top", "year")
    assert (path_b, query_b["sort"]) == ("/user/some-one/submitted", "hot")
    assert (path_c, query_c["t"]) == ("/user/x/m/many/top", "all")


def test_children_that_cannot_be_read_stay_submissions(world: World, settings: CrawlSettings) -> None:
    strange = [
        post(1, author=None, title="\ud800", media_metadata=None),
        None,
        5,
        {"kind": "t3", "data": None},
        {"kind": "t3"},
    ]
    world.listings[PATH] = [
        *strange,
        {"kind": "t3", "data": {"title": "no id"}},
        {"kind": "t1", "data": {}},
        post(2),
    ]
    found = read(settings)
    assert [one.item for one in found if one.post] == ["t3_p1", "t3_p2"]
    assert (found[0].author, found[0].title) == (None, "\\ud800")
    # null, a number, a post without a dict (twice the same: one), a post without an id; a comment is no submission
    assert len([one for one in found if not one.post]) == 3
    assert [one.item for one in read(settings)] == [one.item for one in found]


def test_429_is_waited_for_in_both_forms_and_500_is_tried_again(
    world: World, settings: CrawlSettings
) -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=1), usegmt=True)
    world.listings[PATH] = [post(1)]
    world.troubles = [(429, {"Retry-After": "0.1"}), (429, {"Retry-After": soon}), (500, {})]
    found = list(pages(settings))
    assert [one.item for page in found for one in page.submissions] == ["t3_p1"]
    assert len(world.asked) == 4
    assert len([note for page in found for note in page.notes]) == 1


def test_what_does_not_pass_ends_a_listing(world: World, settings: CrawlSettings) -> None:
    world.statuses[PATH] = (503, {})
    with pytest.raises(SourceError, match=r"does not answer \(status 503\); try again later"):
        for _ in open_source(parse_source(NEW), settings).pages(None):
            pass  # without its pauses, which take minutes
    assert len(world.asked) == 10


@pytest.mark.parametrize(
    ("status", "headers", "way_out"),
    [
        (403, {}, "private"),
        (404, {}, "no such subreddit"),
        (302, {"Location": "/subreddits/search"}, "no such subreddit"),
        (451, {}, "private"),
        (400, {}, "cannot be used"),
        (401, {"www-authenticate": 'Bearer realm="reddit", error="invalid_token"'}, "praw_client_id"),
    ],
)
def test_a_place_that_is_not_to_be_seen_says_what_to_do(
    world: World, settings: CrawlSettings, status: int, headers: dict[str, str], way_out: str
) -> None:
    world.statuses[PATH] = (status, headers)
    with pytest.raises(SourceError, match=way_out) as caught:
        open_source(parse_source("reddit:r/EarthPorn"), settings).check()
    assert "hush" not in str(caught.value)


def test_refused_credentials_say_what_to_do(world: World, settings: CrawlSettings) -> None:
    world.accepts = False
    with pytest.raises(SourceError, match="does not accept the credentials"):
        open_source(parse_source("reddit:r/EarthPorn"), settings).check()


def test_check_costs_one_post(world: World, settings: CrawlSettings) -> None:
    world.listings[PATH] = [post(1)]
    open_source(parse_source("reddit:r/EarthPorn"), settings).check()
    assert [query["limit"] for _, query in world.asked] == ["1"]


def test_missing_credentials_name_where_they_belong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("praw_client_id", raising=False)
    with pytest.raises(SourceError, match=r"praw_client_id.*praw\.ini"):
        open_source(parse_source("reddit:r/EarthPorn"), CrawlSettings())
