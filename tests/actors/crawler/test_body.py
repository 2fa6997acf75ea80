"""A picture that is not wanted costs its first bytes."""

from __future__ import annotations

import io

import pytest
from aiohttp import web
from PIL import Image

from actors.crawler.crawler import Crawler
from actors.crawler.fetch import Fetcher
from models.gates import ShapeGates
from models.reasons import Reason
from models.records import Candidate
from tests.actors.crawler.server import PNG, QUICK, Handler, ImageServer, image, in_loop, until_released

FIRST = 16_000
GATES = ShapeGates(min_pixels=300 * 300)


def picture(name: str, width: int, height: int) -> bytes:
    file = io.BytesIO()
    Image.effect_noise((width, height), 90).convert("RGB").save(file, name, quality=95)
    return file.getvalue()


def first_bytes_of(server: ImageServer, body: bytes, *, chunked: bool = False) -> Handler:
    """Answer the first bytes, and the rest only when the server is released."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        if not chunked:
            response.content_length = len(body)
        await response.prepare(request)
        await response.write(body[:FIRST])
        await server.released.wait()
        await response.write(body[FIRST:])
        return response

    return answer


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("name", ["JPEG", "PNG", "GIF", "WEBP", "AVIF"])
@in_loop
async def test_a_picture_that_is_too_small_is_not_read_to_its_end(name: str, chunked: bool) -> None:
    server = ImageServer()
    server.paths["/x"] = first_bytes_of(server, picture(name, 299, 299), chunked=chunked)
    async with server:
        crawler = Crawler(server.settings(shape=GATES))
        table = await crawler.fetch([Candidate("t3_a", "0", (server.url("/x"),), 4000, 3000)])
        await crawler.close()
    (row,) = table.to_pylist()
    assert (row["reason"], row["stage"], row["data"]) == ("too_small", "fetch", None)
    # What the header says, not what the host had declared.
    assert (row["width"], row["height"], row["http_status"]) == (299, 299, 200)
    assert server.hits["/x"] == 1


@pytest.mark.parametrize(
    ("width", "height", "reason"),
    [(1200, 100, Reason.TOO_WIDE), (100, 1200, Reason.TOO_TALL), (600, 600, Reason.TOO_MANY_PIXELS)],
)
@in_loop
async def test_so_is_one_that_no_gate_lets_through(width: int, height: int, reason: Reason) -> None:
    server = ImageServer()
    server.paths["/x"] = first_bytes_of(server, picture("JPEG", width, height))
    gates = ShapeGates(min_pixels=1, max_pixels=400 * 400)
    async with server, Fetcher(server.settings(shape=gates), backoff=QUICK) as fetcher:
        fetch = await fetcher.get([server.url("/x")])
    assert fetch.outcome is not None and fetch.outcome.reason is reason
    assert fetch.size is not None and (fetch.size.width, fetch.size.height) == (width, height)


@in_loop
async def test_a_smaller_copy_of_what_is_not_wanted_is_not_asked_for() -> None:
    server = ImageServer()
    server.paths["/x"] = first_bytes_of(server, picture("JPEG", 1200, 100))
    gates = ShapeGates(min_pixels=1)
    async with server, Fetcher(server.settings(shape=gates), backoff=QUICK) as fetcher:
        fetch = await fetcher.get([server.url("/x"), server.url("/preview")])
    assert fetch.outcome is not None and fetch.outcome.reason is Reason.TOO_WIDE
    assert fetch.url == server.url("/x") and not server.hits["/preview"]


@in_loop
async def test_what_is_wanted_and_what_is_nearly_there_is_read_to_its_end() -> None:
    small, large = picture("JPEG", 110, 110), picture("JPEG", 400, 400)
    assert len(small) < FIRST < len(large)
    server = ImageServer({"/small": image(small)})
    server.paths["/large"] = until_released(server, image(large))
    server.released.set()
    async with server, Fetcher(server.settings(shape=GATES), backoff=QUICK) as fetcher:
        for path, body in (("/small", small), ("/large", large)):
            fetch = await fetcher.get([server.url(path)])
            assert (fetch.data, fetch.outcome) == (body, None)


@in_loop
async def test_what_nobody_can_read_yet_is_read_to_its_end() -> None:
    body = PNG[:8] + bytes(600_000)  # no header
    async with ImageServer({"/x": image(body)}) as server, Fetcher(server.settings()) as fetcher:
        fetch = await fetcher.get([server.url("/x")])
    assert fetch.data == body
