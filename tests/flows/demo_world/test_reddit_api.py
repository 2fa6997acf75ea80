from __future__ import annotations

import itertools
from typing import Any

import praw
import prawcore
import pytest
import requests

from flows.demo.posts import unprocessed
from flows.demo.reddit_api import escaped
from flows.demo.server import CLIENT_ID, CLIENT_SECRET, DemoServer
from flows.demo.truth import Truth
from flows.demo.world import World


def reddit(server: DemoServer, secret: str = CLIENT_SECRET) -> praw.Reddit:
    return praw.Reddit(
        client_id=CLIENT_ID,
        client_secret=secret,
        user_agent="linux:goldpan-tests:1 (by /u/nobody)",
        reddit_url=server.url,
        oauth_url=server.url,
        short_url=server.url,
        check_for_updates=False,
        check_for_async=False,
    )


@pytest.fixture(scope="module")
def session(server: DemoServer) -> praw.Reddit:
    return reddit(server)


def pages(session: praw.Reddit, path: str, **params: Any) -> list[list[dict[str, Any]]]:
    found = []
    after = None
    for _ in itertools.count():
        asked = params | ({"after": after} if after else {})
        data = session.request(method="GET", path=path, params=asked)["data"]
        found.append([child["data"] for child in data["children"]])
        after = data["after"]
        if after is None:
            return found
    raise AssertionError


def test_lists_every_post_in_pages(world: World, session: praw.Reddit) -> None:
    found = pages(session, "r/all/new", limit=20, raw_json=1)
    assert [len(page) for page in found[:-1]] == [20] * (len(found) - 1)
    assert [post for page in found for post in page] == [unprocessed(post) for post in world.posts]


def test_the_last_page_may_be_full(world: World, session: praw.Reddit) -> None:
    found = pages(session, "r/all/new", limit=len(world.posts), raw_json=1)
    assert [len(page) for page in found] == [len(world.posts)]


def test_lists_some_subreddits(world: World, session: praw.Reddit) -> None:
    names = sorted({post["subreddit"] for post in world.posts})[:2]
    (found,) = pages(session, f"r/{'+'.join(names)}/top", limit=100)
    assert {post["subreddit"] for post in found} == set(names)
    assert [post["score"] for post in found] == sorted((post["score"] for post in found), reverse=True)


def test_praw_makes_submissions_of_them(world: World, session: praw.Reddit) -> None:
    with_author = [post["id"] for post in world.posts if post["author"]]
    found = [submission.id for submission in session.info(fullnames=[f"t3_{name}" for name in with_author])]
    assert found == with_author


def test_goes_backwards_too(world: World, session: praw.Reddit) -> None:
    third = world.posts[2]["name"]
    data = session.request(method="GET", path="r/all/new", params={"before": third, "limit": 100})["data"]
    assert [child["data"]["name"] for child in data["children"]] == [post["name"] for post in world.posts[:2]]


def test_after_an_unknown_post_there_is_nothing(session: praw.Reddit) -> None:
    data = session.request(method="GET", path="r/all/new", params={"after": "t3_0"})["data"]
    assert (data["children"], data["after"]) == ([], None)


def test_info_leaves_out_what_it_does_not_know(world: World, session: praw.Reddit) -> None:
    known = world.posts[3]["name"]
    data = session.request(method="GET", path="api/info", params={"id": f"t3_0,{known}", "raw_json": 1})[
        "data"
    ]
    assert [child["data"] for child in data["children"]] == [world.posts[3]]


def get(server: DemoServer, path: str, **params: Any) -> requests.Response:
    """Ask without PRAW, which always asks for raw JSON."""
    grant = {"grant_type": "client_credentials"}
    url = f"{server.url}/api/v1/access_token"
    token = requests.post(url, grant, auth=(CLIENT_ID, CLIENT_SECRET), timeout=30).json()["access_token"]
    headers = {"Authorization": f"bearer {token}"}
    return requests.get(f"{server.url}/{path}", params, headers=headers, timeout=30)


def test_escapes_unless_asked_not_to(world: World, server: DemoServer) -> None:
    raw, plain = (get(server, "r/all/new", limit=100, raw_json=flag).json() for flag in (1, 0))
    assert [child["data"] for child in raw["data"]["children"]] == [unprocessed(post) for post in world.posts]
    assert plain == escaped(raw) != raw
    assert "&amp;" in str(plain)


def test_an_unknown_subreddit_is_not_found(session: praw.Reddit) -> None:
    with pytest.raises(prawcore.exceptions.NotFound):
        session.request(method="GET", path="r/nobodyhere/new")


def test_wrong_credentials_are_refused(server: DemoServer) -> None:
    with pytest.raises(prawcore.exceptions.ResponseException, match="401"):
        reddit(server, "wrong").request(method="GET", path="r/all/new")


def test_without_a_token_there_is_a_challenge(server: DemoServer) -> None:
    response = requests.get(f"{server.url}/r/all/new", timeout=30)
    assert response.status_code == 401
    assert 'error="invalid_token"' in response.headers["www-authenticate"]


def test_limits_come_all_three_and_make_nobody_wait(server: DemoServer) -> None:
    headers = get(server, "r/all/new", limit=1).headers
    limits = {
        name.lower(): value for name, value in headers.items() if name.lower().startswith("x-ratelimit")
    }
    assert set(limits) == {"x-ratelimit-used", "x-ratelimit-remaining", "x-ratelimit-reset"}
    assert int(limits["x-ratelimit-used"]) and int(limits["x-ratelimit-reset"])
    assert float(limits["x-ratelimit-remaining"]) > 0


def test_the_truth_can_be_asked(world: World, server: DemoServer) -> None:
    document = requests.get(f"{server.url}/demo/truth", timeout=30).json()
    assert Truth.from_json(document) == world.truth


def test_a_new_gallery_is_processed_when_it_is_asked_about(world: World, session: praw.Reddit) -> None:
    raw = [post for page in pages(session, "r/all/new", limit=100, raw_json=1) for post in page]
    waiting = {
        post["name"]: {name for name, entry in media.items() if entry == {"status": "unprocessed"}}
        for post in raw
        if (media := post.get("media_metadata"))
    }
    ids = ",".join(name for name, unready in waiting.items() if unready)
    asked = session.request(method="GET", path="api/info", params={"id": ids, "raw_json": 1})["data"][
        "children"
    ]
    ripe = [
        entry["status"]
        for child in asked
        for name, entry in child["data"]["media_metadata"].items()
        if name in waiting[child["data"]["name"]]
    ]
    assert set(ripe) == {"valid", "unprocessed"}, "some come ready, and some never do"
