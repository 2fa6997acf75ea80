"""What is off unless a setting says otherwise: the links in texts, and links that are not named like images."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import web

from actors.crawler.resolvers import Action, Resolvers
from actors.crawler.resolvers.options import chosen
from actors.crawler.resolvers.sites import plan_submission
from actors.crawler.settings import CrawlSettings, Over18
from actors.crawler.sources.post import submission_of
from models.reasons import Reason
from models.records import Candidate, Submission
from tests.actors.resolvers.hosts import Hosts, KnownPosts, outcomes, resolved, served
from tests.actors.resolvers.test_online import imgur_image

ALBUM = {"data": {"images": [imgur_image("aaaaa"), imgur_image("bbbbb")]}, "success": True}


def text_post(text: str, **fields: Any) -> Submission:
    permalink = "https://www.reddit.com/r/x/comments/t/title/"
    return submission_of({"id": "t", "is_self": True, "url": permalink, "selftext": text} | fields, "s")


def followed(
    submission: Submission, hosts: Hosts | None = None, posts: KnownPosts | None = None, *, on: bool = True
) -> list[Candidate]:
    async def work(resolvers: Resolvers) -> list[Candidate]:
        return await resolvers.resolve(submission)

    return asyncio.run(served(hosts or Hosts({}), work, posts=posts, selftext_links=on))


TEXT = r"""One https://i.redd.it/a\_b.png, [an album](https://imgur.com/a/abcde) and **HTTPS://example.com/c.jpg**.
Again https://i.redd.it/a\_b.png! A page: https://example.com/page.html. A film: https://v.redd.it/x"""


def test_links_in_a_text_are_an_option_that_asks_nothing() -> None:
    hosts = Hosts({"/3/album/abcde": ALBUM})
    assert outcomes(followed(text_post(TEXT), hosts, on=False)) == [("-", Reason.SELF_POST)]
    assert hosts.asked == []
    plan = plan_submission(text_post(TEXT), Over18.SKIP)
    assert plan.action is Action.OPTION
    assert plan.urls == ("https://i.redd.it/a_b.png", "https://example.com/c.jpg")


def test_with_the_setting_the_links_in_a_text_are_candidates_by_their_place() -> None:
    found = followed(text_post(TEXT), Hosts({"/3/album/abcde": ALBUM}))
    assert [(one.key, one.urls[0]) for one in found] == [
        ("t3_t/0", "https://i.redd.it/a_b.png"),
        ("t3_t/1-aaaaa", "https://i.imgur.com/aaaaa.png"),
        ("t3_t/1-bbbbb", "https://i.imgur.com/bbbbb.png"),
        ("t3_t/2", "https://example.com/c.jpg"),
    ]


def test_an_album_in_a_text_that_cannot_be_had_keeps_its_row() -> None:
    found = followed(text_post("https://imgur.com/a/abcde https://i.redd.it/b.png"))
    assert outcomes(found) == [("0", Reason.NOT_FOUND), ("1", None)]


def test_what_goldpan_resolve_shows_without_a_request_follows_the_setting() -> None:
    on = CrawlSettings(selftext_links=True)
    direct = chosen(
        plan_submission(text_post("https://i.redd.it/a.png https://i.redd.it/b.png"), Over18.SKIP), on
    )
    assert (direct.action, len(direct.urls)) == (Action.DOWNLOAD, 2)
    mixed = chosen(plan_submission(text_post(TEXT), Over18.SKIP), on)
    assert (mixed.action, mixed.call and mixed.call.id) == (Action.API, "abcde")


def test_the_html_of_a_text_wins_and_its_links_are_unescaped() -> None:
    html = '&lt;a href="https://preview.redd.it/a.jpg?width=1&amp;amp;s=2"&gt;x&lt;/a&gt;'
    (found,) = followed(text_post("x", selftext_html=html))
    assert found.urls == ("https://i.redd.it/a.jpg", "https://preview.redd.it/a.jpg?width=1&s=2")


def test_texts_behind_links_are_not_followed_further() -> None:
    inner = {
        "id": "in",
        "is_self": True,
        "url": "https://www.reddit.com/r/x/comments/in/t/",
        "selftext": "https://i.redd.it/z.png",
    }
    posts = KnownPosts({"in": inner})
    found = followed(text_post("https://redd.it/in https://i.redd.it/b.png"), posts=posts)
    assert outcomes(found) == [("0", Reason.SELF_POST), ("1", None)]


def typed(kind: str | None, status: int = 200) -> Hosts:
    headers = {"Content-Type": kind} if kind else {}
    return Hosts({"/show/7": web.Response(status=status, headers=headers)})


@pytest.mark.parametrize(
    ("hosts", "reason"),
    [
        (typed("image/jpeg"), None),
        (typed("image/webp; q=1"), None),
        (typed("image/svg+xml"), Reason.NOT_AN_IMAGE_LINK),
        (typed("text/html; charset=utf-8"), Reason.NOT_AN_IMAGE_LINK),
        (typed("video/mp4"), Reason.VIDEO),
        (typed(None), Reason.NOT_AN_IMAGE_LINK),
        (typed("image/png", 404), Reason.NOT_FOUND),
        (Hosts({"/show/7": "https://i.redd.it/a.png"}), None),
        (Hosts({"/show/7": "https://example.com/show/7"}), Reason.NOT_AN_IMAGE_LINK),
    ],
)
def test_a_link_that_no_name_tells_is_judged_by_its_type(hosts: Hosts, reason: Reason | None) -> None:
    (found,) = resolved(hosts, "https://example.com/show/7", probe_links=True)
    assert (found.outcome and found.outcome.reason) == reason
    assert {request.method for request in hosts.asked} == {"HEAD"}


def test_types_are_not_asked_for_without_the_setting_nor_where_a_page_is_known() -> None:
    hosts = typed("image/jpeg")
    assert outcomes(resolved(hosts, "https://example.com/show/7")) == [("-", Reason.NOT_AN_IMAGE_LINK)]
    assert outcomes(resolved(hosts, "https://example.com/a.html", probe_links=True)) == [
        ("-", Reason.NOT_AN_IMAGE_LINK)
    ]
    plan = plan_submission(
        Submission("t3_x", "s", {"id": "x", "url": "https://example.com/show/7", "post_hint": "link"}),
        Over18.SKIP,
    )
    assert chosen(plan, CrawlSettings(probe_links=True)).action is Action.SKIP
    assert hosts.asked == []
