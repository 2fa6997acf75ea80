"""From pieces of bytes to blocks of whole lines, each with its place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from actors.crawler.sources.dumps.packing import BrokenDumpError

# What fits the cores' own caches: of blocks of 4 MiB a core reads a third less.
BLOCK = 256 << 10
# The largest posts have a few megabytes; a line without end must not fill the memory.
LONGEST_LINE = 16 << 20


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines, and where they start and end in the unpacked file, in bytes.

    ``cut`` says that the last of them was longer than the longest, and is here without the rest of it.
    """

    data: bytes
    start: int
    end: int
    cut: bool = False


def blocks(pieces: Iterator[bytes], skip: int = 0) -> Iterator[Block]:
    """Gather pieces into blocks of 256 KiB or more, from the byte ``skip`` on, which starts a line.

    Where the pieces break off, the whole lines before come first, and then the BrokenDumpError.
    """
    # Should that be within a line that was cut, the rest of it goes with the byte before.
    gathered = _Gathered(dropping=skip > 0)
    skip = max(0, skip - 1)
    broken: BrokenDumpError | None = None
    try:
        for piece in pieces:
            if (block := gathered.add(piece, skip)) is not None:
                yield block
    except BrokenDumpError as error:
        broken = error
    if (block := gathered.rest(whole=broken is not None)) is not None:
        yield block
    if broken is not None:
        raise broken


class _Gathered:
    def __init__(self, *, dropping: bool) -> None:
        self._start = 0
        self._parts: list[bytes] = []
        self._held = 0
        self._goal = BLOCK
        self._dropping = dropping

    def add(self, piece: bytes, skip: int) -> Block | None:
        """Take in a piece; gives a block when there is enough."""
        if self._start + len(piece) <= skip:
            self._start += len(piece)
            return None
        if self._start < skip:
            piece, self._start = piece[skip - self._start :], skip
        if self._dropping:
            piece = self._drop(piece)
        self._parts.append(piece)
        self._held += len(piece)
        return self._block() if self._held >= self._goal else None

    def rest(self, *, whole: bool) -> Block | None:
        """Give what is left; ``whole``: without a last line that has no end."""
        data = b"".join(self._parts)
        end = data.rfind(b"\n") + 1 if whole else len(data)
        return Block(data[:end], self._start, self._start + end) if end else None

    def _block(self) -> Block | None:
        rest = b""
        for place in reversed(range(len(self._parts))):
            if end := self._parts[place].rfind(b"\n") + 1:
                rest = b"".join([self._parts[place][end:], *self._parts[place + 1 :]])
                self._parts[place:] = [self._parts[place][:end]]
                break
        else:
            if self._held < LONGEST_LINE:
                # So that a long line is not searched anew with each of its pieces.
                self._goal = min(2 * self._held, LONGEST_LINE)
                return None
            self._dropping = True
        data = b"".join(self._parts)
        block = Block(data, self._start, self._start + len(data), self._dropping)
        self._start, self._parts, self._held, self._goal = block.end, [rest], len(rest), BLOCK
        return block

    def _drop(self, piece: bytes) -> bytes:
        end = piece.find(b"\n") + 1
        self._dropping = not end
        dropped = end or len(piece)
        self._start += dropped
        return piece[dropped:]
