"""A local image host for benchmarks: JPEGs of about 270 KB, 30 to 120 ms away, 1 % of URLs 10 s away."""

from __future__ import annotations

import argparse
import asyncio
import io
import sys

import numpy as np
from aiohttp import web
from PIL import Image

PICTURES = 48
SIZE = (1280, 1024)
FAST_SECONDS = (0.03, 0.12)
SLOW_SECONDS = 10.0
SLOW_EVERY = 100


def picture(seed: int) -> bytes:
    """Make a JPEG of SIZE from smooth noise with grain; its size in bytes is that of a photograph."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 255, (10, 12, 3), np.uint8)
    smooth = np.asarray(Image.fromarray(coarse).resize(SIZE, Image.Resampling.BICUBIC), np.int16)
    grain = random.normal(0, 9, (SIZE[1], SIZE[0], 1)).astype(np.int16)
    buffer = io.BytesIO()
    Image.fromarray(np.clip(smooth + grain, 0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def urls(port: int, count: int) -> list[str]:
    """Give the URLs of ``count`` images."""
    return [f"http://127.0.0.1:{port}/{number}.jpg" for number in range(count)]


async def serve(slow: bool) -> None:
    """Serve until stdin closes; prints the port."""
    pictures = [picture(seed) for seed in range(PICTURES)]

    async def answer(request: web.Request) -> web.Response:
        number = int(request.match_info["number"])
        delay = np.random.default_rng(number).uniform(*FAST_SECONDS)
        await asyncio.sleep(SLOW_SECONDS if slow and number % SLOW_EVERY == SLOW_EVERY // 2 else delay)
        # A few bytes behind the image's end, so that no two are exact duplicates.
        body = pictures[number % PICTURES] + number.to_bytes(8, "big")
        return web.Response(body=body, content_type="image/jpeg")

    application = web.Application()
    application.router.add_get("/{number:[0-9]+}.jpg", answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--no-slow", action="store_true", help="no URL takes 10 s")
    asyncio.run(serve(slow=not parser.parse_args().no_slow))
