from __future__ import annotations

import asyncio
import gzip
import io
import socket
from pathlib import Path

import pytest
from aiohttp import web
from PIL import Image

from actors.crawler import placeholders
from actors.crawler.download import Fetch
from actors.crawler.fetch import Fetcher
from actors.crawler.settings import CrawlSettings
from models.reasons import Reason, Stage
from tests.actors.crawler.server import (
    PNG,
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

OK = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n"


async def got(settings: CrawlSettings, *urls: str) -> Fetch:
    async with Fetcher(settings, backoff=QUICK) as fetcher:
        return await fetcher.get(urls)


def reason(fetch: Fetch) -> Reason | None:
    assert fetch.outcome is None or (fetch.outcome.stage is Stage.FETCH and fetch.data is None)
    return fetch.outcome.reason if fetch.outcome else None


@in_loop
async def test_an_image_and_all_that_is_known_of_it() -> None:
    async with ImageServer({"/a.png": image()}) as server:
        fetch = await got(server.settings(), server.url("/a.png?s=1"))
    assert (fetch.data, fetch.outcome, fetch.http_status, fetch.content_type) == (PNG, None, 200, "image/png")
    assert fetch.url == fetch.final_url == server.url("/a.png?s=1")
    assert fetch.host == "127.0.0.1"
    assert fetch.latency_ms is not None
    assert 0 < fetch.latency_ms < 10_000
    headers = server.requests[0].headers
    assert headers["Accept"] == "image/*,*/*;q=0.8"
    assert headers["User-Agent"].startswith("linux:goldpan:")
    assert "Cookie" not in headers


@in_loop
async def test_what_the_host_says_of_its_version_is_kept_of_the_last_answer() -> None:
    date = "Thu, 01 Jan 2026 00:00:00 GMT"
    handlers = {
        "/a": redirect("/b"),
        "/b": image(ETag='"v1"', Last_Modified=date),
        "/gone": image(status=404, ETag='W/"' + "x" * 999),
        "/odd": raw(OK + b"ETag: \xff\xfe\r\nContent-Length: 9\r\n\r\n" + PNG[:9]),
    }
    async with ImageServer(handlers) as server:
        found = await got(server.settings(), server.url("/a"))
        assert (found.etag, found.last_modified) == ('"v1"', date)
        gone = await got(server.settings(), server.url("/gone"))
        assert gone.etag is not None and len(gone.etag) == 200
        odd = await got(server.settings(), server.url("/odd"))
        assert odd.etag == "\\udcff\\udcfe" and odd.last_modified is None


@pytest.mark.parametrize(
    ("handler", "expected", "asked"),
    [
        (image(status=404), Reason.NOT_FOUND, 1),
        (image(status=410), Reason.NOT_FOUND, 1),
        (image(status=403), Reason.FORBIDDEN, 1),
        (image(status=401), Reason.FORBIDDEN, 1),
        (image(status=451), Reason.FORBIDDEN, 1),
        (image(status=418), Reason.HTTP_ERROR, 1),
        (image(status=206), Reason.HTTP_ERROR, 1),
        (image(status=408), Reason.HTTP_ERROR, 3),
        (image(status=425), Reason.HTTP_ERROR, 3),
        (image(status=429), Reason.RATE_LIMITED, 3),
        (image(status=500), Reason.SERVER_ERROR, 3),
        (image(status=503), Reason.SERVER_ERROR, 3),
        (image(b""), Reason.EMPTY, 1),
        (image(b"<!doctype html><title>No</title>"), Reason.NOT_AN_IMAGE, 1),
        (image(b"<html>" + b" " * 5000, Content_Type="image/jpeg"), Reason.NOT_AN_IMAGE, 1),
        (image(X_Robots_Tag="noai"), Reason.OPTED_OUT, 1),
        (redirect(None), Reason.REDIRECTS, 1),
        (redirect("/x"), Reason.REDIRECTS, 6),
        (redirect("http://127.0.0.1:1/x"), Reason.PRIVATE_ADDRESS, 1),
        (redirect("https://s.yimg.com/pw/images/en-us/photo_unavailable_l.png"), Reason.REMOVED_AT_HOST, 1),
        (raw(OK + b"Content-Length: 5000\r\n\r\n" + PNG[:900]), Reason.CONNECTION, 3),
        (raw(OK + b"Transfer-Encoding: chunked\r\n\r\n384\r\n" + PNG[:900] + b"\r\n"), Reason.CONNECTION, 3),
        (raw(OK + b"Content-Length: 5000\r\n\r\n" + PNG[:900], abort=True, pause=0.01), Reason.CONNECTION, 3),
        # aiohttp asks once more by itself where a connection ends before the answer begins (RFC 9110, 9.2.2).
        (raw(b""), Reason.CONNECTION, 6),
        (raw(b"what is this\r\n\r\n"), Reason.HTTP_ERROR, 1),
    ],
)
@in_loop
async def test_every_fault_has_its_reason_and_its_number_of_tries(
    handler: Handler, expected: Reason, asked: int
) -> None:
    async with ImageServer({"/x": handler}) as server:
        fetch = await got(server.settings(), server.url("/x"))
    assert reason(fetch) is expected
    assert server.hits["/x"] == asked
    assert fetch.host == "127.0.0.1"


@in_loop
async def test_a_host_that_refuses_is_a_connection_error() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        fetch = await got(CrawlSettings(allow_private=("127.0.0.1",)), f"http://127.0.0.1:{port}/x")
    assert reason(fetch) is Reason.CONNECTION
    assert fetch.http_status is None


@in_loop
async def test_silence_and_dripping_end_in_a_timeout() -> None:
    server = ImageServer()
    drip = raw(OK + b"Content-Length: 9000\r\n\r\n", *(b"\x89" for _ in range(200)), pause=0.05)
    server.paths |= {"/silent": until_released(server, image()), "/drip": drip}
    async with server:
        silent = await got(server.settings(idle_timeout=0.1, tries=2), server.url("/silent"))
        drip_fetch = await got(server.settings(total_timeout=0.3), server.url("/drip"))
    assert (reason(silent), server.hits["/silent"]) == (Reason.TIMEOUT, 2)
    assert (reason(drip_fetch), server.hits["/drip"]) == (Reason.TIMEOUT, 1)


@in_loop
async def test_the_total_time_counts_over_redirects() -> None:
    async def slow(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(0.15)
        return web.Response(status=302, headers={"Location": "/slow"})

    async with ImageServer({"/slow": slow}) as server:
        fetch = await got(server.settings(total_timeout=0.5, max_redirects=100), server.url("/slow"))
    assert reason(fetch) is Reason.TIMEOUT
    assert server.hits["/slow"] <= 4


@in_loop
async def test_a_server_that_is_no_tls_server() -> None:
    async with ImageServer({"/x": image()}) as server:
        fetch = await got(server.settings(), server.url("/x").replace("http:", "https:"))
    assert reason(fetch) is Reason.TLS


@in_loop
async def test_bytes_are_capped_declared_or_not() -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(PNG[:8])
        for _ in range(1000):
            await response.write(bytes(100_000))
            sent.append(100_000)
        return response

    sent: list[int] = []
    bomb = gzip.compress(PNG[:8] + bytes(50_000_000))
    assert len(bomb) < 100_000
    handlers = {
        "/declared": raw(OK + b"Content-Length: 100001\r\n\r\n"),
        "/endless": endless,
        "/bomb": image(bomb, Content_Encoding="gzip"),
        "/fits": image(PNG[:8] + bytes(99_992)),
    }
    async with ImageServer(handlers) as server:
        settings = server.settings(max_bytes=100_000)
        for path in ("/declared", "/endless", "/bomb"):
            assert reason(await got(settings, server.url(path))) is Reason.TOO_LARGE
            assert server.hits[path] == 1
        assert reason(await got(settings, server.url("/fits"))) is None
    assert len(sent) < 1000


@in_loop
async def test_what_passes_is_asked_again() -> None:
    async with ImageServer() as server:
        for fault in (
            image(status=503),
            image(status=429, Retry_After="0"),
            raw(b""),
            raw(OK + b"Content-Length: 99\r\n\r\nx"),
        ):
            server.paths["/x"] = in_turn(fault, image())
            fetch = await got(server.settings(), server.url("/x"))
            assert (fetch.data, fetch.http_status, fetch.outcome) == (PNG, 200, None)


@in_loop
async def test_a_host_that_says_when_is_left_alone_until_then() -> None:
    async with ImageServer({"/other": image()}) as server:
        server.paths["/x"] = in_turn(image(status=429, Retry_After="1"), image())
        loop = asyncio.get_running_loop()
        async with Fetcher(server.settings(), backoff=QUICK) as fetcher:
            began = loop.time()
            first = asyncio.create_task(fetcher.get([server.url("/x")]))
            await server.until(lambda: server.hits["/x"] == 1 and not server.at_once)
            await asyncio.sleep(0.05)  # the answer's way back
            other = await fetcher.get([server.url("/other")])
            waited = loop.time() - began
            assert reason(await first) is reason(other) is None
    assert waited >= 1


@in_loop
async def test_a_hold_of_an_hour_is_no_reason_to_wait() -> None:
    async with ImageServer({"/x": image(status=429, Retry_After="3600")}) as server:
        fetch = await asyncio.wait_for(got(server.settings(), server.url("/x")), 30)
    assert reason(fetch) is Reason.RATE_LIMITED
    assert server.hits["/x"] == 1


@in_loop
async def test_fallbacks_are_tried_in_order() -> None:
    async with ImageServer({"/b": image(), "/gone": image(status=410), "/busy": image(status=503)}) as server:
        settings = server.settings()
        fetch = await got(settings, server.url("/a"), "not a url", server.url("/b"), server.url("/c"))
        assert (fetch.url, fetch.data) == (server.url("/b"), PNG)
        assert not server.hits["/c"]
        assert reason(await got(settings, server.url("/a"), server.url("/gone"))) is Reason.NOT_FOUND
        fetch = await got(settings, server.url("/busy"), server.url("/gone"))
        assert (reason(fetch), fetch.url) == (Reason.SERVER_ERROR, server.url("/busy"))
        assert reason(await got(settings)) is Reason.BAD_URL


@in_loop
async def test_an_opt_out_is_not_got_around_by_a_fallback() -> None:
    async with ImageServer({"/a": image(X_Robots_Tag="noindex, nofollow"), "/b": image()}) as server:
        assert reason(await got(server.settings(), server.url("/a"), server.url("/b"))) is Reason.OPTED_OUT
        assert not server.hits["/b"]
        assert reason(await got(server.settings(robots=False), server.url("/a"))) is None


@in_loop
async def test_every_header_line_may_opt_out() -> None:
    body = OK + b"X-Robots-Tag: otherbot: nofollow\r\nX-Robots-Tag: noimageai\r\nContent-Length: 3\r\n\r\nabc"
    async with ImageServer({"/a": raw(body)}) as server:
        assert reason(await got(server.settings(), server.url("/a"))) is Reason.OPTED_OUT


@in_loop
async def test_the_host_map_holds_on_every_hop_and_never_shows() -> None:
    handlers = {"/x.jpg": redirect("//cdn.example/y.jpg?a=1"), "/y.jpg": image()}
    async with ImageServer(handlers) as server:
        hosts = dict.fromkeys(("i.redd.it", "cdn.example"), server.base)
        settings = server.settings(host_map=hosts)
        fetch = await got(settings, "https://i.redd.it/x.jpg")
        assert (fetch.url, fetch.host, fetch.data) == ("https://i.redd.it/x.jpg", "i.redd.it", PNG)
        assert fetch.final_url == "https://cdn.example/y.jpg?a=1"
        assert server.hosts == ["i.redd.it", "cdn.example"]
        refused = await got(CrawlSettings(host_map=hosts), "https://i.redd.it/x.jpg")
        assert reason(refused) is Reason.PRIVATE_ADDRESS


@in_loop
async def test_userinfo_reaches_neither_the_host_nor_the_row() -> None:
    async with ImageServer({"/a": redirect("/b"), "/b": image()}) as server:
        fetch = await got(server.settings(), server.url("/a").replace("//", "//me:secret@"))
    assert fetch.data == PNG
    assert "secret" not in repr(fetch)
    assert all("Authorization" not in request.headers for request in server.requests)


@in_loop
async def test_no_proxy_and_no_password_of_the_environment_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    async with ImageServer({"/a": image()}) as server:
        assert reason(await got(server.settings(), server.url("/a"))) is None
        assert "Authorization" not in server.requests[0].headers


@in_loop
async def test_imgurs_placeholder_is_told_by_its_size_where_it_is_imgurs() -> None:
    # The placeholder itself (503 bytes, told by its md5 too) is not ours to ship.
    file = io.BytesIO()
    Image.new("RGB", placeholders.IMGUR_REMOVED_SIZE).save(file, "PNG")
    handlers = {"/a": image(file.getvalue()), "/b": image(PNG[:503])}
    async with ImageServer(handlers) as server:
        settings = server.settings(host_map=dict.fromkeys(("i.imgur.com", "i.stack.imgur.com"), server.base))
        removed = await got(settings, "https://i.imgur.com/a")
        assert (reason(removed), removed.outcome and removed.outcome.detail) == (
            Reason.REMOVED_AT_HOST,
            "imgur removed placeholder",
        )
        for url in (server.url("/a"), "https://i.stack.imgur.com/a", "https://i.imgur.com/b"):
            assert reason(await got(settings, url)) is None


@in_loop
async def test_budgets_bound_what_is_open_at_once() -> None:
    server = ImageServer()
    server.paths["/x"] = until_released(server, image())
    async with server:
        settings = server.settings(default_budget={"connections": 3, "per_second": 1000})
        async with Fetcher(settings) as fetcher:
            fetches = [asyncio.create_task(fetcher.get([server.url("/x")])) for _ in range(12)]
            await server.until(lambda: server.at_once == 3)
            await asyncio.sleep(0.1)
            server.released.set()
            assert all([reason(await each) is None for each in fetches])
    assert server.most_at_once == 3


@in_loop
async def test_a_slow_host_holds_up_no_other() -> None:
    server = ImageServer({"/fast": image()})
    server.paths["/slow"] = until_released(server, image())
    async with server:
        hosts = {"slow.example": server.base, "fast.example": server.base}
        async with Fetcher(server.settings(host_map=hosts, default_budget={})) as fetcher:
            slow = [asyncio.create_task(fetcher.get(["http://slow.example/slow"])) for _ in range(30)]
            await server.until(lambda: server.at_once == 4)
            assert reason(await asyncio.wait_for(fetcher.get(["http://fast.example/fast"]), 5)) is None
            for each in slow:
                each.cancel()
            await asyncio.gather(*slow, return_exceptions=True)
