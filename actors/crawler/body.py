"""A body, read under its cap and only as far as it is wanted."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing

from actors.crawler.failures import FetchError
from actors.crawler.inflate import inflater
from actors.crawler.peek import LONGEST_HEAD, Size, unwanted
from actors.crawler.sniff import ENOUGH, is_no_image
from actors.crawler.transport import Answer, Watch
from models.gates import ShapeGates
from models.reasons import Reason

# Less than this is read to its end: a connection that is closed has to be opened again.
REST_WORTH_SAVING = 1 << 14
# What is taken of a body of unknown length before there has to be room for it.
_FIRST_ROOM = 1 << 16
_NEVER = sys.maxsize


class Gate:
    """Looks at an image's first bytes, at twice as many each time, until it knows whether the rest is wanted.

    ``at`` is how many bytes there have to be for the next look; ``size`` is set where the picture is not wanted.
    """

    def __init__(self, shape: ShapeGates) -> None:
        self._shape = shape
        self.at = ENOUGH
        self.size: Size | None = None

    def look(self, head: bytes, left: int) -> None:
        """Raise FetchError where the whole would be no image, or one that the gates do not let through.

        ``left`` is how many bytes may be saved.
        """
        if self.at == ENOUGH:
            refuse_no_image(head)
        self.at = 2 * len(head) if left >= REST_WORTH_SAVING and len(head) < LONGEST_HEAD else _NEVER
        found = unwanted(head, self._shape) if self.at is not _NEVER else None
        if found is not None:
            self.at = _NEVER
            size, reason = found
            if reason is not None:
                self.size = size
                raise FetchError(reason)


async def read_body(answer: Answer, cap: int, watch: Watch, gate: Gate | None = None) -> bytes:
    """Read a body of at most ``cap`` bytes, also after decompression; FetchError(too_large) as soon as it is more.

    ``watch`` is asked for room before many bytes are taken. With a ``gate``, what is no image, or none that is wanted,
    is refused as soon as its first bytes say so. A body shorter than its Content-Length is aiohttp's
    ClientPayloadError.
    """
    declared = answer.response.content_length
    if declared is not None and declared > cap:
        raise FetchError(Reason.TOO_LARGE, "declared")
    if declared is not None:
        await answer.make_room(watch, declared)
    room = declared or _FIRST_ROOM
    parts: list[bytes] = []
    size = 0
    async with aclosing(_pieces(answer, cap)) as pieces:
        async for part, left in pieces:
            parts.append(part)
            size += len(part)
            if size > cap:
                raise FetchError(Reason.TOO_LARGE)
            if size > room:
                room = min(2 * size, cap)
                await answer.make_room(watch, room)
            if gate is not None and size >= gate.at and left:
                gate.look(b"".join(parts), left)
    data = b"".join(parts)
    if gate is not None and gate.at == ENOUGH:
        refuse_no_image(data)
    return data


async def _pieces(answer: Answer, cap: int) -> AsyncGenerator[tuple[bytes, int]]:
    """Give a body's bytes as they come, inflated, and how many are left (at most: nobody knows how many there are)."""
    content, declared = answer.response.content, answer.response.content_length
    inflate = inflater(answer.response.headers.get("Content-Encoding"))
    taken = 0
    while chunk := await content.readany():
        taken += len(chunk)
        if inflate is None:
            known = _NEVER if declared is None else declared - taken
            yield chunk, 0 if content.at_eof() else known
            continue
        if taken > cap:
            raise FetchError(Reason.TOO_LARGE, "compressed")
        for piece in inflate.pieces(chunk):
            yield piece, _NEVER
            await asyncio.sleep(0)  # all that a chunk comes to is long work
    if inflate is not None and taken:
        inflate.end()


def refuse_no_image(data: bytes) -> None:
    """Raise FetchError where these bytes, or all that begins so, cannot be an image."""
    if not data:
        raise FetchError(Reason.EMPTY)
    if is_no_image(data):
        raise FetchError(Reason.NOT_AN_IMAGE)
