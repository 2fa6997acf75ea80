from __future__ import annotations

import time
from typing import Any

import pytest
from pydantic import SecretStr

from actors.crawler.settings import CrawlSettings
from actors.crawler.sources.budget import Budget
from actors.crawler.sources.client import LaterError, RedditClient, RefusedError
from actors.crawler.sources.patience import Patience
from actors.crawler.sources.spec import SourceError
from tests.actors.sources.reddit_server import World, post

PATH, WHAT = "r/EarthPorn/new", "reddit:r/EarthPorn"


def get(client: RedditClient) -> Any:
    return client.get(PATH, {"limit": 1}, WHAT)


def test_it_never_waits_but_says_for_how_long(world: World, settings: CrawlSettings) -> None:
    client = RedditClient(settings)
    world.troubles = [(429, {"Retry-After": "600"})]
    begun = time.monotonic()
    with pytest.raises(LaterError, match="429") as caught:
        get(client)
    assert caught.value.seconds == 600
    # Nor does it ask meanwhile, whoever wants it to.
    with pytest.raises(LaterError) as caught:
        get(client)
    assert (caught.value.why, len(world.asked)) == ("", 1)
    assert caught.value.seconds is not None and 590 < caught.value.seconds <= 600
    assert time.monotonic() - begun < 2


@pytest.mark.parametrize("status", [500, 502, 503, 504, 520, 522, 599, 408])
def test_what_may_pass_is_tried_once_a_call(world: World, settings: CrawlSettings, status: int) -> None:
    client = RedditClient(settings)
    world.troubles = [(status, {})]
    with pytest.raises(LaterError, match=str(status)) as caught:
        get(client)
    assert caught.value.seconds is None
    assert get(client)["data"]["children"] == []


@pytest.mark.parametrize("said", ["soon", "nan", f"Mon, 12 Jan {'9' * 20} 00:00:00 GMT"])
def test_a_wait_that_cannot_be_read_is_none(world: World, settings: CrawlSettings, said: str) -> None:
    world.troubles = [(503, {"Retry-After": said})]
    with pytest.raises(LaterError, match="503") as caught:
        get(RedditClient(settings))
    assert caught.value.seconds is None


def test_a_reddit_that_is_not_there_may_come_back(settings: CrawlSettings) -> None:
    access = settings.reddit.model_copy(update={"reddit_url": "http://127.0.0.1:9"})
    with pytest.raises(LaterError, match="ConnectionError"):
        get(RedditClient(settings.model_copy(update={"reddit": access})))


def test_an_answer_that_is_no_listing_may_pass(world: World, settings: CrawlSettings) -> None:
    world.statuses["/r/EarthPorn/new"] = (200, {})
    with pytest.raises(LaterError, match="no listing"):
        RedditClient(settings).listing(PATH, {"limit": 1}, WHAT)


def test_limits_of_reddit_are_kept_without_a_sleep(world: World, settings: CrawlSettings) -> None:
    client = RedditClient(settings)
    spent = {"x-ratelimit-remaining": "0.0", "x-ratelimit-used": "1000", "x-ratelimit-reset": "300"}
    world.statuses["/r/EarthPorn/new"] = (200, spent)
    get(client)
    with pytest.raises(LaterError) as caught:
        get(client)
    assert caught.value.seconds is not None and 295 < caught.value.seconds <= 300


@pytest.mark.parametrize(
    "headers",
    [
        {"x-ratelimit-remaining": "5"},
        {"x-ratelimit-remaining": "many", "x-ratelimit-used": "1", "x-ratelimit-reset": "9"},
        {"x-ratelimit-remaining": "inf", "x-ratelimit-used": "1", "x-ratelimit-reset": "9"},
    ],
)
def test_limits_that_cannot_be_read_do_no_harm(
    world: World, settings: CrawlSettings, headers: dict[str, str]
) -> None:
    world.statuses["/r/EarthPorn/new"] = (200, headers)
    client = RedditClient(settings)
    assert [get(client)["message"] for _ in range(3)] == ["no"] * 3


def test_without_headers_a_hundred_a_minute_are_asked() -> None:
    now = 1000.0
    budget = Budget(lambda: now)
    asked = 0
    while now < 1600:
        if budget.wait() == 0:
            budget.spend()
            asked += 1
        else:
            now += budget.wait()
    assert 1000 <= asked <= 1031


def test_a_check_waits_a_little_for_a_reddit_that_is_silent(world: World, settings: CrawlSettings) -> None:
    world.listings["/r/EarthPorn/new"] = [post(1)]
    world.troubles = [(503, {})]
    RedditClient(settings).check(PATH, {"limit": 1}, WHAT)
    assert len(world.asked) == 2
    world.statuses["/r/EarthPorn/new"] = (503, {})
    with pytest.raises(SourceError, match=r"does not answer \(status 503\); try again later"):
        RedditClient(settings).check(PATH, {"limit": 1}, WHAT)
    assert len(world.asked) == 5


def test_a_check_waits_for_its_turn(world: World, settings: CrawlSettings) -> None:
    client = RedditClient(settings)
    world.statuses["/r/EarthPorn/new"] = (429, {"Retry-After": "0.5"})
    client.check(PATH, {"limit": 1}, WHAT)
    world.statuses["/r/EarthPorn/new"] = (404, {})
    with pytest.raises(RefusedError):
        client.check(PATH, {"limit": 1}, WHAT)


def test_a_check_is_content_with_a_reddit_that_says_when_to_come_back(
    world: World, settings: CrawlSettings
) -> None:
    world.troubles = [(429, {"Retry-After": "600"})]
    RedditClient(settings).check(PATH, {"limit": 1}, WHAT)


def test_an_installed_app_has_no_secret(world: World, settings: CrawlSettings) -> None:
    world.listings["/r/EarthPorn/new"] = [post(1)]
    access = settings.reddit.model_copy(update={"client_secret": SecretStr("")})
    client = RedditClient(settings.model_copy(update={"reddit": access}))
    assert len(client.listing(PATH, {"limit": 1}, WHAT)["children"]) == 1
    assert world.grants == ["https://oauth.reddit.com/grants/installed_client"]


@pytest.mark.parametrize(("tries", "longest"), [(20, 120), (None, 30)])
def test_patience_notes_an_outage_once_and_waits_longer_each_time(tries: int | None, longest: float) -> None:
    patience = Patience("reddit:r/x", tries)
    failures = iter([True] * 12)

    def question() -> str:
        if next(failures, False):
            raise LaterError("status 503")
        return "answer"

    pages = []
    asking = patience.ask(question, {"here": 1})
    answer = None
    while answer is None:
        try:
            pages.append(next(asking))
        except StopIteration as stop:
            answer = stop.value
    assert answer == "answer" and len(pages) == 12
    assert all(page.cursor == {"here": 1} and not page.submissions for page in pages)
    assert [note for page in pages for note in page.notes] == [
        "reddit:r/x: Reddit does not answer (status 503); it will be asked again"
    ]
    assert pages[0].pause <= 1 and longest / 2 <= pages[-1].pause <= longest


def test_what_is_refused_is_not_asked_for_again() -> None:
    def refused() -> None:
        raise RefusedError("no")

    with pytest.raises(RefusedError):
        next(Patience("x", None).ask(refused, {}))
