from __future__ import annotations

import asyncio
import io
import os
from collections.abc import Callable
from typing import BinaryIO

import pytest

from flows.in_order import in_order


async def gathered(
    lines: BinaryIO, seconds: Callable[[bytes], float], at_a_time: int = 4
) -> tuple[list[bytes], int]:
    """The results in the order they come, and how many lines were worked on at once."""
    running = most = 0

    async def work(line: bytes) -> bytes:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(seconds(line))
        running -= 1
        return line.strip()

    return [result async for result in in_order(lines, work, at_a_time)], most


def test_results_come_in_the_order_of_the_lines_and_so_many_at_a_time() -> None:
    lines = [f"{number}\n".encode() for number in range(30)]
    results, most = asyncio.run(
        gathered(io.BytesIO(b"\n".join(lines)), lambda line: 0.02 / (1 + int(line)), 4)
    )
    assert results == [line.strip() for line in lines]
    assert most == 4


def test_a_line_of_a_pipe_that_stays_open_is_answered_at_once() -> None:
    async def follow() -> list[bytes]:
        reading, writing = os.pipe()
        lines, results = os.fdopen(reading, "rb"), []

        async def work(line: bytes) -> bytes:
            return line.strip()

        os.write(writing, b"one\n")
        async for result in in_order(lines, work):
            results.append(result)
            if result == b"one":
                os.write(writing, b"two\n")
            else:
                os.close(writing)
        return results

    assert asyncio.run(asyncio.wait_for(follow(), 10)) == [b"one", b"two"]


def test_what_cannot_be_read_is_raised_after_what_could() -> None:
    class Broken(io.BytesIO):
        def __next__(self) -> bytes:
            if line := self.readline():
                return line
            raise OSError(5, "Input/output error")

    async def work(line: bytes) -> bytes:
        return line.strip()

    async def read() -> None:
        async for result in in_order(Broken(b"one\n"), work):
            results.append(result)

    results: list[bytes] = []
    with pytest.raises(OSError, match="Input/output"):
        asyncio.run(read())
    assert results == [b"one"]
