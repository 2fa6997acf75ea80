"""A body that its host has compressed, although it was not asked to: undone piece by piece, under the cap.

Not aiohttp's own: it takes a gzip stream that is cut off for a whole one (3.14).
"""

from __future__ import annotations

import zlib

from actors.crawler.failures import FetchError
from models.reasons import Reason

_KNOWN = ("gzip", "x-gzip", "deflate")
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS


class Inflate:
    """Undoes gzip or zlib, in as many members as there are."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP_OR_ZLIB)

    def feed(self, data: bytes, most: int) -> bytes:
        """Give what these bytes come to, at most so many; FetchError where they cannot be inflated."""
        parts: list[bytes] = []
        try:
            while data and most > 0:
                if self._member.eof:
                    self._member = zlib.decompressobj(_GZIP_OR_ZLIB)
                parts.append(self._member.decompress(data, most))
                most -= len(parts[-1])
                data = self._member.unused_data
        except zlib.error:
            raise FetchError(Reason.HTTP_ERROR, "Content-Encoding") from None
        return b"".join(parts)

    def end(self) -> None:
        """Raise FetchError where the end is missing."""
        if not self._member.eof:
            raise FetchError(Reason.CONNECTION, "cut in its Content-Encoding", temporary=True)


def inflater(encoding: str | None) -> Inflate | None:
    """Give what undoes a Content-Encoding; None for what is none, or none that is known: the bytes decide then."""
    return Inflate() if (encoding or "").strip().lower() in _KNOWN else None
