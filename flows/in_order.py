"""Work on the lines of a file that may be a pipe: many at a time, their results in the lines' order."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from typing import BinaryIO, TypeVar

AT_A_TIME = 64
Result = TypeVar("Result")


async def in_order(
    lines: BinaryIO, work: Callable[[bytes], Awaitable[Result]], at_a_time: int = AT_A_TIME
) -> AsyncIterator[Result]:
    """Give the result of each line that is not blank, as soon as it and those before it are there."""
    results: asyncio.Queue[asyncio.Task[Result] | OSError | None] = asyncio.Queue()
    room = threading.Semaphore(at_a_time)
    loop = asyncio.get_running_loop()

    def put(line: bytes | OSError | None) -> None:
        results.put_nowait(loop.create_task(_awaited(work, line)) if isinstance(line, bytes) else line)

    def read() -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits for lines any more
            for line in _until_it_breaks(lines):
                if not isinstance(line, bytes) or line.strip():
                    room.acquire()
                    loop.call_soon_threadsafe(put, line)

    # Of its own, and a daemon: nothing ends a thread that waits for a line, and Ctrl-C must not wait for it.
    threading.Thread(target=read, daemon=True, name="lines").start()
    while (result := await results.get()) is not None:
        if isinstance(result, OSError):
            raise result
        yield await result
        room.release()


def _until_it_breaks(lines: BinaryIO) -> Iterator[bytes | OSError | None]:
    try:
        yield from lines
    except OSError as error:
        yield error
    yield None


async def _awaited(work: Callable[[bytes], Awaitable[Result]], line: bytes) -> Result:
    return await work(line)
