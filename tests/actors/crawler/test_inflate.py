"""What a host has compressed is undone in small pieces, whatever they come to."""

from __future__ import annotations

import gzip
import random
import zlib

import pytest

from actors.crawler.failures import FetchError
from actors.crawler.inflate import PIECE, Inflate

NOISE = random.Random(0).randbytes(300_000)


def inflated(data: bytes, chunk: int) -> bytes:
    inflate = Inflate()
    pieces = [piece for at in range(0, len(data), chunk) for piece in inflate.pieces(data[at : at + chunk])]
    assert max(map(len, pieces)) <= PIECE
    inflate.end()
    return b"".join(pieces)


@pytest.mark.parametrize("chunk", [77, 10_000_000])
@pytest.mark.parametrize(
    "data",
    [
        b"",
        NOISE[:1000],
        bytes(2 * PIECE),
        bytes(2 * PIECE + 1),
        bytes(999_999) + NOISE[: PIECE + 7] + bytes(99),
    ],
)
def test_all_comes_out_in_pieces(data: bytes, chunk: int) -> None:
    assert inflated(gzip.compress(data), chunk) == data
    assert inflated(zlib.compress(data), chunk) == data
    assert inflated(gzip.compress(data) * 8, chunk) == data * 8


def test_what_is_held_back_within_zlib_comes_out_too() -> None:
    # Their last bytes are taken long before all that they stand for is given.
    for size in range(PIECE - 300, PIECE + 300):
        assert inflated(gzip.compress(bytes(size)), 10_000_000) == bytes(size)


def test_a_ninth_member_is_refused() -> None:
    with pytest.raises(FetchError, match="members"):
        inflated(gzip.compress(b"") * 9, 20)
