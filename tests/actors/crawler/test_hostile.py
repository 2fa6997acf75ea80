"""Hosts that are broken or mean: each ends in its own reason, and none in a crash, a hang, or much memory."""

from __future__ import annotations

import asyncio
import ssl
import time
from datetime import UTC, datetime
from email.utils import formatdate
from pathlib import Path

import pytest
import trustme
from aiohttp import web

from actors.crawler.fetch import Fetcher
from models.reasons import Reason
from tests.actors.crawler import hostile
from tests.actors.crawler.child import crawled_in_child
from tests.actors.crawler.server import PNG, QUICK, Handler, ImageServer, image, in_loop, raw, redirect

MAX_BYTES = 2 << 20
MEMORY = 64  # MiB: a few bodies under the cap, and what is in the buffers of their connections


@in_loop
async def test_every_hostility_ends_in_its_own_reason_within_time_and_memory() -> None:
    async with ImageServer({"/good": image()}) as server:
        cases = hostile.sizes() | hostile.framing() | hostile.answers() | hostile.redirects(server.port)
        server.paths |= {f"/{name}": handler for name, (handler, _) in cases.items()}
        settings = server.settings(
            max_bytes=MAX_BYTES,
            idle_timeout=1,
            total_timeout=3,
            # A host each, so that none opens another's circuit.
            host_map={f"{number}.test": server.base for number in range(len(cases))},
        )
        urls = {name: f"http://{number}.test/{name}" for number, name in enumerate(cases)}
        began = time.monotonic()
        told = await crawled_in_child(settings, urls, server.url("/good"))
        took = time.monotonic() - began
    found = {name: row["reason"] for name, row in told["rows"].items()}
    expected = {name: reason and reason.value for name, (_, reason) in cases.items()}
    assert found == expected
    assert {row["stage"] for row in told["rows"].values()} == {None, "fetch"}
    assert all(server.hits[f"/{name}"] for name in cases)
    assert told["grown"] < MEMORY
    assert took < 30


