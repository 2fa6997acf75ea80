"""A body, read under its cap and only as far as it is wanted."""

from __future__ import annotations

import sys

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

    def __init__(self, shape: ShapeGates, length: int | None) -> None:
        self._shape = shape
        self._length = length
        self.at = ENOUGH
        self.size: Size | None = None

    def look(self, head: bytes) -> None:
        """Raise FetchError where the whole would be no image, or one that the gates do not let through."""
        if self.at == ENOUGH:
            refuse_no_image(head)
        left = _NEVER if self._length is None else self._length - len(head)
        self.at = 2 * len(head) if left >= REST_WORTH_SAVING and len(head) < LONGEST_HEAD else _NEVER
        found = unwanted(head, self._shape) if self.at is not _NEVER else None
        if found is not None:
            self.at = _NEVER
            size, reason = found
            if reason is not None:
                self.size = size
                raise FetchError(reason)


async def read_body(answer: Answer, cap: int, watch: Watch, gate: Gate | None = None) -> bytes:
    """Read a body of at most ``cap`` bytes after decompression; FetchError(too_large) as soon as it is more.

    ``watch`` is asked for room before many bytes are taken. With a ``gate``, what is no image, or none that is wanted,
    is refused as soon as its first bytes say so. A body shorter than its Content-Length is aiohttp's
    ClientPayloadError.
    """
    content, declared = answer.response.content, answer.response.content_length
    if declared is not None and declared > cap:
        raise FetchError(Reason.TOO_LARGE, "declared")
    if declared is not None:
        await answer.pause(watch.room(declared))
    room = declared or _FIRST_ROOM
    inflate = inflater(answer.response.headers.get("Content-Encoding"))
    parts: list[bytes] = []
    size = 0
    while chunk := await content.readany():
        part = chunk if inflate is None else inflate.feed(chunk, cap + 1 - size)
        parts.append(part)
        size += len(part)
        if size > cap:
            raise FetchError(Reason.TOO_LARGE)
        if size > room:
            room = min(2 * size, cap)
            await answer.pause(watch.room(room))
        if gate is not None and size >= gate.at and not content.at_eof():
            gate.look(b"".join(parts))
    if inflate is not None and parts:
        inflate.end()
    data = b"".join(parts)
    if gate is not None and gate.at == ENOUGH:
        refuse_no_image(data)
    return data


def refuse_no_image(data: bytes) -> None:
    """Raise FetchError where these bytes, or all that begins so, cannot be an image."""
    if not data:
        raise FetchError(Reason.EMPTY)
    if is_no_image(data):
        raise FetchError(Reason.NOT_AN_IMAGE)
