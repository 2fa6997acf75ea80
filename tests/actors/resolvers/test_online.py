"""The real fetcher asks a local server that answers as the hosts' APIs do."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from actors.crawler.resolvers import Resolvers
from models.gates import ShapeGates
from models.reasons import Reason
from models.records import Candidate
from tests.actors.resolvers.hosts import KEY, Hosts, link_post, outcomes, resolved, served


def imgur_image(name: str, **fields: Any) -> dict[str, Any]:
    link = f"https://i.imgur.com/{name}.png"
    return {
        "id": name,
        "type": "image/png",
        "animated": False,
        "link": link,
        "width": 1600,
        "height": 1200,
    } | fields


def test_an_imgur_image_is_what_its_api_says_with_the_direct_link_to_spare() -> None:
    hosts = Hosts({"/3/image/abcdefg": {"data": imgur_image("abcdefg"), "success": True, "status": 200}})
    (found,) = resolved(hosts, "https://imgur.com/abcdefg")
    assert found.urls == ("https://i.imgur.com/abcdefg.png", "https://i.imgur.com/abcdefg.jpg")
    assert (found.key, found.width, found.height) == ("t3_x/0", 1600, 1200)
    assert hosts.asked[0].headers["Authorization"] == f"Client-ID {KEY}"


def test_an_imgur_album_gives_its_images_and_leaves_out_animations() -> None:
    images = [
        imgur_image("aaaaa"),
        imgur_image("bbbbb", animated=True, type="image/gif"),
        imgur_image("ccccc"),
    ]
    hosts = Hosts(
        {"/3/album/abcde": {"data": {"id": "abcde", "images": images}, "success": True, "status": 200}}
    )
    found = resolved(hosts, "https://imgur.com/a/abcde#2")
    assert outcomes(found) == [("aaaaa", None), ("bbbbb", Reason.VIDEO), ("ccccc", None)]


def test_an_imgur_gallery_is_an_image_or_an_album_and_a_long_one_is_asked_for_whole() -> None:
    single = Hosts({"/3/gallery/abcde": {"data": imgur_image("abcde", is_album=False), "success": True}})
    assert outcomes(resolved(single, "https://imgur.com/gallery/abcde")) == [("0", None)]
    some, every = [imgur_image("aaaaa")], [imgur_image("aaaaa"), imgur_image("bbbbb")]
    answers = {
        "/3/gallery/abcde": {"data": {"is_album": True, "images_count": 2, "images": some}},
        "/3/album/abcde": {"data": {"images_count": 2, "images": every}},
    }
    assert outcomes(resolved(Hosts(answers), "https://imgur.com/gallery/abcde")) == [
        ("aaaaa", None),
        ("bbbbb", None),
    ]


@pytest.mark.parametrize(
    ("answer", "status", "reason"),
    [
        ({"data": {"images": []}}, 200, Reason.EMPTY_ALBUM),
        ({"data": {"error": "Unable to find album"}, "status": 404}, 404, Reason.NOT_FOUND),
        (
            {"data": {"error": {"code": 1, "message": "over capacity"}}, "status": 403},
            403,
            Reason.RATE_LIMITED,
        ),
        ({"errors": [{"code": "429"}]}, 429, Reason.RATE_LIMITED),
        ({"data": {"error": "Invalid client_id"}, "status": 403}, 403, Reason.NEEDS_CREDENTIALS),
        ({"data": None}, 200, Reason.API_ERROR),
        ([], 200, Reason.API_ERROR),
        ({"data": {"images": [None, 5]}}, 200, Reason.EMPTY_ALBUM),
        ({"oops": 1}, 500, Reason.SERVER_ERROR),
        ({"oops": 1}, 403, Reason.FORBIDDEN),
    ],
)
def test_an_album_that_cannot_be_had_has_its_reason(answer: Any, status: int, reason: Reason) -> None:
    hosts = Hosts({"/3/album/abcde": answer}, status)
    assert outcomes(resolved(hosts, "https://imgur.com/a/abcde")) == [("-", reason)]


def test_without_a_key_images_still_resolve_and_albums_say_why_not() -> None:
    hosts = Hosts({})
    (image,) = resolved(hosts, "https://imgur.com/abcdefg", keys=False)
    assert image.urls == ("https://i.imgur.com/abcdefg.jpg",)
    assert outcomes(resolved(hosts, "https://imgur.com/a/abcde", keys=False)) == [
        ("-", Reason.NEEDS_CREDENTIALS)
    ]
    (static,) = resolved(hosts, "https://live.staticflickr.com/1/2_3a_b.jpg", keys=False)
    assert static.urls == ("https://live.staticflickr.com/1/2_3a_b.jpg",)
    assert hosts.asked == []


def test_an_animation_costs_no_call() -> None:
    hosts = Hosts({})
    assert outcomes(resolved(hosts, "https://i.imgur.com/abcdefg.gifv")) == [("-", Reason.VIDEO)]
    assert hosts.asked == []


def test_a_refused_key_is_said_once_used_no_more_and_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    hosts = Hosts({"/3/image/abcdefg": {"data": {"error": "Invalid client_id"}, "status": 403}}, 403)
    with caplog.at_level(logging.DEBUG, "actors"):
        (found,) = resolved(hosts, "https://imgur.com/abcdefg", times=3, together=2)
    assert found.urls == ("https://i.imgur.com/abcdefg.jpg",)
    assert len(hosts.asked) == 2  # both that were on their way together
    assert len([record for record in caplog.records if "refuses the API key" in record.message]) == 1
    assert KEY not in caplog.text


def test_an_api_that_does_not_know_an_image_leaves_its_direct_link() -> None:
    (found,) = resolved(Hosts({}), "https://imgur.com/abcdefg")
    assert found.urls == ("https://i.imgur.com/abcdefg.jpg",)


def flickr_size(width: Any, height: Any, name: str, media: str = "photo") -> dict[str, Any]:
    return {
        "width": width,
        "height": height,
        "source": f"https://live.staticflickr.com/1/{name}.jpg",
        "media": media,
    }


def test_flickr_s_largest_area_wins_whatever_its_place_and_type() -> None:
    sizes = [flickr_size("3000", "2000", "o"), flickr_size(1024, 683, "b"), flickr_size(None, "x", "s")]
    hosts = Hosts({"flickr.photos.getSizes 12": {"sizes": {"size": sizes}, "stat": "ok"}})
    (found,) = resolved(hosts, "https://www.flickr.com/photos/a/12/")
    assert found.urls == ("https://live.staticflickr.com/1/o.jpg",)
    assert (found.media, found.width, found.height) == ("0", 3000, 2000)
    assert hosts.asked[0].query["api_key"] == KEY
    assert KEY not in repr(found)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"stat": "fail", "code": 1}, Reason.NOT_FOUND),
        ({"stat": "fail", "code": "2"}, Reason.FORBIDDEN),
        ({"stat": "fail", "code": 100}, Reason.NEEDS_CREDENTIALS),
        ({"stat": "fail", "code": 105}, Reason.SERVER_ERROR),
        ({"stat": "ok", "sizes": {"size": []}}, Reason.API_ERROR),
        ({"stat": "ok", "sizes": None}, Reason.API_ERROR),
        ({"stat": "ok", "sizes": {"size": [flickr_size(1, 1, "a", "video")]}}, Reason.VIDEO),
    ],
)
def test_a_flickr_photo_that_cannot_be_had_has_its_reason(answer: Any, reason: Reason) -> None:
    found = resolved(Hosts({"flickr.photos.getSizes 12": answer}), "https://www.flickr.com/photos/a/12/")
    assert [one.outcome and one.outcome.reason for one in found] == [reason]


def flickr_photo(name: str, **fields: Any) -> dict[str, Any]:
    return {
        "id": name,
        "url_l": f"https://l/{name}.jpg",
        "width_l": 1024,
        "height_l": "683",
        "media": "photo",
    } | fields


def test_a_flickr_album_finds_its_owner_and_reads_all_its_pages() -> None:
    large = {"url_o": "https://o/1.jpg", "width_o": "4000", "height_o": "3000"}
    pages = [[flickr_photo("1", **large), flickr_photo("2", media="video")], [flickr_photo("3"), {"id": "4"}]]
    hosts = Hosts(
        {
            "flickr.urls.lookupUser": {"user": {"id": "7@N00"}, "stat": "ok"},
            "flickr.photosets.getPhotos 99 1": {"photoset": {"photo": pages[0], "pages": 2}, "stat": "ok"},
            "flickr.photosets.getPhotos 99 2": {"photoset": {"photo": pages[1], "pages": 2}, "stat": "ok"},
        }
    )
    found = resolved(hosts, "https://www.flickr.com/photos/some-one/albums/99")
    assert outcomes(found) == [
        ("1", None),
        ("2", Reason.VIDEO),
        ("3", Reason.LOCKED_ORIGINAL),
        ("4", Reason.API_ERROR),
    ]
    assert found[0].urls == ("https://o/1.jpg",)
    assert hosts.asked[1].query["user_id"] == "7@N00"


def test_a_share_link_is_followed_and_a_guest_pass_too() -> None:
    hosts = Hosts({"/r/a/s/XyZ": "https://imgur.com/abcdefg", "/gp/7@N00/8Q": "https://flic.kr/p/FPVo9U"})
    (found,) = resolved(hosts, "https://www.reddit.com/r/a/s/XyZ", keys=False)
    assert found.urls == ("https://i.imgur.com/abcdefg.jpg",)
    assert outcomes(resolved(hosts, "https://www.reddit.com/r/a/s/Gone")) == [("-", Reason.NOT_FOUND)]
    passed = resolved(hosts, "https://www.flickr.com/gp/7@N00/8Q", keys=False)
    assert outcomes(passed) == [("-", Reason.NEEDS_CREDENTIALS)]


def test_links_that_lead_on_for_ever_end() -> None:
    hosts = Hosts(
        {"/r/a/s/1": "https://www.reddit.com/r/a/s/2", "/r/a/s/2": "https://www.reddit.com/r/a/s/1"}
    )
    assert outcomes(resolved(hosts, "https://www.reddit.com/r/a/s/1")) == [("-", Reason.NOT_AN_IMAGE_LINK)]
    assert len(hosts.asked) <= 8


CAPACITY = {"data": {"error": "Imgur is temporarily over capacity."}, "success": False, "status": 403}


def test_an_api_that_wants_a_pause_is_left_alone_and_albums_wait_for_it() -> None:
    said: list[str] = []
    hosts = Hosts({"/3/album/abcde": CAPACITY, "/3/image/abcdefg": CAPACITY}, 403)
    urls = ("https://imgur.com/a/abcde", "https://imgur.com/abcdefg", "https://imgur.com/a/fghij")

    async def work(resolvers: Resolvers) -> list[Candidate]:
        return [one for url in urls for one in await resolvers.resolve(link_post(url))]

    album, image, other = asyncio.run(served(hosts, work, say=said.append))
    for one in (album, other):
        assert one.outcome is not None
        assert one.outcome.reason is Reason.RATE_LIMITED
        assert 590 < (one.outcome.retry_after or 0) <= 600
    assert image.urls == ("https://i.imgur.com/abcdefg.jpg",)
    assert len(hosts.asked) == 1
    assert said == [
        "imgur: its API wants a pause and is not asked for 10 min; meanwhile single images are fetched without it"
    ]


@pytest.mark.parametrize(
    ("headers", "asked"),
    [
        ({"X-RateLimit-ClientRemaining": "12000", "X-RateLimit-UserRemaining": "400"}, 2),
        ({"X-RateLimit-ClientRemaining": "3", "X-RateLimit-UserRemaining": "400"}, 1),
        ({"X-RateLimit-ClientRemaining": "12000", "X-RateLimit-UserRemaining": "0"}, 1),
        ({"X-RateLimit-UserRemaining": "0", "X-RateLimit-UserReset": "9999999999"}, 1),
        ({"X-RateLimit-UserRemaining": "nonsense"}, 2),
    ],
)
def test_a_budget_that_is_nearly_spent_is_left_to_what_needs_it(headers: dict[str, str], asked: int) -> None:
    answer = {"data": imgur_image("abcdefg"), "success": True, "status": 200}
    hosts = Hosts({"/3/image/abcdefg": answer}, headers=headers)
    (found,) = resolved(hosts, "https://imgur.com/abcdefg", times=2)
    assert found.outcome is None
    assert len(hosts.asked) == asked


def test_a_page_of_an_album_that_fails_is_no_silent_gap() -> None:
    page = {"photoset": {"photo": [flickr_photo("1")], "pages": 2}, "stat": "ok"}
    album = "https://www.flickr.com/photos/7@N00/albums/99"
    hosts = Hosts(
        {
            "flickr.photosets.getPhotos 99 1": page,
            "flickr.photosets.getPhotos 99 2": {"stat": "fail", "code": 112},
        }
    )
    assert outcomes(resolved(hosts, album)) == [("1", Reason.LOCKED_ORIGINAL), ("page-2", Reason.API_ERROR)]
    hosts.answers["flickr.photosets.getPhotos 99 2"] = {"stat": "fail", "code": 105}
    (later,) = resolved(hosts, album)
    assert later.outcome is not None
    assert (later.outcome.reason, later.outcome.retry_after) == (Reason.SERVER_ERROR, 300.0)


def test_a_locked_original_has_its_reason_where_what_is_shown_is_too_small() -> None:
    sizes = [flickr_size(500, 333, "m"), flickr_size(1024, 683, "b")]
    hosts = Hosts({"flickr.photos.getSizes 12": {"sizes": {"size": sizes}, "stat": "ok"}})
    url = "https://www.flickr.com/photos/a/12/"
    (found,) = resolved(hosts, url)
    assert (found.width, found.height) == (1024, 683)
    assert outcomes([found]) == [("0", Reason.LOCKED_ORIGINAL)]
    (small,) = resolved(hosts, url, shape=ShapeGates(min_pixels=500_000))
    assert small.urls == ("https://live.staticflickr.com/1/b.jpg",)


def test_a_host_that_fails_for_now_is_asked_again_later() -> None:
    (found,) = resolved(Hosts({"/3/album/abcde": {"oops": 1}}, 502), "https://imgur.com/a/abcde")
    assert found.outcome is not None
    assert (found.outcome.reason, found.outcome.retry_after) == (Reason.SERVER_ERROR, 0.0)
