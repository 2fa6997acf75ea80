"""A body that its host has compressed, although it was not asked to: undone in small pieces.

Not aiohttp's own: it takes a gzip stream that is cut off for a whole one (3.14).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from actors.crawler.failures import FetchError
from models.reasons import Reason

# One of zeros takes a thousandth of it.
PIECE = 1 << 16
# Any number is allowed (RFC 1952, 2.2), and one is what hosts send; an empty one costs a host 20 bytes.
_MOST_MEMBERS = 8
_KNOWN = ("gzip", "x-gzip", "deflate")
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS


class Inflate:
    """Undoes gzip or zlib, in as many members as a host may have reason to send."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP_OR_ZLIB)
        self._members = 1

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Give what these bytes come to, at most ``PIECE`` at a time; FetchError where they cannot be inflated."""
        for start in range(0, len(data), PIECE):
            left, full = data[start : start + PIECE], False
            while left or full:
                if self._member.eof:
                    self._next_member()
                try:
                    piece = self._member.decompress(left, PIECE)
                except zlib.error:
                    raise FetchError(Reason.HTTP_ERROR, "Content-Encoding") from None
                yield piece
                ended = self._member.eof
                left = self._member.unused_data if ended else self._member.unconsumed_tail
                # All bytes may be taken while there is more to give.
                full = len(piece) == PIECE and not ended

    def _next_member(self) -> None:
        if self._members == _MOST_MEMBERS:
            raise FetchError(Reason.HTTP_ERROR, "Content-Encoding of many members")
        self._members += 1
        self._member = zlib.decompressobj(_GZIP_OR_ZLIB)

    def end(self) -> None:
        """Raise FetchError where the end is missing."""
        if not self._member.eof:
            raise FetchError(Reason.CONNECTION, "cut in its Content-Encoding", temporary=True)


def inflater(encoding: str | None) -> Inflate | None:
    """Give what undoes a Content-Encoding; None for what is none, or none that is known: the bytes decide then."""
    return Inflate() if (encoding or "").strip().lower() in _KNOWN else None
