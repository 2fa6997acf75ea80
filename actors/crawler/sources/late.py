"""Ids that were absent when they were asked for: still being processed, or gone for good."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from actors.crawler.sources.post_id import id_of, number_of
from actors.crawler.sources.resume import PostId
from actors.crawler.sources.source import PAGE

_ALL = (1 << PAGE) - 1
# Of a queue, its first and last block, and in how many seconds they are due.
Told = tuple[PostId, PostId, float, float] | tuple[()]


@dataclass(frozen=True, slots=True)
class Block:
    """Up to 100 numbers from ``start``: a bit for each that was absent, and when they may be asked for again."""

    start: int
    absent: int
    due: float

    def numbers(self) -> Iterator[int]:
        """Give the absent ones."""
        return (self.start + place for place in range(PAGE) if self.absent >> place & 1)

    def without(self, found: set[int]) -> int:
        """Give the bits of those that are absent still."""
        return sum(1 << number - self.start for number in self.numbers() if number not in found)


class Late:
    """A queue for each try that is left, in the order of the numbers; ``delays`` are the seconds before each.

    A hundred numbers are one block, so that memory follows from how many were asked for in the time of all delays.
    """

    def __init__(self, delays: Sequence[float]) -> None:
        self._delays = delays
        self._queues: tuple[deque[Block], ...] = tuple(deque() for _ in delays)

    def __len__(self) -> int:
        return sum(map(len, self._queues))

    def add(self, numbers: range, found: set[int], now: float) -> None:
        """Remember what was not found of up to 100 numbers, higher than all before."""
        absent = sum(1 << place for place, number in enumerate(numbers) if number not in found)
        self._put(0, numbers.start, absent, now)

    def take(self, now: float) -> list[tuple[int, Block]]:
        """Take blocks that are due, of 100 numbers between them at most, each with its try."""
        taken: list[tuple[int, Block]] = []
        room = PAGE
        for tries, queue in enumerate(self._queues):
            while queue and queue[0].due <= now and queue[0].absent.bit_count() <= room:
                block = queue.popleft()
                room -= block.absent.bit_count()
                taken.append((tries, block))
        return taken

    def put_back(self, taken: Iterable[tuple[int, Block]], found: set[int], now: float) -> None:
        """Let those that were found go, and those that had their last try."""
        for tries, block in taken:
            if tries + 1 < len(self._delays):
                self._put(tries + 1, block.start, block.without(found), now)

    def _put(self, tries: int, start: int, absent: int, now: float) -> None:
        if absent:
            self._queues[tries].append(Block(start, absent, now + self._delays[tries]))

    def state(self, now: float) -> list[list[str | int]]:
        """Say of each queue what can be told in four words, or in none where it is empty."""
        return [
            [id_of(queue[0].start), id_of(queue[-1].start), *(round(queue[end].due - now) for end in (0, -1))]
            if queue
            else []
            for queue in self._queues
        ]

    def restore(self, state: Sequence[Told], now: float) -> None:
        """Fill the queues as far as their state tells: every number from the first to the last block is absent.

        What was found before is then found again, which does no harm.
        """
        for queue, told in zip(self._queues, state, strict=True):
            if not told:
                continue
            first, last, due, last_due = number_of(told[0]), number_of(told[1]), told[2], told[3]
            starts = range(first, last + PAGE, PAGE)
            for place, start in enumerate(starts):
                spread = (last_due - due) * place / len(starts)
                queue.append(Block(start, _ALL, now + due + spread))
