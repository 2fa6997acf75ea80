from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.crawler.resolvers import Action, crosspost_parent, plan_submission
from actors.crawler.resolvers.plan import Plan
from actors.crawler.settings import Over18
from actors.crawler.sources.post import submission_of
from models.reasons import Reason
from models.records import Candidate, Submission


def plan(post: dict[str, Any], over_18: Over18 = Over18.SKIP) -> Plan:
    return plan_submission(Submission("t3_x", "s", post), over_18)


def candidates(post: dict[str, Any]) -> list[Candidate]:
    return plan(post).candidates("t3_x")


def image(name: str, extension: str = "jpg", **fields: Any) -> dict[str, Any]:
    url = f"https://preview.redd.it/{name}.{extension}?width=1600&amp;s=abc"
    return {
        "status": "valid",
        "e": "Image",
        "m": "image/jpg",
        "id": name,
        "s": {"x": 1600, "y": 1200, "u": url},
    } | fields


def gallery(metadata: dict[str, Any] | None, *names: str, **fields: Any) -> dict[str, Any]:
    items = {"items": [{"media_id": name, "id": place} for place, name in enumerate(names)]}
    url = "https://www.reddit.com/gallery/x"
    return {
        "id": "x",
        "url": url,
        "is_gallery": True,
        "gallery_data": items,
        "media_metadata": metadata,
    } | fields


def test_a_gallery_gives_its_images_in_its_own_order_with_sizes_and_spare_urls() -> None:
    found = candidates(gallery({"aaa": image("aaa"), "bbb": image("bbb", "png")}, "bbb", "aaa"))
    assert [one.key for one in found] == ["t3_x/bbb", "t3_x/aaa"]
    assert found[0].urls == (
        "https://i.redd.it/bbb.png",
        "https://preview.redd.it/bbb.png?width=1600&s=abc",
    )
    assert (found[0].width, found[0].height) == (1600, 1200)


def test_every_gallery_item_has_its_row_and_an_item_listed_twice_has_one() -> None:
    metadata = {
        "good": image("good"),
        "wait": {"status": "unprocessed"},
        "fail": {"status": "failed"},
        "film": {"status": "valid", "e": "RedditVideo", "id": "film"},
        "null": None,
    }
    found = candidates(gallery(metadata, "good", "wait", "fail", "film", "null", "gone", "good"))
    assert {one.media: one.outcome and one.outcome.reason for one in found} == {
        "good": None,
        "wait": Reason.NOT_READY,
        "fail": Reason.API_ERROR,
        "film": Reason.VIDEO,
        "null": Reason.API_ERROR,
        "gone": Reason.API_ERROR,
    }
    assert len(found) == 6
    assert plan(gallery(metadata, "good", "good")).urls == ("https://i.redd.it/good.jpg",)


@pytest.mark.parametrize(
    "post",
    [
        gallery(None, "a"),
        gallery({}, "a"),
        gallery(None, gallery_data=None),
        gallery({}, gallery_data={"items": []}),
        gallery(None, gallery_data={"items": None}),
    ],
)
def test_a_gallery_without_media_is_an_empty_album(post: dict[str, Any]) -> None:
    assert [(one.media, one.outcome and one.outcome.reason) for one in candidates(post)] == [
        ("-", Reason.EMPTY_ALBUM)
    ]


def test_what_is_still_processing_may_be_asked_for_again_and_what_failed_too() -> None:
    metadata = {"good": image("good"), "wait": {"status": "unprocessed"}, "fail": {"status": "failed"}}
    found = {one.media: one.outcome for one in candidates(gallery(metadata, *metadata))}
    assert found["good"] is None
    assert found["wait"] and found["wait"].retry_after == 0, "the settings say how long"
    assert found["fail"] and found["fail"].retry_after == 0
    for status in ("unprocessed", "failed"):
        waiting = plan(gallery({"a": {"status": status}}, "a"))
        assert (waiting.action, waiting.call and waiting.call.id) == (Action.RETRY_LATER, "x")
    final = plan(gallery({"a": {"status": "invalid"}}, "a"))
    assert (final.action, final.reason) == (Action.SKIP, Reason.API_ERROR)


