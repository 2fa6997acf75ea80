"""What dumps are packed in, told by the first bytes: zstd, gzip, xz, bzip2, or nothing."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, Protocol

import zstandard

# Fed so little at a time, a decompressor that meets damage takes few rows with it, and gives at most megabytes.
_PIECE = 16 << 10
HEAD = 64
# The largest that zstd knows; dumps are made with it, and its own default is 2^27.
_WINDOW = 1 << 31
_ZSTD = b"\x28\xb5\x2f\xfd"
_SKIPPABLE = b"\x2a\x4d\x18"  # behind one byte of 50 to 5f: https://www.rfc-editor.org/rfc/rfc8878, 3.1.2
_OTHERS: dict[bytes, Callable[[], Decompressor]] = {
    b"\x1f\x8b": lambda: zlib.decompressobj(wbits=31),
    b"\xfd7zXZ\0": lzma.LZMADecompressor,
    b"BZh": bz2.BZ2Decompressor,
}
_DAMAGE = (zstandard.ZstdError, zlib.error, lzma.LZMAError, OSError, EOFError, MemoryError)
_SMALL = 64 << 20  # what any other reader needs, its block of lines included


class BrokenDumpError(Exception):
    """A dump cannot be read on; the message goes behind its name, and says where."""


class Decompressor(Protocol):
    """What the decompressors of the standard library and of zstandard have in common."""

    @property
    def eof(self) -> bool:
        """Whether the frame, member or stream is at its end; there may be another behind it."""
        ...

    @property
    def unused_data(self) -> bytes:
        """What was given behind that end."""
        ...

    def decompress(self, data: bytes, /) -> bytes:
        """Take in the next bytes."""
        ...


def unpacked(raw: BinaryIO) -> Iterator[bytes]:
    """Yield what is in a file, piece by piece, over all its frames.

    BrokenDumpError where it is damaged, and where it ends before its last frame does: decompressors say
    nothing of that by themselves.
    """
    given, at = _read(raw, 0), 0
    new = _decompressor(given)
    current = new() if new is not None else None
    while given:
        if new is None or current is None:
            yield given
        else:
            piece = given
            while piece:
                if current.eof:
                    # gzip and xz files may be padded: https://www.gnu.org/software/gzip/manual/gzip.html#Tapes
                    piece = piece.lstrip(b"\0")
                    if not piece:
                        break
                    current = new()
                yield _decompress(current, piece, at)
                piece = current.unused_data if current.eof else b""
        at += len(given)
        given = _read(raw, at)
    if current is not None and not current.eof:
        raise BrokenDumpError(f"ends in the middle, at byte {at:,}")


def memory_needed(head: bytes) -> int:
    """Say how many bytes a reader of this file takes, from its first bytes: mostly a zstd window."""
    if not head.startswith(_ZSTD):
        return _SMALL
    try:
        frame = zstandard.get_frame_parameters(head)
    except zstandard.ZstdError:
        return _SMALL
    # A frame that tells its size (else it is 2^64 - 1) needs no window beyond it.
    return _SMALL + min(frame.window_size, frame.content_size)


def _decompressor(head: bytes) -> Callable[[], Decompressor] | None:
    """Give what makes a decompressor for the next frame; None for plain text."""
    if head[4:8] == _ZSTD and not _is_zstd(head):
        raise BrokenDumpError("is in the zst_blocks format; convert it to .zst with its own tool first")
    if _is_zstd(head):
        return zstandard.ZstdDecompressor(max_window_size=_WINDOW).decompressobj
    return next((new for magic, new in _OTHERS.items() if head.startswith(magic)), None)


def _is_zstd(head: bytes) -> bool:
    return head.startswith(_ZSTD) or (head[1:4] == _SKIPPABLE and 0x50 <= head[0] <= 0x5F)


def _read(raw: BinaryIO, at: int) -> bytes:
    try:
        return raw.read(_PIECE)
    except OSError as error:
        raise BrokenDumpError(f"cannot be read at byte {at:,}: {error.strerror or error}") from None


def _decompress(current: Decompressor, piece: bytes, at: int) -> bytes:
    try:
        return current.decompress(piece)
    except _DAMAGE as error:
        if isinstance(error, MemoryError) or "not enough memory" in str(error):
            raise BrokenDumpError("takes more memory to unpack than there is, up to 2 GiB") from None
        raise BrokenDumpError(f"is damaged near byte {at:,} ({error or type(error).__name__})") from None
