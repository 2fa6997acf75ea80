from __future__ import annotations

import asyncio

import pytest

from actors.crawler.api import UnansweredError
from actors.crawler.settings import CrawlSettings
from actors.crawler.sources.ask import RedditPosts
from tests.actors.sources.reddit_server import World, post


def test_posts_come_by_id_and_those_not_known_are_absent(world: World, settings: CrawlSettings) -> None:
    world.by_id = {"t3_p1": post(1), "t3_p2": post(2), "t3_p3": {"kind": "t3", "data": None}}
    found = asyncio.run(RedditPosts(settings)(["p1", "p2", "p3", "p4"]))
    assert {name: one["url"] for name, one in found.items()} == {
        "p1": "https://i.redd.it/p1.jpg",
        "p2": "https://i.redd.it/p2.jpg",
    }
    assert world.asked[0][1]["id"] == "t3_p1,t3_p2,t3_p3,t3_p4"


def test_what_reddit_refuses_is_unanswered_and_says_what_to_do(world: World, settings: CrawlSettings) -> None:
    world.statuses["/api/info/"] = (403, {})
    with pytest.raises(UnansweredError, match="use one that may see it"):
        asyncio.run(RedditPosts(settings)(["p1"]))