@pytest.mark.parametrize(
    ("size", "first"),
    [
        ({"gif": "https://i.redd.it/a.gif", "mp4": "https://preview.redd.it/a.gif?format=mp4"}, "a.gif"),
        ({"mp4": "https://preview.redd.it/a.gif?format=mp4&amp;s=1"}, "a.gif"),
        ({"mp4": "https://preview.redd.it/a.mp4?s=1"}, None),
        ({"x": 5, "y": 5}, None),
    ],
)
def test_an_animation_is_its_gif_where_there_is_one(size: dict[str, Any], first: str | None) -> None:
    (found,) = candidates(gallery({"a": image("a", e="AnimatedImage", m="image/gif", s=size)}, "a"))
    assert found.urls == ((f"https://i.redd.it/{first}",) if first else ())
    assert first or (found.outcome and found.outcome.reason is Reason.VIDEO)


def test_an_old_gallery_without_its_order_takes_the_metadata_s() -> None:
    post = gallery({"b": image("b"), "a": image("a")})
    del post["gallery_data"]
    assert [one.media for one in candidates(post)] == ["b", "a"]


def test_a_gallery_that_a_dump_lacks_altogether_is_asked_for() -> None:
    post = {"id": "x", "url": "https://www.reddit.com/gallery/x", "is_gallery": True}
    found = plan(post)
    assert (found.action, found.call and found.call.text) == (Action.API, "GET /api/info?id=t3_x")


def test_the_extension_follows_the_preview_not_the_type() -> None:
    (found,) = candidates(gallery({"a": image("a", "jpeg")}, "a"))
    assert found.urls[0] == "https://i.redd.it/a.jpeg"
    untold = {"status": "valid", "e": "Image", "m": "image/png", "s": {"x": 5, "y": 5}}
    assert candidates(gallery({"a": untold}, "a"))[0].urls == ("https://i.redd.it/a.png",)


def test_a_slug_in_a_gallery_s_preview_is_no_part_of_the_name() -> None:
    slug = image("a")
    slug["s"]["u"] = "https://preview.redd.it/some-words-v0-a.webp?s=1"
    assert candidates(gallery({"a": slug}, "a"))[0].urls[0] == "https://i.redd.it/a.webp"


def test_inline_images_are_candidates_and_embeds_of_others_are_none() -> None:
    metadata = {
        "a": image("a"),
        "giphy|x|downsized": {"status": "valid", "e": "AnimatedImage", "s": {"gif": "https://x/y.gif"}},
    }
    post = {
        "id": "x",
        "is_self": True,
        "url": "https://www.reddit.com/r/p/comments/x/t/",
        "media_metadata": metadata,
    }
    assert [one.media for one in candidates(post)] == ["a"]
    post["media_metadata"] = {"giphy|x|downsized": metadata["giphy|x|downsized"]}
    assert plan(post).reason is Reason.SELF_POST


def test_a_text_post_that_does_not_say_so_is_known_by_its_url() -> None:
    assert plan({"id": "x", "url": "https://www.reddit.com/r/p/comments/x/t/"}).reason is Reason.SELF_POST


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"removed_by_category": "moderator"}, Reason.REMOVED),
        ({"selftext": "[removed]"}, Reason.REMOVED),
        ({"title": "[deleted by user]"}, Reason.REMOVED),
        ({"_meta": {"was_deleted_later": True}}, Reason.REMOVED),
        ({"over_18": True}, Reason.OVER_18),
        ({"crosspost_parent_list": [{"id": "p", "over_18": True}]}, Reason.OVER_18),
        ({"crosspost_parent_list": [{"id": "p", "removed_by_category": "reddit"}]}, Reason.REMOVED),
        ({"is_video": True}, Reason.VIDEO),
        ({"post_hint": "hosted:video"}, Reason.VIDEO),
        ({"url": "https://example.com/watch", "post_hint": "rich:video"}, Reason.VIDEO),
        ({"url": ""}, Reason.NOT_AN_IMAGE_LINK),
        ({"url": 7}, Reason.MALFORMED),
    ],
)
def test_what_is_not_to_be_fetched_has_its_reason(fields: dict[str, Any], reason: Reason) -> None:
    post = {"id": "x", "url": "https://i.redd.it/abc.jpg"}
    assert plan(post).action is Action.DOWNLOAD
    assert plan(post | fields).reason is reason


def test_over_18_keeps_or_asks_for_nothing_else() -> None:
    marked = {"id": "x", "url": "https://i.redd.it/abc.jpg", "over_18": True}
    plain = marked | {"over_18": None}
    assert plan(marked, Over18.KEEP).action is plan(plain, Over18.KEEP).action is Action.DOWNLOAD
    assert plan(marked, Over18.ONLY).action is Action.DOWNLOAD
    assert plan(plain, Over18.ONLY).reason is Reason.NOT_OVER_18


