"""What a host can do to a crawler, and the reason that each ends with (None: it is an image all the same)."""

from __future__ import annotations

import asyncio
import gzip
import zlib

from aiohttp import web

from models.reasons import Reason
from tests.actors.crawler.server import PNG, Handler, image, raw, redirect

OK = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
BOMB_BYTES = 200 << 20


def endless(first: bytes, piece: bytes, pause: float = 0.001) -> Handler:
    """Write this piece for as long as somebody takes it."""

    async def answer(request: web.Request) -> web.StreamResponse:
        transport = request.transport
        assert transport is not None
        transport.write(first)
        while not transport.is_closing():
            await asyncio.sleep(pause)
            if transport.get_write_buffer_size() < 1 << 20:
                transport.write(piece)
        return web.Response()

    return answer


def _declared(length: str, body: bytes = PNG) -> Handler:
    return raw(OK + f"Content-Length: {length}\r\n\r\n".encode() + body)


def _ever_longer() -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        query = request.query_string + "a" * 1000
        return web.Response(status=302, headers={"Location": f"{request.path}?{query}"})

    return answer


def _bomb() -> bytes:
    squeezer = zlib.compressobj(1, wbits=31)
    piece = bytes(1 << 20)
    return b"".join(
        (
            squeezer.compress(PNG[:8]),
            *(squeezer.compress(piece) for _ in range(BOMB_BYTES >> 20)),
            squeezer.flush(),
        )
    )


def sizes() -> dict[str, tuple[Handler, Reason | None]]:
    """Too much, for ever, or not what was declared."""
    bomb = _bomb()
    return {
        "ten-gigabytes": (_declared("10737418240"), Reason.TOO_LARGE),
        "endless": (endless(OK + b"\r\n" + PNG, bytes(65536)), Reason.TOO_LARGE),
        "endless-chunks": (
            endless(CHUNKED, b"10000\r\n" + PNG[:8] + bytes(65528) + b"\r\n"),
            Reason.TOO_LARGE,
        ),
        "gzip-bomb": (image(bomb, Content_Encoding="gzip"), Reason.TOO_LARGE),
        "gzip-in-gzip": (image(gzip.compress(bomb, 1), Content_Encoding="gzip, gzip"), Reason.NOT_AN_IMAGE),
        "gzip-of-many": (image(gzip.compress(PNG) * 500, Content_Encoding="x-gzip"), Reason.TOO_LARGE),
        "gzip-cut": (image(gzip.compress(PNG)[:-4], Content_Encoding="gzip"), Reason.CONNECTION),
        "gzip-broken": (image(PNG, Content_Encoding="gzip"), Reason.HTTP_ERROR),
        "gzip-of-nothing": (image(b"", Content_Encoding="gzip"), Reason.EMPTY),
        "gzip-unasked": (image(gzip.compress(PNG), Content_Encoding="GZIP"), None),
        "deflate": (image(zlib.compress(PNG), Content_Encoding="deflate"), None),
        "encoding-nonsense": (image(PNG, Content_Encoding="utf-8"), None),
        "short": (_declared("90000"), Reason.CONNECTION),
        "long": (_declared("900"), Reason.HTTP_ERROR),
        "length-of-words": (_declared("many"), Reason.HTTP_ERROR),
        "length-with-a-sign": (_declared("+9"), Reason.HTTP_ERROR),
        "length-below-zero": (_declared("-1"), Reason.HTTP_ERROR),
        "length-twice": (_declared("5\r\nContent-Length: 9"), Reason.HTTP_ERROR),
        "length-and-chunks": (
            _declared("5\r\nTransfer-Encoding: chunked", b"0\r\n\r\n"),
            Reason.HTTP_ERROR,
        ),
        "empty": (image(b""), Reason.EMPTY),
    }


