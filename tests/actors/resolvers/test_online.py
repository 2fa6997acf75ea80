"""The real fetcher asks a local server that answers as the hosts' APIs do."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr

from actors.crawler.fetch import Fetcher
from actors.crawler.resolvers import Resolvers
from actors.crawler.settings import CrawlSettings, HostBudget
from models.reasons import Reason
from models.records import Candidate, Submission

KEY = "very-secret-key"
FAST = HostBudget(connections=8, per_second=1000)
HOSTS = ("api.imgur.com", "api.flickr.com", "www.reddit.com")


class Hosts:
    """Answers by host and path (flickr: method and id), and what was asked."""

    def __init__(self, answers: dict[str, Any], status: int = 200) -> None:
        self.answers = answers
        self.status = status
        self.asked: list[web.Request] = []

    async def handle(self, request: web.Request) -> web.Response:
        self.asked.append(request)
        name = request.path
        if request.path == "/services/rest/":
            query = request.query
            identity = next(
                (query[key] for key in ("photo_id", "photoset_id", "gallery_id") if key in query), ""
            )
            name = f"{query['method']} {identity} {query.get('page', '')}".strip()
        answer = self.answers.get(name)
        if isinstance(answer, str):
            return web.Response(status=302, headers={"Location": answer})
        if answer is None:
            return web.json_response({"data": {"error": "gone"}, "success": False, "status": 404}, status=404)
        return web.json_response(answer, status=self.status)


def resolved(
    hosts: Hosts, url: str, *, keys: bool = True, times: int = 1, together: int = 1
) -> list[Candidate]:
    """Resolve a post with this link through a real fetcher and server; gives the last time's candidates."""

    async def work(settings: CrawlSettings) -> list[Candidate]:
        async with Fetcher(settings) as fetcher:
            resolvers = Resolvers(settings, fetcher.api)
            found: list[Candidate] = []
            for _ in range(times):
                submission = Submission("t3_x", "s", {"id": "x", "url": url})
                found, *_ = await asyncio.gather(*(resolvers.resolve(submission) for _ in range(together)))
            return found

    return asyncio.run(_served(hosts, work, keys=keys))


async def _served(
    hosts: Hosts, work: Callable[[CrawlSettings], Awaitable[list[Candidate]]], *, keys: bool
) -> list[Candidate]:
    app = web.Application()
    app.router.add_get("/{path:.*}", hosts.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    key = SecretStr(KEY) if keys else None
    settings = CrawlSettings(
        host_map=dict.fromkeys(HOSTS, f"http://127.0.0.1:{port}"),
        allow_private=(f"127.0.0.1:{port}",),
        host_budgets=dict.fromkeys(HOSTS, FAST),
        tries=1,
        imgur_client_id=key,
        flickr_api_key=key,
    )
    try:
        return await work(settings)
    finally:
        await runner.cleanup()


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


def outcomes(found: list[Candidate]) -> list[tuple[str, Reason | None]]:
    return [(one.media, one.outcome.reason if one.outcome else None) for one in found]


def test_an_imgur_image_is_what_its_api_says_with_the_direct_link_to_spare() -> None:
    hosts = Hosts({"/3/image/abcdefg": {"data": imgur_image("abcdefg"), "success": True, "status": 200}})
    (found,) = resolved(hosts, "https://imgur.com/abcdefg")
    assert found.urls == ("https://i.imgur.com/abcdefg.png", "https://i.imgur.com/abcdefg.jpg")
    assert (found.key, found.width, found.height) == ("t3_x/0", 1600, 1200)
    assert hosts.asked[0].headers["Authorization"] == f"Client-ID {KEY}"


def test_an_imgur_album_gives_its_images_and_leaves_out_animations() -> None:
    images = [imgur_image("aaaaa"), imgur_image("bbbbb", animated=True), imgur_image("ccccc")]
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
    assert outcomes(found) == [("1", None), ("2", Reason.VIDEO), ("3", None), ("4", Reason.API_ERROR)]
    assert found[0].urls == ("https://o/1.jpg",)
    assert hosts.asked[1].query["user_id"] == "7@N00"


def test_a_share_link_is_followed_and_a_post_behind_it_is_not_guessed() -> None:
    hosts = Hosts(
        {"/r/a/s/XyZ": "https://imgur.com/abcdefg", "/r/a/s/Post": "https://www.reddit.com/r/a/comments/b/"}
    )
    (found,) = resolved(hosts, "https://www.reddit.com/r/a/s/XyZ", keys=False)
    assert found.urls == ("https://i.imgur.com/abcdefg.jpg",)
    assert outcomes(resolved(hosts, "https://www.reddit.com/r/a/s/Post")) == [("-", Reason.NOT_AN_IMAGE_LINK)]
    assert outcomes(resolved(hosts, "https://www.reddit.com/r/a/s/Gone")) == [("-", Reason.NOT_FOUND)]