def test_a_crosspost_has_its_parent_s_media_under_its_own_key() -> None:
    parent = gallery({"a": image("a")}, "a", id="p", url="https://www.reddit.com/gallery/p")
    child = {
        "id": "x",
        "url": "https://www.reddit.com/gallery/p",
        "crosspost_parent": "t3_p",
        "crosspost_parent_list": [parent],
    }
    assert [one.key for one in candidates(child)] == ["t3_x/a"]
    assert crosspost_parent(child) == "t3_p"
    del child["crosspost_parent"]
    assert crosspost_parent(child) == "t3_p"
    assert crosspost_parent(parent) is None


def test_a_crosspost_that_repeats_the_media_needs_no_more_of_its_parent() -> None:
    parent = {"id": "p", "url": "https://www.reddit.com/gallery/p", "is_gallery": True}
    child = gallery({"a": image("a")}, "a", crosspost_parent_list=[parent])
    assert [one.key for one in candidates(child)] == ["t3_x/a"]


def test_a_crosspost_whose_parent_is_not_shown_asks_for_it() -> None:
    child = {
        "id": "x",
        "url": "https://www.reddit.com/gallery/p",
        "crosspost_parent": "t3_p",
        "crosspost_parent_list": [],
    }
    found = plan(child)
    assert found.call is not None
    assert found.call.id == "p"


def test_reddit_s_own_copy_is_the_last_resort_and_never_a_blurred_one() -> None:
    source = {
        "source": {"url": "https://preview.redd.it/q.jpg?s=1"},
        "variants": {"nsfw": {"source": {"url": "https://blur"}}},
    }
    post = {"id": "x", "url": "https://example.com/a.jpg", "preview": {"images": [source]}}
    assert candidates(post)[0].urls == ("https://example.com/a.jpg", "https://preview.redd.it/q.jpg?s=1")


def test_a_hint_tells_an_image_that_is_not_named_like_one() -> None:
    post = {"id": "x", "url": "https://example.com/show/7", "post_hint": "image"}
    assert plan(post).urls == ("https://example.com/show/7",)


def test_a_media_id_with_a_slash_cannot_break_the_key() -> None:
    (found,) = candidates(gallery({"a/b": {"status": "failed"}}, "a/b"))
    assert found.key == "t3_x/a_b"


WHOLE = gallery({"a": image("a")}, "a") | {
    "crosspost_parent_list": [gallery({"b": image("b")}, "b", id="p")],
    "preview": {"images": [{"source": {"url": "https://preview.redd.it/q.jpg"}}]},
    "over_18": False,
    "is_self": False,
    "selftext_html": "https://i.redd.it/a.jpg",
}
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.sampled_from(["", "valid", "https://i.redd.it/a.jpg", "[", "\udcff"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["items", "a", "s", "u", "id"]), inner, max_size=2)
    ),
    max_leaves=4,
)


def spots(thing: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = thing.items() if isinstance(thing, dict) else enumerate(thing) if isinstance(thing, list) else ()
    return [path, *(spot for key, value in inner for spot in spots(value, (*path, key)))][0 if path else 1 :]


@given(st.sampled_from(spots(WHOLE)), JSON)
def test_no_shape_of_a_post_raises_or_leaves_it_without_a_candidate(
    spot: tuple[Any, ...], value: Any
) -> None:
    post = copy.deepcopy(WHOLE)
    inner = post
    for key in spot[:-1]:
        inner = inner[key]
    inner[spot[-1]] = value
    for variant in (post, {key: value for key, value in post.items() if key != "crosspost_parent_list"}):
        found = candidates(variant)
        assert found
        assert all(text.encode() for one in found for text in (one.key, *one.urls))
        assert len({one.key for one in found}) == len(found)
        assert all((one.outcome is None) == bool(one.urls) for one in found)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["https://redd.it/a", "valid", "https://i.redd.it/a.jpg", "\udcff", "image", "t3_p"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(sorted(WHOLE)) | st.text(max_size=4), inner, max_size=5),
    max_leaves=12,
)  # fmt: skip


@given(ANYTHING)
def test_any_json_value_is_a_post_that_gets_a_candidate(value: Any) -> None:
    submission = submission_of(value, "s")
    for post in (submission.post, value if isinstance(value, dict) else {}):
        for over_18 in Over18:
            assert plan_submission(Submission(submission.item, "s", post), over_18).candidates(
                submission.item
            )