def framing() -> dict[str, tuple[Handler, Reason | None]]:
    """Broken chunks, headers without end, and what is no HTTP at all."""
    header = b"".join(b"X-%d: y\r\n" % number for number in range(1000))
    return {
        "chunk-of-letters": (raw(CHUNKED + b"zz\r\nabc\r\n"), Reason.HTTP_ERROR),
        "chunk-below-zero": (raw(CHUNKED + b"-5\r\nabc\r\n"), Reason.HTTP_ERROR),
        "chunk-of-exabytes": (raw(CHUNKED + b"ffffffffffffffff\r\n" + PNG), Reason.CONNECTION),
        "chunk-beyond-64-bits": (raw(CHUNKED + b"fffffffffffffffff\r\n" + PNG), Reason.HTTP_ERROR),
        "chunk-cut": (raw(CHUNKED + b"5\r\nab"), Reason.CONNECTION),
        "chunk-too-long": (raw(CHUNKED + b"5\r\nabcdefgh0\r\n\r\n"), Reason.HTTP_ERROR),
        "chunk-extension": (endless(CHUNKED + b"5;", b"x" * 4096), Reason.TIMEOUT),
        "trailers": (endless(CHUNKED + b"0\r\n", b"X: " + b"y" * 1000 + b"\r\n", 0.01), Reason.CONNECTION),
        "giant-header": (endless(OK + b"X-Giant: ", b"x" * 65536), Reason.HTTP_ERROR),
        "many-headers": (endless(OK, header), Reason.HTTP_ERROR),
        "giant-reason": (endless(b"HTTP/1.1 200 ", b"x" * 65536), Reason.HTTP_ERROR),
        "endless-continue": (endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 9), Reason.TIMEOUT),
        "endless-hints": (endless(b"", b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n" * 9), Reason.TIMEOUT),
        "switch": (raw(b"HTTP/1.1 101 Switch\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"), Reason.HTTP_ERROR),
        "http-0.9": (raw(PNG), Reason.HTTP_ERROR),
        "http-0.9-page": (raw(b"<html>no status</html>"), Reason.HTTP_ERROR),
        "http-2": (raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), Reason.HTTP_ERROR),
        "mail": (raw(b"220 mail.test ESMTP\r\n"), Reason.HTTP_ERROR),
        "version": (raw(b"HTTP/9.9 200 OK\r\nContent-Length: 3\r\n\r\nabc"), Reason.HTTP_ERROR),
        "status-of-letters": (raw(b"HTTP/1.1 2OO OK\r\nContent-Length: 0\r\n\r\n"), Reason.HTTP_ERROR),
        "status-0": (raw(b"HTTP/1.1 000 OK\r\nContent-Length: 3\r\n\r\nabc"), Reason.HTTP_ERROR),
        "status-999": (raw(b"HTTP/1.1 999 No\r\nContent-Length: 0\r\n\r\n"), Reason.HTTP_ERROR),
        "null-in-header": (raw(OK + b"X: a\0b\r\nContent-Length: 3\r\n\r\nabc"), Reason.HTTP_ERROR),
        "closed": (raw(b""), Reason.CONNECTION),
        "reset-in-header": (raw(OK, abort=True, pause=0.01), Reason.CONNECTION),
        "reset-in-body": (
            raw(OK + b"Content-Length: 9000\r\n\r\n" + PNG[:900], abort=True, pause=0.01), Reason.CONNECTION,
        ),
    }  # fmt: skip


def answers() -> dict[str, tuple[Handler, Reason | None]]:
    """Slow ones, statuses that bring no image, pages that say they are images."""
    return {
        "never": (endless(b"", b"", 0.1), Reason.TIMEOUT),
        "slow-headers": (endless(OK + b"X-Slow: ", b"x", 0.1), Reason.TIMEOUT),
        "slow-body": (endless(OK + b"Content-Length: 90000\r\n\r\n", b"\x89", 0.1), Reason.TIMEOUT),
        "slow-chunks": (endless(CHUNKED, b"1\r\n\x89\r\n", 0.1), Reason.TIMEOUT),
        "page-as-jpeg": (
            image(b"<!doctype html>" + b" " * 9000, Content_Type="image/jpeg"),
            Reason.NOT_AN_IMAGE,
        ),
        "json-as-png": (image(b'{"error": "no"}'), Reason.NOT_AN_IMAGE),
        "video-as-gif": (
            image(b"\0\0\0\x18ftypmp42" + bytes(900), Content_Type="image/gif"),
            Reason.NOT_AN_IMAGE,
        ),
        "part": (image(PNG[:900], 206, Content_Range="bytes 0-899/9000"), Reason.HTTP_ERROR),
        "no-content": (image(b"", 204), Reason.EMPTY),
        "not-modified": (image(b"", 304), Reason.HTTP_ERROR),
        "choices": (image(b"", 300), Reason.HTTP_ERROR),
        "proxy": (redirect("/x", 305), Reason.HTTP_ERROR),
        "opted-out": (image(X_Robots_Tag="otherbot: nofollow, *: noai"), Reason.OPTED_OUT),
    }


def redirects(port: int) -> dict[str, tuple[Handler, Reason | None]]:
    """Redirects to where nobody must go; ``port`` is the server's own, which is allowed under another name only."""
    private = {
        "to-loopback": f"http://127.0.0.2:{port}/",
        "to-loopback-6": f"http://[::1]:{port}/",
        "to-mapped": f"http://[::ffff:127.0.0.2]:{port}/",
        "to-metadata": "http://169.254.169.254/latest/meta-data/",
        "to-a-private-name": f"http://localhost:{port}/",
        "to-a-number": f"http://2130706434:{port}/",
        "to-octal": f"http://0177.0.0.2:{port}/",
        "to-nat64": "http://[64:ff9b::7f00:2]/",
        "to-anything": f"http://0.0.0.0:{port}/",
        "to-another-port": f"http://127.0.0.1:{port % 65535 + 1}/",
        "to-wide-digits": f"http://１２７.0.0.2:{port}/",
        "to-user-at": f"http://i.redd.it@127.0.0.2:{port}/",
    }
    nowhere = {
        "to-file": "file:///etc/passwd", "to-ftp": "ftp://127.0.0.1/x", "to-data": "data:image/png;base64,AAAA",
        "to-zone": "http://[fe80::1%25lo]/", "to-port-0": "http://127.0.0.1:0/", "to-no-port": "http://h:x/",
        "to-bracket": "http://[", "to-no-idna": "http://xn--/", "to-nothing": "",
    }  # fmt: skip
    return {
        **{name: (redirect(target), Reason.PRIVATE_ADDRESS) for name, target in private.items()},
        **{name: (redirect(target), Reason.REDIRECTS) for name, target in nowhere.items()},
        "loop": (redirect("/loop"), Reason.REDIRECTS),
        "ever-longer": (_ever_longer(), Reason.REDIRECTS),
        "to-removed": (redirect("https://i.imgur.com/removed.png"), Reason.REMOVED_AT_HOST),
        "to-unavailable": (redirect("//l.yimg.com/g/images/photo_unavailable.gif"), Reason.REMOVED_AT_HOST),
    }
