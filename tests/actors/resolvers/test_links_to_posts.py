"""Links from post to post, as Reddit's ``/api/info`` answers about them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from actors.crawler.api import Posts, UnansweredError
from actors.crawler.resolvers import Resolvers
from actors.crawler.settings import Over18
from models.reasons import Reason
from models.records import Candidate, Submission
from tests.actors.resolvers.hosts import Hosts, KnownPosts, link_post, outcomes, served
from tests.actors.resolvers.test_posts import gallery, image

GALLERY = gallery(
    {"aaa": image("aaa"), "bbb": image("bbb")}, "bbb", "aaa", id="g1", url="https://www.reddit.com/gallery/g1"
)


def asked(
    posts: Posts | None, *submissions: Submission, hosts: Hosts | None = None, **settings: Any
) -> list[list[Candidate]]:
    async def work(resolvers: Resolvers) -> list[list[Candidate]]:
        return list(await asyncio.gather(*map(resolvers.resolve, submissions)))

    return asyncio.run(served(hosts or Hosts({}), work, posts=posts, keys=False, **settings))


def test_a_link_to_a_gallery_gives_its_images_under_the_key_of_the_post_that_links() -> None:
    links = ("https://www.reddit.com/gallery/G1", "https://redd.it/g1", "/r/pics/comments/g1/title/")
    posts = KnownPosts({"g1": GALLERY})
    for found in asked(posts, *(link_post(url, f"x{place}") for place, url in enumerate(links))):
        assert [(one.media, one.urls[0]) for one in found] == [
            ("bbb", "https://i.redd.it/bbb.jpg"),
            ("aaa", "https://i.redd.it/aaa.jpg"),
        ]
        assert found[0].item.startswith("t3_x")
    assert posts.calls == [["g1"]]


def test_the_rules_hold_for_the_post_that_is_linked_to() -> None:
    submission = link_post("https://redd.it/g1")
    for fields, reason in (
        ({"over_18": True}, Reason.OVER_18),
        ({"removed_by_category": "moderator"}, Reason.REMOVED),
        ({"is_video": True}, Reason.VIDEO),
    ):
        (found,) = asked(KnownPosts({"g1": GALLERY | fields}), submission)
        assert outcomes(found) == [("-", reason)]
    (kept,) = asked(KnownPosts({"g1": GALLERY | {"over_18": True}}), submission, over_18=Over18.KEEP)
    assert len(kept) == 2


def test_a_share_link_leads_to_a_post_and_that_to_its_image() -> None:
    hosts = Hosts({"/r/a/s/XyZ": "https://www.reddit.com/r/a/comments/b/title/?share_id=1"})
    posts = KnownPosts({"b": {"id": "b", "url": "https://imgur.com/abcdefg"}})
    (found,) = asked(posts, link_post("https://www.reddit.com/r/a/s/XyZ"), hosts=hosts)
    assert found[0].urls == ("https://i.imgur.com/abcdefg.jpg",)


def test_questions_that_come_together_share_calls_of_a_hundred() -> None:
    posts = KnownPosts({f"p{n}": {"id": f"p{n}", "url": f"https://i.redd.it/p{n}.jpg"} for n in range(250)})
    found = asked(posts, *(link_post(f"https://redd.it/p{n}", f"x{n}") for n in range(250)))
    assert [one.urls for (one,) in found] == [(f"https://i.redd.it/p{n}.jpg",) for n in range(250)]
    assert [len(call) for call in posts.calls] == [100, 100, 50]


def test_posts_that_lead_to_each_other_end() -> None:
    posts = KnownPosts(
        {
            "a": {"id": "a", "url": "https://redd.it/b"},
            "b": {"id": "b", "url": "https://www.reddit.com/comments/a"},
        }
    )
    (found,) = asked(posts, link_post("https://redd.it/b", "a"))
    assert outcomes(found) == [("-", Reason.EMPTY_ALBUM)]
    assert posts.calls == [["b"], ["a"]]


def test_a_gallery_that_a_dump_lacks_is_asked_for_once() -> None:
    bare = {"id": "g1", "url": "https://www.reddit.com/gallery/g1", "is_gallery": True}
    (found,) = asked(KnownPosts({"g1": GALLERY}), Submission("t3_g1", "s", bare))
    assert [one.key for one in found] == ["t3_g1/bbb", "t3_g1/aaa"]
    posts = KnownPosts({"g1": bare})
    (still,) = asked(posts, Submission("t3_g1", "s", bare))
    assert outcomes(still) == [("-", Reason.EMPTY_ALBUM)]
    assert posts.calls == [["g1"]]


def test_a_post_that_is_not_known_and_reddit_without_credentials_have_their_reasons() -> None:
    submission = link_post("https://redd.it/gone")
    assert outcomes(asked(KnownPosts(), submission)[0]) == [("-", Reason.NOT_FOUND)]
    assert outcomes(asked(None, submission)[0]) == [("-", Reason.NEEDS_CREDENTIALS)]


def test_what_reddit_does_not_answer_is_told_once_and_asked_again_later() -> None:
    async def down(ids: Sequence[str]) -> Mapping[str, dict[str, Any]]:
        raise UnansweredError(f"Reddit does not answer about {len(ids)} posts; try again later")

    said: list[str] = []
    found = asked(down, link_post("https://redd.it/a"), link_post("https://redd.it/b", "y"), say=said.append)
    for (one,) in found:
        assert one.outcome is not None
        assert one.outcome.reason is Reason.API_ERROR
        assert one.outcome.retry_after is not None
    assert said == ["Reddit does not answer about 2 posts; try again later"]


def test_the_posts_own_fresh_version_may_still_be_processing() -> None:
    waiting = gallery({"a": {"status": "unprocessed"}}, "a", id="g1", url="https://www.reddit.com/gallery/g1")
    (found,) = asked(KnownPosts({"g1": waiting}), link_post("https://redd.it/g1"))
    assert [(one.key, one.outcome and one.outcome.retry_after) for one in found] == [("t3_x/a", 0.0)]
