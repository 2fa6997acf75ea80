from __future__ import annotations

import asyncio
import logging

import pytest

from actors.crawler.fetch import Fetcher
from models.reasons import Reason, Stage
from models.records import Outcome
from tests.actors.crawler.server import (
    GENEROUS,
    QUICK,
    Handler,
    ImageServer,
    image,
    in_loop,
    in_turn,
    raw,
    redirect,
    until_released,
)


def says(body: bytes, status: int = 200) -> Handler:
    return image(body, status, Content_Type="application/json")


@in_loop
async def test_keys_travel_to_the_host_and_nowhere_else(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with ImageServer({"/3/image/x": says(b'{"data": {"link": "l"}}')}) as server:
        settings = server.settings(host_map={"api.imgur.com": server.base})
        async with Fetcher(settings, backoff=QUICK) as fetcher:
            answer = await fetcher.api(
                "GET",
                "https://api.imgur.com/3/image/x?a=b",
                headers={"Authorization": "Client-ID secret"},
                params={"api_key": "secret &?"},
            )
    assert (answer.status, answer.body, answer.outcome) == (200, {"data": {"link": "l"}}, None)
    request = server.requests[0]
    assert request.headers["Authorization"] == "Client-ID secret"
    assert request.headers["Host"] == "api.imgur.com"
    assert dict(request.query) == {"a": "b", "api_key": "secret &?"}
    assert "secret" not in caplog.text
    assert "secret" not in repr(answer)


@pytest.mark.parametrize(
    ("handler", "status", "body", "reason"),
    [
        (says(b'{"errors": 1}', 404), 404, {"errors": 1}, Reason.NOT_FOUND),
        (says(b"gone", 410), 410, None, Reason.NOT_FOUND),
        (says(b"{}", 403), 403, {}, Reason.FORBIDDEN),
        (says(b"[1]", 429), 429, [1], Reason.RATE_LIMITED),
        (says(b"<html>", 500), 500, None, Reason.SERVER_ERROR),
        (says(b"<html>"), 200, None, Reason.API_ERROR),
        (says(b""), 200, None, Reason.API_ERROR),
        (raw(b""), 0, None, Reason.CONNECTION),
        (in_turn(says(b"", 503), says(b"[]")), 200, [], None),
    ],
)
@in_loop
async def test_every_answer_is_told(
    handler: Handler, status: int, body: object, reason: Reason | None
) -> None:
    async with ImageServer({"/a": handler}) as server, Fetcher(server.settings(), backoff=QUICK) as fetcher:
        answer = await fetcher.api("GET", server.url("/a"))
    assert (answer.status, answer.body) == (status, body)
    assert (answer.outcome and answer.outcome.reason) is reason
    assert answer.outcome is None or answer.outcome.stage is Stage.RESOLVE


@in_loop
async def test_an_api_that_wants_to_be_left_alone_says_for_how_long() -> None:
    busy = image(b"{}", 429, Retry_After="600")
    async with ImageServer({"/a": busy}) as server, Fetcher(server.settings(), backoff=QUICK) as fetcher:
        answers = [await fetcher.api("GET", server.url("/a")) for _ in range(2)]
    for answer in answers:
        assert answer.outcome is not None and answer.outcome.reason is Reason.RATE_LIMITED
        assert answer.outcome.retry_after == pytest.approx(600, abs=5)
    assert server.hits["/a"] == 1


@in_loop
async def test_redirects_are_told_and_not_followed() -> None:
    handlers = {"/s": redirect("/r/x/comments/y/"), "/file": redirect("file:///x")}
    async with ImageServer(handlers) as server, Fetcher(server.settings()) as fetcher:
        answer = await fetcher.api("HEAD", server.url("/s"))
        nowhere = await fetcher.api("GET", server.url("/file"))
    assert (answer.status, answer.location, answer.outcome) == (302, server.url("/r/x/comments/y/"), None)
    assert (nowhere.status, nowhere.location, nowhere.outcome) == (302, None, None)
    assert server.hits == {"/s": 1, "/file": 1}


@in_loop
async def test_head_is_told_of_what_is_too_large_to_be_read() -> None:
    large = raw(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 41943040\r\n\r\n")
    async with ImageServer({"/x": large}) as server, Fetcher(server.settings()) as fetcher:
        answer = await fetcher.api("HEAD", server.url("/x"))
    assert (answer.status, answer.body, answer.outcome) == (200, None, None)
    assert answer.headers["content-length"] == "41943040"


@in_loop
async def test_what_is_no_public_url_is_an_outcome() -> None:
    async with Fetcher(ImageServer().settings(allow_private=())) as fetcher:
        private = await fetcher.api("GET", "http://127.0.0.1/x")
        bad = await fetcher.api("GET", "file:///x")
    assert private.outcome is not None
    assert private.outcome.reason is Reason.PRIVATE_ADDRESS
    assert bad.outcome == Outcome(Reason.BAD_URL, Stage.RESOLVE)
    assert private.status == bad.status == 0


@in_loop
async def test_an_api_shares_its_hosts_slots_with_downloads() -> None:
    server = ImageServer({"/api": says(b"{}")})
    server.paths["/x"] = until_released(server, image())
    async with server:
        budgets = {"127.0.0.1": GENEROUS.model_copy(update={"connections": 1})}
        async with Fetcher(server.settings(host_budgets=budgets)) as fetcher:
            download = asyncio.create_task(fetcher.get([server.url("/x")]))
            asked = asyncio.create_task(fetcher.api("GET", server.url("/api")))
            await asyncio.sleep(0.1)
            assert not server.hits["/api"]
            server.released.set()
            assert (await asked).body == {}
            await download
