"""What the image server can give, and what a bare client makes of it: above these no crawler gets."""

from __future__ import annotations

import asyncio
import hashlib
import socket
import time
from collections import Counter
from http.client import HTTPConnection

import aiohttp

from benchmarks.image_server import urls

_SOCKETS = 32
_CONNECTIONS = 64
_BUFFER = 1 << 18


def served(port: int, count: int) -> Counter[str]:
    """Fetch each image once, and count its sha256."""
    connection = HTTPConnection("127.0.0.1", port)
    found: Counter[str] = Counter()
    for url in urls(port, count):
        connection.request("GET", f"/{url.rpartition('/')[2]}")
        found[hashlib.sha256(connection.getresponse().read()).hexdigest()] += 1
    connection.close()
    return found


def by_sockets(port: int, count: int) -> float:
    """Give images a second over sockets that are read into one buffer and kept open."""
    sockets = [socket.create_connection(("127.0.0.1", port)) for _ in range(_SOCKETS)]
    buffer = bytearray(_BUFFER)
    started = time.perf_counter()
    for first in range(0, count, _SOCKETS):
        asked = list(zip(range(first, min(first + _SOCKETS, count)), sockets, strict=False))
        for number, one in asked:
            one.sendall(b"GET /%d.jpg HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" % number)
        for _, one in asked:
            _read_answer(one, buffer)
    seconds = time.perf_counter() - started
    for one in sockets:
        one.close()
    return count / seconds


def _read_answer(asked: socket.socket, buffer: bytearray) -> None:
    got = asked.recv_into(buffer)
    head = bytes(buffer[:got]).partition(b"\r\n\r\n")[0]
    left = len(head) + 4 + int(head.rpartition(b"Content-Length: ")[2]) - got
    while left:
        left -= asked.recv_into(buffer)


async def by_aiohttp(port: int, count: int) -> float:
    """Give images a second with nothing but the library that the crawler uses; bodies are let go."""
    connector = aiohttp.TCPConnector(limit=_CONNECTIONS)
    async with aiohttp.ClientSession(connector=connector, read_bufsize=_BUFFER) as session:

        async def get(url: str) -> None:
            async with session.get(url) as response:
                await response.read()

        started = time.perf_counter()
        await asyncio.gather(*map(get, urls(port, count)))
        return count / (time.perf_counter() - started)
