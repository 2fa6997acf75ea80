"""A local image host for benchmarks: JPEGs of a chosen size, at once or some time away.

It answers from memory with one send a request, so that on two cores the client is what is measured; it speaks as
much HTTP/1.1 as that takes: GET of a known path, keep-alive unless the client closes.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from actors.crawler.settings import HostBudget

PHOTO = (1280, 1024)
AWAY_SECONDS = (0.03, 0.12)
SLOW_SECONDS = 10.0
SLOW_EVERY = 100
_REQUEST = re.compile(rb"GET /(\d+)\.jpg HTTP/1\.1\r\n")
_TAIL = 8  # bytes behind an image's end, so that no two are exact duplicates


@dataclass(frozen=True, slots=True)
class Album:
    """The pictures that are served in turn: how many, and the sizes in pixels that they go between."""

    pictures: int
    smallest: tuple[int, int]
    largest: tuple[int, int]

    def size(self, seed: int) -> tuple[int, int]:
        """Give the width and height of a picture."""
        part = seed / max(1, self.pictures - 1)
        width, height = (
            round(low + (high - low) * part) for low, high in zip(self.smallest, self.largest, strict=True)
        )
        return width, height


ALBUMS = {
    "small": Album(48, (310, 248), (440, 352)),  # 20 to 40 KB
    "photos": Album(48, PHOTO, PHOTO),  # about 270 KB
    "large": Album(8, (3600, 2800), (5600, 4500)),  # 2 to 5 MB
}


def picture(seed: int, size: tuple[int, int] = PHOTO) -> bytes:
    """Make a JPEG from smooth noise with grain; its size in bytes is that of a photograph."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 255, (10, 12, 3), np.uint8)
    smooth = np.asarray(Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC), np.int16)
    grain = random.normal(0, 9, (size[1], size[0], 1)).astype(np.int16)
    buffer = io.BytesIO()
    Image.fromarray(np.clip(smooth + grain, 0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def lifted(port: int) -> dict[str, Any]:
    """Make the crawl's settings for this server: it may be asked, as much as can be, and for every size."""
    budget = HostBudget(connections=256, per_second=100_000)
    return {
        "allow_private": [f"127.0.0.1:{port}"],
        "host_budgets": {"127.0.0.1": budget.model_dump()},
        "shape": {"min_pixels": 1},
    }


def urls(port: int, count: int) -> list[str]:
    """Give the URLs of ``count`` images."""
    return [f"http://127.0.0.1:{port}/{number}.jpg" for number in range(count)]


class Host:
    """What is served, and how far away each URL is."""

    def __init__(self, album: Album, *, away: bool, slow: bool) -> None:
        self._pictures = [picture(seed, album.size(seed)) for seed in range(album.pictures)]
        self._away, self._slow = away, slow

    def body(self, number: int) -> tuple[bytes, bytes]:
        """Give an image's bytes in two parts."""
        return self._pictures[number % len(self._pictures)], number.to_bytes(_TAIL, "big")

    def delay(self, number: int) -> float:
        """Give the seconds before an answer."""
        if self._slow and number % SLOW_EVERY == SLOW_EVERY // 2:
            return SLOW_SECONDS
        return np.random.default_rng(number).uniform(*AWAY_SECONDS) if self._away else 0.0


class Connection(asyncio.Protocol):
    """Answers one request after the other."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._asked = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep where to answer."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer when the request's head is whole."""
        self._asked += data
        if not self._asked.endswith(b"\r\n\r\n"):
            return
        asked, self._asked = self._asked, b""
        found = _REQUEST.match(asked)
        number = int(found[1]) if found else None
        last = b"connection: close" in asked.lower()
        if number is None:
            self._send([b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"], last)
        elif delay := self._host.delay(number):
            asyncio.get_running_loop().call_later(delay, self._answer, number, last)
        else:
            self._answer(number, last)

    def _answer(self, number: int, last: bool) -> None:
        body = self._host.body(number)
        head = b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % sum(
            map(len, body)
        )
        self._send([head, *body], last)

    def _send(self, parts: list[bytes], last: bool) -> None:
        assert self._transport is not None
        self._transport.writelines(parts)
        if last:
            self._transport.close()


async def serve(host: Host) -> None:
    """Serve until stdin closes; prints the port."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(host), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


@contextmanager
def running(album: str, *flags: str) -> Iterator[int]:
    """Run the server in a process of its own; gives its port."""
    command = [sys.executable, "-m", "benchmarks.image_server", album, *flags]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdin is not None
        yield int(process.stdout.readline())
        process.stdin.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("album", choices=ALBUMS)
    parser.add_argument("--away", action="store_true", help="each answer takes 30 to 120 ms")
    parser.add_argument("--slow", action="store_true", help="1 %% of URLs take 10 s")
    given = parser.parse_args()
    asyncio.run(serve(Host(ALBUMS[given.album], away=given.away, slow=given.slow)))
