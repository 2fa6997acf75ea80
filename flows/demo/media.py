"""The image hosts of a world: what a URL answers, with every trouble that real hosts give."""

from __future__ import annotations

import asyncio
import io
import random
from pathlib import PurePosixPath

from aiohttp import web
from PIL import Image

from flows.demo.desk import Answer
from flows.demo.exhibits import Serving
from flows.demo.links import FLICKR_REMOVED, IMGUR_REMOVED
from flows.demo.pictures import Photo, Picture
from flows.demo.studio import Studio

CONTENT_TYPES = {
    "jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "webp": "image/webp",
    "gif": "image/gif", "avif": "image/avif", "tif": "image/tiff", "tiff": "image/tiff", "bmp": "image/bmp",
}  # fmt: skip
HUGE_LENGTH = 70 << 20
KEPT_OF_TRUNCATED = 0.6
RETRY_AFTER = "1"
OPT_OUTS = ("noai, noimageai", "noimageindex", "NoIndex")
# https://imgur.com answers for what is gone with this picture and tag.
PLACEHOLDER_SIZE = (161, 81)
PLACEHOLDER_TAG = '"d835884373f4d6c8f24742ceabe74946"'
PAGE = "<!doctype html><html><head><title>{host}</title></head><body><p>Please sign in.</p></body></html>"
_STATUS = {Serving.MISSING: 404, Serving.FORBIDDEN: 403}
_FIRST_TIME = {Serving.RECOVERS: 503, Serving.BUSY: 429}


class MediaHosts:
    """Answers for every host that has pictures or pages."""

    def __init__(self, answers: dict[str, Answer], studio: Studio) -> None:
        self._answers = answers
        self._studio = studio
        self._asked: set[str] = set()
        # imgur serves an image under any extension.
        self._imgur = {
            str(PurePosixPath(p).with_suffix("")): a for p, a in answers.items() if p.startswith("i.imgur.")
        }

    async def answer(self, request: web.Request, host: str) -> web.StreamResponse:
        """Answer one request."""
        address = f"{host}{request.path}"
        if f"https://{address}" in (IMGUR_REMOVED, FLICKR_REMOVED):
            return web.Response(
                body=_placeholder(), content_type="image/png", headers={"ETag": PLACEHOLDER_TAG}
            )
        answer = self._answers.get(address)
        if answer is None and host == "i.imgur.com":
            answer = self._imgur.get(str(PurePosixPath(address).with_suffix("")))
        if answer is None:
            return _page(host, 404 if "." in PurePosixPath(request.path).name else 200)
        # https://i.redd.it shows a page around the picture to what looks like a browser.
        if host == "i.redd.it" and request.headers.get("Accept", "").startswith("text/html"):
            return _page(host, 200)
        return await self._served(request, host, address, answer)

    async def _served(
        self, request: web.Request, host: str, address: str, answer: Answer
    ) -> web.StreamResponse:
        first, serving = address not in self._asked, answer.serving
        self._asked.add(address)
        if serving is Serving.HUGE:
            return await _huge(request)
        if first and serving in _FIRST_TIME:
            return web.Response(status=_FIRST_TIME[serving], headers={"Retry-After": RETRY_AFTER})
        trouble = _trouble(host, address, answer)
        return trouble if trouble is not None else await self._picture(address, answer)

    async def _picture(self, address: str, answer: Answer) -> web.Response:
        if answer.picture is None:
            return web.Response(status=404)
        body = await self.bytes_of(answer.picture)
        headers = {}
        if answer.serving is Serving.OPTED_OUT:
            headers["X-Robots-Tag"] = random.Random(address).choice(OPT_OUTS)
        if answer.serving is Serving.TRUNCATED:
            body = body[: int(len(body) * KEPT_OF_TRUNCATED)]
        kind = CONTENT_TYPES.get(answer.picture.suffix, "application/octet-stream")
        return web.Response(body=body, content_type=kind, headers=headers)

    async def bytes_of(self, picture: Picture | Photo) -> bytes:
        """A picture's file, once it is painted."""
        path = picture.path if isinstance(picture, Photo) else await self._studio.path(picture)
        return await asyncio.to_thread(path.read_bytes)


def _trouble(host: str, address: str, answer: Answer) -> web.Response | None:
    """What a host answers every time instead of a picture, if it does."""
    if answer.redirect:
        return web.Response(status=302, headers={"Location": answer.redirect})
    match answer.serving:
        case Serving.BROKEN:
            return web.Response(status=random.Random(address).choice((500, 502, 503)))
        case Serving.HTML:
            return web.Response(body=PAGE.format(host=host).encode(), content_type="image/jpeg")
        case Serving.EMPTY:
            return web.Response(body=b"", content_type="image/jpeg")
        case serving if serving in _STATUS:
            return _page(host, _STATUS[serving])
    return None


def _page(host: str, status: int) -> web.Response:
    return web.Response(text=PAGE.format(host=host), content_type="text/html", status=status)


def _placeholder() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", PLACEHOLDER_SIZE, "black").save(buffer, "PNG")
    return buffer.getvalue()


async def _huge(request: web.Request) -> web.StreamResponse:
    """Announce more than anybody wants, and send no more than its beginning."""
    response = web.StreamResponse(headers={"Content-Type": "image/jpeg", "Content-Length": str(HUGE_LENGTH)})
    response.force_close()
    await response.prepare(request)
    await response.write(b"\xff\xd8\xff\xe0" + bytes(1 << 16))
    if request.transport:
        request.transport.close()
    return response
