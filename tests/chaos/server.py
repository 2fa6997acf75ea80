"""The demo world behind a line that can be cut, and that alters what it carries."""

from __future__ import annotations

import random
import time
from collections import Counter

from aiohttp import web

from flows.demo.server import ADDRESS, API_HOSTS, DemoServer
from flows.demo.world import World
from tests.chaos.schedule import MARK, Poison, Schedule

_SPOILT = 0.2
_MOST_FLIPS = 20


class LyingServer(DemoServer):
    """Serves a world as a schedule has it; ``requests`` counts what was asked of it.

    An address's first answer is spoilt or not, and how, by the schedule's seed; later answers are whole.
    ``poisoned`` are the keys of planted images.
    """

    def __init__(self, world: World, schedule: Schedule) -> None:
        super().__init__(world)
        self._schedule = schedule
        self._asked: Counter[str] = Counter()
        self._cut_until = 0.0
        planted = _planted(world, schedule)
        self.poisoned = {key: poison for key, _, poison in planted}
        self._poison = {address: poison for _, address, poison in planted}

    @property
    def requests(self) -> int:
        """Count the requests so far."""
        return self._asked.total()

    @property
    def is_cut(self) -> bool:
        """Tell whether no request is answered now."""
        return time.monotonic() < self._cut_until

    def cut(self, seconds: float) -> None:
        """Drop every connection for so long."""
        self._cut_until = time.monotonic() + seconds

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        host = request.host.partition(":")[0].lower()
        address = f"{host}{request.path}"
        self._asked[address] += 1
        if self.is_cut:
            return _dropped(request)
        response = await super()._answer(request)
        if not isinstance(response, web.Response) or not isinstance(response.body, bytes):
            return response
        if poison := self._poison.get(address):
            response.body = _marked(response.body, poison)
        rng = random.Random(f"{self._schedule.seed} {address}")
        if self._schedule.corrupt and self._asked[address] == 1 and rng.random() < _SPOILT:
            return await _spoilt(rng, request, response, is_data=host in (ADDRESS, *API_HOSTS))
        return response


def _planted(world: World, schedule: Schedule) -> list[tuple[str, str, Poison]]:
    """Choose the pictures that are poison, as (key, address, poison): JPEGs at Reddit that would be looked at."""
    truth = world.truth.by_key()
    fine = [
        (f"{post['name']}/0", str(post["url"]).removeprefix("https://"))
        for post in world.posts
        if post["domain"] == "i.redd.it" and str(post["url"]).endswith(".jpg")
    ]
    fine = [(key, address) for key, address in fine if key in truth and truth[key].acceptable]
    chosen = random.Random(f"goldpan chaos poison {schedule.seed}").sample(fine, len(schedule.poison))
    return [(*one, poison) for one, poison in zip(chosen, schedule.poison, strict=True)]


def _marked(body: bytes, poison: Poison) -> bytes:
    """Put a comment into a JPEG, right behind its first marker."""
    comment = MARK + poison.value.encode()
    return body[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + body[2:]


def _dropped(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=503)


async def _spoilt(
    rng: random.Random, request: web.Request, response: web.Response, *, is_data: bool
) -> web.StreamResponse:
    """Give less than was announced, less than there is, or other bytes; data would be another world then."""
    body = bytes(response.body or b"")  # type: ignore[arg-type]
    kept = body[: int(len(body) * rng.random())]
    how = rng.choice(["broken off", "short"] if is_data else ["broken off", "short", "flipped"])
    if how == "flipped":
        response.body = _flipped(rng, body)
        return response
    if how == "short":
        response.body = kept
        return response
    broken = web.StreamResponse(status=response.status, headers={"Content-Type": response.content_type})
    broken.content_length = len(body)
    await broken.prepare(request)
    await broken.write(kept)
    return _dropped(request)


def _flipped(rng: random.Random, body: bytes) -> bytes:
    flipped = bytearray(body)
    for _ in range(rng.randint(1, _MOST_FLIPS) if body else 0):
        flipped[rng.randrange(len(flipped))] ^= 1 << rng.randrange(8)
    return bytes(flipped)
