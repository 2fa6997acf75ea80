"""What imgur's and flickr's answers come to, whatever form a host gives them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.crawler.resolvers.flickr import ALBUM, FlickrResolver
from actors.crawler.resolvers.imgur import ImgurResolver
from actors.crawler.resolvers.plan import Action, Call, Plan
from actors.crawler.resolvers.response import read_response
from actors.crawler.settings import CrawlSettings
from models.reasons import Reason

LINK = "https://i.imgur.com/abcdefg.jpg"


def imgur(body: Any) -> Plan:
    return ImgurResolver().read(None, body)


def flickr(body: Any, call: Call | None = None) -> Plan:
    return FlickrResolver().read(call, body)


@pytest.mark.parametrize(
    "body",
    [
        {"data": {"id": "abcdefg", "type": "image/jpeg", "animated": False, "link": LINK}, "success": True},
        {"data": {"id": "abcdefg", "is_album": False, "type": "image/gif", "animated": False, "link": LINK}},
        {"data": {"id": "abcdefg"}},
        {"data": {"images": [{"id": "abcdefg", "link": LINK}]}, "success": True, "status": 200},
        {"data": [{"id": "abcdefg", "link": LINK}], "success": True, "status": 200},
        # The site's own API, post/v1.
        {"id": "abcdefg", "is_album": False, "media": [{"id": "abcdefg", "type": "image", "url": LINK}]},
        {"id": "xyzab", "is_album": True, "media": [{"mime_type": "image/jpeg", "url": LINK}]},
    ],
)
def test_an_imgur_answer_with_one_image_gives_it(body: Any) -> None:
    plan = imgur(body)
    assert (plan.action, plan.urls) == (Action.DOWNLOAD, (LINK,))


@pytest.mark.parametrize(
    ("image", "kept"),
    [
        ({"type": "image/gif", "animated": True, "link": "https://i.imgur.com/abcdefgh.gif"}, False),
        ({"type": "video/mp4", "animated": True, "link": "https://i.imgur.com/abcdefg.mp4"}, False),
        ({"link": "https://i.imgur.com/abcdefg.gifv"}, False),
        ({"type": "video", "mime_type": "video/mp4", "url": "https://i.imgur.com/abcdefg.mp4"}, False),
        ({"mime_type": "image/gif", "metadata": {"is_animated": True}, "url": LINK}, False),
        ({"type": "image/png", "animated": True, "link": "https://i.imgur.com/abcdefg.png"}, True),
    ],
)
def test_what_imgur_delivers_as_a_video_is_left_out(image: dict[str, Any], kept: bool) -> None:
    plan = imgur({"data": image})
    assert plan.action is (Action.DOWNLOAD if kept else Action.SKIP)
    assert kept or plan.reason is Reason.VIDEO


@pytest.mark.parametrize(
    ("body", "action", "reason", "seconds"),
    [
        ({"data": {"error": "Imgur is temporarily over capacity."}, "status": 500}, "retry_later", "rate_limited", 600),
        ({"errors": [{"code": "403", "detail": "over capacity"}]}, "retry_later", "rate_limited", 600),
        ("<html>Imgur is over capacity!</html>", "retry_later", "rate_limited", 600),
        ({"data": {"error": "User request over the limit"}, "status": 429}, "retry_later", "rate_limited", 3600),
        ({"success": False, "status": 429}, "retry_later", "rate_limited", 3600),
        ({"data": None, "status": 429}, "retry_later", "rate_limited", 3600),
        ({"data": {"error": {"code": 503, "message": "x"}}, "status": 503}, "retry_later", "server_error", 600),
        ({"data": {"error": "Invalid client_id"}, "success": False, "status": 403}, "fatal", "needs_credentials", None),
        ({"data": {"error": "Malformed auth header."}, "status": 403}, "fatal", "needs_credentials", None),
        ({"data": {"error": "Invalid access token"}, "status": 403}, "fatal", "needs_credentials", None),
        ({"data": {"error": "Authentication required"}, "status": 401}, "fatal", "needs_credentials", None),
        ({"errors": [{"code": "401", "status": "Unauthorized"}]}, "fatal", "needs_credentials", None),
        ({"data": {"error": "Unable to find an image with the id, x"}, "status": 404}, "skip", "not_found", None),
        ({"data": {"error": "Unable to find an album with the id"}}, "skip", "not_found", None),
        ({"errors": [{"id": "x", "code": "404", "status": "Not Found"}]}, "skip", "not_found", None),
        ({"data": {"error": "You can't see this"}, "success": False, "status": 403}, "skip", "forbidden", None),
        ({"data": {"error": "Bad Request"}, "success": False, "status": 400}, "skip", "api_error", None),
        ({"success": False}, "skip", "api_error", None),
        ({"data": {"images": []}, "success": True}, "skip", "empty_album", None),
        ({"id": "pjOnJA0", "is_album": True, "image_count": 0}, "skip", "empty_album", None),
        (None, "skip", "api_error", None),
        ("<html></html>", "skip", "api_error", None),
        ({}, "skip", "api_error", None),
        ({"data": []}, "skip", "empty_album", None),
    ],
)  # fmt: skip
def test_an_imgur_answer_without_an_image_says_what_to_do(
    body: Any, action: str, reason: str, seconds: float | None
) -> None:
    plan = imgur(body)
    assert (plan.action, plan.reason, plan.seconds) == (action, reason, seconds)


def test_an_album_that_is_only_counted_is_asked_for() -> None:
    plan = imgur({"data": {"id": "abcde", "is_album": True, "images_count": 3}})
    assert (plan.action, plan.call and plan.call.text) == (
        Action.API,
        "GET https://api.imgur.com/3/album/abcde",
    )


def size(label: str, width: Any, height: Any, media: str = "photo") -> dict[str, Any]:
    source = f"https://live.staticflickr.com/1/{label}.jpg"
    return {"label": label, "width": width, "height": height, "source": source, "media": media}


def sizes(*offers: dict[str, Any]) -> dict[str, Any]:
    return {"sizes": {"candownload": 0, "size": list(offers)}, "stat": "ok"}


@pytest.mark.parametrize(
    ("offers", "best", "locked"),
    [
        ((size("Original", "4000", "3000"), size("Large", 1024, "768")), "Original", False),
        ((size("Medium", 500, 375), size("Large", 1024, 768)), "Large", True),
        ((size("Large", 768, 1024),), "Large", True),
        ((size("Large", 1024, 768), size("Large 1600", 1600, 1200)), "Large 1600", False),
        ((size("Large", 1024, 768), size("Original", 1024, 768)), "Original", False),
        ((size("Medium 800", 800, 600),), "Medium 800", False),
        ((size("Square", None, "x"),), "Square", False),
    ],
)
def test_flickr_s_largest_size_is_taken_and_a_locked_original_noted(
    offers: tuple[dict[str, Any], ...], best: str, locked: bool
) -> None:
    plan = flickr(sizes(*offers))
    (part,) = plan.parts
    assert plan.urls == (f"https://live.staticflickr.com/1/{best}.jpg",)
    assert part.locked is locked


@pytest.mark.parametrize(
    ("code", "action", "reason"),
    [
        (1, "skip", "not_found"),
        ("2", "skip", "forbidden"),
        (98, "skip", "forbidden"),
        (99, "skip", "forbidden"),
        (100, "fatal", "needs_credentials"),
        (105, "retry_later", "server_error"),
        (106, "retry_later", "server_error"),
        (0, "retry_later", "server_error"),
        (111, "skip", "api_error"),
        (112, "skip", "api_error"),
        (116, "skip", "api_error"),
        (None, "skip", "api_error"),
    ],
)
def test_flickr_s_codes_say_what_to_do(code: Any, action: str, reason: str) -> None:
    plan = flickr({"stat": "fail", "code": code, "message": "m"})
    assert (plan.action, plan.reason) == (action, reason)


def test_an_album_s_photos_without_urls_are_asked_for_by_their_secret() -> None:
    photo = {"id": "2484", "secret": "123456", "server": "1", "farm": 1, "title": "t", "isprimary": "0"}
    body = {"photoset": {"id": "4", "photo": [photo, {"id": "5"}], "pages": 1}, "stat": "ok"}
    first, second = flickr(body, Call(ALBUM, "4", "")).parts
    assert first.urls == (
        "https://live.staticflickr.com/1/2484_123456_b.jpg",
        "https://live.staticflickr.com/1/2484_123456.jpg",
    )
    assert second.reason is Reason.API_ERROR


def test_a_gallery_s_photos_come_in_order_without_videos() -> None:
    large = {"url_k": "https://k/1.jpg", "width_k": "2048", "height_k": 1365, "url_l": "https://l/1.jpg"}
    photos = [
        {"id": "1", "media": "photo", **large},
        {"id": "2", "media": "video", "url_l": "https://l/2.jpg"},
    ]
    plan = flickr({"photos": {"page": 1, "pages": 1, "photo": photos}, "stat": "ok"})
    assert plan.urls == ("https://k/1.jpg",)
    assert [part.reason for part in plan.parts] == [None, Reason.VIDEO]


A = "https://a.example/a"
AT_IMGUR = "https://i.imgur.com/a.jpg"
YAHOO = "https://l.yimg.com/g/images"
PAST = "Wed, 21 Oct 2015 07:28:00 GMT"
SETTINGS = CrawlSettings(user_agent="linux:panner:1.0 (by /u/x)")


@pytest.mark.parametrize(
    ("answer", "reason", "seconds"),
    [
        ({"requested": AT_IMGUR, "status": 302, "location": "/removed.png"}, "removed_at_host", None),
        ({"requested": AT_IMGUR, "status": 302, "location": "//imgur.com/removed.png"}, "removed_at_host", None),
        ({"requested": AT_IMGUR, "status": 200, "content_length": 503}, "removed_at_host", None),
        ({"requested": AT_IMGUR, "status": 200, "headers": {"Content-Length": "503"}}, "removed_at_host", None),
        ({"requested": A, "status": 302, "location": f"{YAHOO}/photo_unavailable.gif"}, "removed_at_host", None),
        ({"requested": A, "status": 429, "retry_after": "120"}, "rate_limited", 120.0),
        ({"requested": A, "status": 429, "headers": {"Retry-After": 7}}, "rate_limited", 7.0),
        ({"requested": A, "status": 503, "headers": {"Retry-After": PAST}}, "server_error", 0.0),
        ({"requested": A, "status": 200, "content_length": 10_737_418_240}, "too_large", None),
        ({"requested": A, "status": 200, "x_robots_tag": "noai"}, "opted_out", None),
        ({"requested": A, "status": 200, "headers": {"X-Robots-Tag": ["all", "panner: noindex"]}}, "opted_out", None),
        ({"requested": A, "status": 302, "location": "http://[::1"}, "redirects", None),
        ({"requested": A, "status": 451}, "forbidden", None),
    ],
)  # fmt: skip
def test_a_response_s_headers_say_what_becomes_of_it(answer: Any, reason: str, seconds: float | None) -> None:
    plan = read_response(answer, SETTINGS)
    assert (plan.reason, plan.seconds) == (reason, seconds)


def test_a_redirect_is_told_whole_and_an_opt_out_for_others_is_none() -> None:
    plan = read_response({"requested": A, "status": 301, "location": "/b.jpg"}, SETTINGS)
    assert (plan.action, plan.call and plan.call.id) == (Action.REDIRECT, "https://a.example/b.jpg")
    fine = {"requested": A, "status": 200, "x_robots_tag": ["otherbot: noai"], "content_type": "image/png"}
    assert read_response(fine, SETTINGS).action is Action.DOWNLOAD
    heedless = SETTINGS.model_copy(update={"robots": False})
    assert read_response({"requested": A, "status": 200, "x_robots_tag": "noai"}, heedless).urls == (A,)


NAMES = ("data", "error", "errors", "images", "id", "link", "type", "status", "code", "success", "media", "url",
         "sizes", "size", "source", "width", "photoset", "photos", "photo", "stat", "user", "message", "server",
         "secret", "location", "requested", "headers", "x_robots_tag", "retry_after", "images_count")  # fmt: skip
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["fail", "abcde", LINK, "http://[", "\udcff", "404", "capacity"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(ANYTHING)
def test_no_shape_of_an_answer_raises_or_leaves_it_without_a_candidate(body: Any) -> None:
    calls = (None, Call("album", "abcde", ""), Call("gallery", "abcde", ""), Call(ALBUM, "1", ""))
    plans = [read(call, body) for read in (ImgurResolver().read, FlickrResolver().read) for call in calls]
    for plan in (*plans, read_response(body, SETTINGS)):
        found = plan.candidates("t3_x")
        assert found
        assert all((one.outcome is None) == bool(one.urls) for one in found)
