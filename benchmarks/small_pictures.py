"""Bytes that a list of pictures that are too small costs, with the gate on a body's first bytes and without it.

    python -m benchmarks.small_pictures

The server sends 16 KiB every 10 ms a connection, about what a distant host does, and counts what it has sent.
"""

from __future__ import annotations

import asyncio
import io
import time

from aiohttp import web
from PIL import Image

from actors.crawler.fetch import Fetcher
from actors.crawler.settings import CrawlSettings, HostBudget
from benchmarks.image_server import picture
from models.gates import ShapeGates

COUNT = 200
SIDES = (1000, 800)
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "AVIF")
PIECE, PAUSE = 1 << 14, 0.01


class Slow:
    """Sends a picture piece by piece, and counts."""

    def __init__(self) -> None:
        self.sent = 0
        self.whole = 0
        self._bodies: dict[str, bytes] = {}
        for name in FORMATS:
            file = io.BytesIO()
            Image.open(io.BytesIO(picture(1))).resize(SIDES).save(file, name)
            self._bodies[name] = file.getvalue()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Send until the client has had enough."""
        body = self._bodies[FORMATS[int(request.match_info["number"]) % len(FORMATS)]]
        self.whole += len(body)
        response = web.StreamResponse()
        response.content_length = len(body)
        await response.prepare(request)
        for at in range(0, len(body), PIECE):
            await response.write(body[at : at + PIECE])
            self.sent += len(body[at : at + PIECE])
            await asyncio.sleep(PAUSE)
        return response


async def measure(gates: ShapeGates) -> str:
    """Fetch all of them; gives MB sent, of how many, and seconds."""
    slow = Slow()
    application = web.Application()
    application.router.add_get("/{number:[0-9]+}", slow.answer)
    runner = web.AppRunner(application, access_log=None, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    budget = HostBudget(connections=16, per_second=10_000)
    settings = CrawlSettings(allow_private=("127.0.0.1",), default_budget=budget, shape=gates)
    began = time.monotonic()
    async with Fetcher(settings) as fetcher:
        await asyncio.gather(*(fetcher.get([f"{base}/{number}"]) for number in range(COUNT)))
    took = time.monotonic() - began
    await runner.cleanup()
    return f"{slow.sent / 1e6:6.1f} MB sent of {slow.whole / 1e6:.1f} MB, {took:.1f} s"


if __name__ == "__main__":
    print(f"{COUNT} pictures of {SIDES[0]} x {SIDES[1]}, {', '.join(FORMATS)}")
    print("without the gate", asyncio.run(measure(ShapeGates(min_pixels=0))))
    print("with it         ", asyncio.run(measure(ShapeGates())))