@in_loop
async def test_large_bodies_of_no_declared_length_hold_no_more_memory_than_is_allowed() -> None:
    count, size, limit = 24, 16 << 20, 32 << 20

    async def large(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for piece in (PNG[:8], *[bytes(1 << 20)] * 15):
            await response.write(piece)
            await asyncio.sleep(0.01)
        return response

    async with ImageServer({"/good": image(), "/x": large}) as server:
        settings = server.settings(max_bytes=size, ahead_bytes=limit, total_timeout=20)
        urls = {f"t3_{number}": server.url("/x") for number in range(count)}
        told = await crawled_in_child(settings, urls, server.url("/good"), ahead=True)
    assert {row["reason"] for row in told["rows"].values()} == {None}
    # The limit, one image beyond it, two copies of one that is handed out, and the connections' buffers.
    assert told["grown"] < 180 < (count * size >> 20) / 2


def certified(authority: trustme.CA, name: str, not_after: datetime | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name, not_after=not_after).configure_cert(context)
    return context


@in_loop
async def test_tls_is_verified_by_host_date_and_authority(tmp_path: Path) -> None:
    ours, others = trustme.CA(), trustme.CA()
    ours.cert_pem.write_to_path(tmp_path / "trusted.pem")
    past = datetime(2020, 1, 1, tzinfo=UTC)
    contexts = {
        "good": certified(ours, "127.0.0.1"),
        "wrong-host": certified(ours, "other.test"),
        "expired": certified(ours, "127.0.0.1", not_after=past),
        "nobody-knows": certified(others, "127.0.0.1"),
    }
    servers = {name: ImageServer({"/x": image()}, context) for name, context in contexts.items()}
    for server in servers.values():
        await server.__aenter__()
    settings = servers["good"].settings(allow_private=("127.0.0.1",))
    urls = {name: server.url("/x") for name, server in servers.items()}
    # Python and aiohttp read which authorities are trusted when they start.
    told = await crawled_in_child(settings, urls, urls["good"], SSL_CERT_FILE=str(tmp_path / "trusted.pem"))
    for server in servers.values():
        await server.__aexit__()
    found = {name: row["reason"] for name, row in told["rows"].items()}
    assert found == {"good": None} | dict.fromkeys(("wrong-host", "expired", "nobody-knows"), "tls")
    assert not any(servers[name].hits for name in servers if name != "good")


def storm(until: float, retry_after: Handler) -> Handler:
    """Refuse everything until then."""

    async def answer(request: web.Request) -> web.StreamResponse:
        return await (retry_after if time.monotonic() < until else image())(request)

    return answer


async def in_a_second(_: web.Request) -> web.StreamResponse:
    return web.Response(status=429, headers={"Retry-After": "1"})


async def at_a_date(_: web.Request) -> web.StreamResponse:
    return web.Response(status=429, headers={"Retry-After": formatdate(time.time() + 1.5, usegmt=True)})


@pytest.mark.parametrize("refusal", [in_a_second, at_a_date])
@in_loop
async def test_a_storm_of_429s_is_waited_out(refusal: Handler) -> None:
    async with ImageServer() as server:
        server.paths["/x"] = storm(time.monotonic() + 0.9, refusal)
        settings = server.settings(default_budget={"connections": 4, "per_second": 1000})
        async with Fetcher(settings, backoff=QUICK) as fetcher:
            fetches = await asyncio.gather(*(fetcher.get([server.url("/x")]) for _ in range(40)))
    assert [fetch.data for fetch in fetches] == [PNG] * 40
    # The first ones together, then one that tries at a time.
    assert server.hits["/x"] <= 40 + 4 + 3


@pytest.mark.parametrize("header", [{"Retry_After": "90"}, {}])
@in_loop
async def test_a_storm_without_end_is_left_for_later(header: dict[str, str]) -> None:
    async with ImageServer() as server:
        server.paths["/x"] = image(b"", 429, Content_Type="text/plain", **header)
        settings = server.settings(default_budget={"connections": 4, "per_second": 1000}, longest_hold=1)
        async with Fetcher(settings) as fetcher:
            fetches = await asyncio.gather(*(fetcher.get([server.url("/x")]) for _ in range(40)))
    outcomes = {fetch.outcome for fetch in fetches if fetch.outcome is not None}
    assert {outcome.reason for outcome in outcomes} == {Reason.RATE_LIMITED}
    assert all(outcome.retry_after is not None and outcome.retry_after <= 90 for outcome in outcomes)
    assert len(fetches) == 40
    assert server.hits["/x"] < 12


@in_loop
async def test_500s_heal_and_the_circuit_closes() -> None:
    failing = 12

    async def heals(request: web.Request) -> web.StreamResponse:
        return await image(status=500 if server.hits["/x"] <= failing else 200)(request)

    async with ImageServer({"/x": heals}) as server:
        settings = server.settings(
            default_budget={"connections": 4, "per_second": 1000},
            circuit_failures=5,
            circuit_seconds=0.1,
            tries=9,
        )
        async with Fetcher(settings, backoff=QUICK) as fetcher:
            fetches = await asyncio.gather(*(fetcher.get([server.url("/x")]) for _ in range(20)))
    assert [fetch.data for fetch in fetches] == [PNG] * 20
    assert server.hits["/x"] == failing + 20


@in_loop
async def test_a_host_that_is_down_costs_few_requests_and_says_so() -> None:
    async with ImageServer({"/x": image(status=500)}) as server:
        settings = server.settings(
            default_budget={"connections": 4, "per_second": 1000}, circuit_seconds=60, longest_hold=20
        )
        async with Fetcher(settings, backoff=QUICK) as fetcher:
            fetches = await asyncio.gather(*(fetcher.get([server.url("/x")]) for _ in range(60)))
    outcomes = [fetch.outcome for fetch in fetches if fetch.outcome is not None]
    assert {outcome.reason for outcome in outcomes} == {Reason.SERVER_ERROR}
    assert sum(outcome.detail == "circuit open" for outcome in outcomes) > 50
    assert all(outcome.retry_after is not None for outcome in outcomes)
    assert server.hits["/x"] < 10 + 4


@in_loop
async def test_nothing_that_a_host_says_gets_into_the_next_request() -> None:
    split = "/b%0d%0aX-Evil:%201"
    handlers = {
        "/a": redirect("/b\r\nX-Evil: 1"),
        "/c": raw(b"HTTP/1.1 302 Found\r\nLocation: " + split.encode() + b"\r\nContent-Length: 0\r\n\r\n"),
        "/cookie": image(Set_Cookie="a=b; Path=/", Alt_Svc='h2="127.0.0.1:1"', Refresh="0; url=/evil"),
        "/d": image(),
    }
    async with ImageServer(handlers) as server, Fetcher(server.settings(), backoff=QUICK) as fetcher:
        for path in ("/a", "/c", "/cookie", "/d", "/d\r\nX-Evil: 1", "/d%0d%0aX-Evil:%201", "/d X-Evil: 1"):
            await fetcher.get([server.url(path)])
        headers = [request.headers for request in server.requests]
    assert server.hits["/d"] and not server.hits["/evil"]
    assert not any({"X-Evil", "Cookie", "Referer", "Authorization"} & set(each) for each in headers)
