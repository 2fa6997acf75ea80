"""A thread that reads one file ahead of who takes from it."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Iterator
from itertools import takewhile
from typing import Any

import orjson
import pyarrow as pa

from actors.crawler.sources.dumps.files import DumpFile
from actors.crawler.sources.dumps.lines import Block, blocks
from actors.crawler.sources.dumps.packing import BrokenDumpError, unpacked
from actors.crawler.sources.dumps.wanted import Wanted
from actors.crawler.sources.post import submission_of
from actors.crawler.sources.source import PAGE
from models.records import Submission

# More than is judged in a minute: while one file waits for its turn, the next need not.
AHEAD = 2000
_PATIENCE = 1.0  # seconds
_SAMPLE = 100  # lines
_BLANK = b" \t\r\n\0"
_MARK = b"\xef\xbb\xbf"  # the byte order mark that some editors put first


class Reader:
    """Reads a file from the byte ``skip`` of its text on, and waits when 2000 submissions were not taken.

    When it has ``ended``, ``failure`` says what went wrong, ``kind`` what else than posts the file holds,
    ``malformed`` how many lines could not be read, and ``comments`` how many were comments.
    """

    def __init__(self, file: DumpFile, wanted: Wanted, source: str, skip: int = 0) -> None:
        self.file = file
        # It stays should the thread die of what nobody thought of; the traceback goes to the log.
        self.failure: str | None = "could not be read, for a reason that the log has"
        self.kind: str | None = None
        self.malformed = self.comments = 0
        self._wanted, self._source, self._skip = wanted, source, skip
        self._changed = threading.Condition()
        self._found: deque[tuple[Submission, int]] = deque()
        self._place = skip
        self._done = self._closed = False
        threading.Thread(target=self._run, name=f"dump {file.name}", daemon=True).start()

    @property
    def ended(self) -> bool:
        """Whether it is at its end, and all was taken."""
        return self._done and not self._found

    def take(self, most: int) -> tuple[list[Submission], int]:
        """Give so many submissions, or what there is after a second, and the place in the text behind them."""
        with self._changed:
            self._changed.wait_for(lambda: self._done or len(self._found) >= most, _PATIENCE)
            taken = [self._found.popleft() for _ in range(min(most, len(self._found)))]
            self._changed.notify_all()
            place = taken[-1][1] if taken and self._found else self._place
        return [submission for submission, _ in taken], place

    def close(self) -> None:
        """Let it end early."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _run(self) -> None:
        try:
            with self.file.open() as raw:
                pieces = takewhile(lambda _: not self._closed, unpacked(raw))
                self._read(blocks(pieces, self._skip))
            self.failure = None
        except (BrokenDumpError, OSError, pa.ArrowException) as error:
            self.failure = reason(error)
        finally:
            with self._changed:
                self._done = True
                self._changed.notify_all()

    def _read(self, found: Iterator[Block]) -> None:
        for block in found:
            self.kind = kind_of(block.data) if block.start == 0 else None
            if self.kind is not None:
                return
            for start, end in self._wanted.spans(block.data):
                self._take_in(block, start, end)
            _check_last_line(block)
            self._tell(None, block.end)
        if not self._place:
            self.kind = "nothing"

    def _take_in(self, block: Block, start: int, end: int) -> None:
        line = _stripped(block.data[start:end])
        if not line:
            return
        try:
            post = parsed(line)
        except ValueError:
            if _is_open(block) and end == len(block.data):
                return
            self.malformed += 1
            post = line.decode("utf-8", "backslashreplace")
        if is_comment(post):
            self.comments += 1
        elif not isinstance(post, dict) or self._wanted.admits(post):
            self._tell(submission_of(post, self._source), min(block.start + end + 1, block.end))

    def _tell(self, submission: Submission | None, place: int) -> None:
        with self._changed:
            if submission is not None:
                self._changed.wait_for(lambda: len(self._found) < AHEAD or self._closed)
                self._found.append((submission, place))
            self._place = place
            if len(self._found) >= PAGE:
                self._changed.notify_all()


def reason(error: Exception) -> str:
    """Say why a file cannot be read, to stand behind its name."""
    if isinstance(error, BrokenDumpError):
        return str(error)
    return f"cannot be read ({getattr(error, 'strerror', None) or error})"


def parsed(line: bytes) -> Any:
    """Read a line's JSON value; ValueError where it has none."""
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        # It takes no lone surrogates, no control characters and nothing but UTF-8. Old dumps have them all.
        try:
            return json.loads(line.decode("utf-8", "surrogateescape"), strict=False)
        except RecursionError:
            raise ValueError("nested too deep") from None


def is_comment(post: Any) -> bool:
    """Tell a comment, which belongs to a post, from a post."""
    return isinstance(post, dict) and ("link_id" in post or str(post.get("name", "")).startswith("t1_"))


def kind_of(data: bytes) -> str | None:
    """Say what a file holds, from its first lines; None for posts."""
    for line in data.split(b"\n", _SAMPLE)[:_SAMPLE]:
        try:
            post = parsed(_stripped(line))
        except ValueError:
            continue
        if is_comment(post):
            return "comments"
        if isinstance(post, dict) and ("id" in post or "name" in post):
            return None
    return "no posts"


def _stripped(line: bytes) -> bytes:
    return line.removeprefix(_MARK).strip(_BLANK)


def _is_open(block: Block) -> bool:
    return not block.data.endswith(b"\n") and not block.cut


def _check_last_line(block: Block) -> None:
    """Raise BrokenDumpError where a file stops within a line, which it does not if that line can be read."""
    last = block.data.rfind(b"\n") + 1
    try:
        if _is_open(block) and (line := _stripped(block.data[last:])):
            parsed(line)
    except ValueError:
        raise BrokenDumpError(f"ends in the middle of a line, at byte {block.start + last:,}") from None
