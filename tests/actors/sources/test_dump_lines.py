"""Whole lines from any pieces, and from any place that starts one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.crawler.sources.dumps import lines as module
from actors.crawler.sources.dumps.lines import BLOCK, LONGEST_LINE, blocks
from actors.crawler.sources.dumps.packing import BrokenDumpError
from tests.actors.sources.dump_posts import lines, pages, post, write


def pieces_of(text: bytes, size: int) -> Iterator[bytes]:
    return (text[at : at + size] for at in range(0, len(text), size))


@given(
    st.lists(st.binary(max_size=9).map(lambda one: one.replace(b"\n", b" "))),
    st.integers(1, 7),
    st.booleans(),
)
def test_lines_come_whole_whatever_the_pieces(texts: list[bytes], size: int, open_end: bool) -> None:
    text = b"\n".join(texts) if open_end else b"".join(one + b"\n" for one in texts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BLOCK", 16)
        found = list(blocks(pieces_of(text, size)))
        assert b"".join(block.data for block in found) == text
        assert all(text[block.start : block.end] == block.data for block in found)
        assert all(block.data.endswith(b"\n") for block in found[:-1])
        # From every start of a line on it is the rest.
        for start in (at + 1 for at, byte in enumerate(text) if byte == 10):
            assert b"".join(block.data for block in blocks(pieces_of(text, size), start)) == text[start:]


def test_blocks_are_no_larger_than_they_need_be() -> None:
    line = b"x" * 4000 + b"\n"
    found = list(blocks(pieces_of(line * 3000, 16 << 10)))
    assert b"".join(block.data for block in found) == line * 3000
    assert all(BLOCK - 8000 < len(block.data) < BLOCK + (16 << 10) for block in found[:-1])


def test_where_pieces_break_off_whole_lines_come_first() -> None:
    def broken() -> Iterator[bytes]:
        yield b"one\ntwo\nthr"
        raise BrokenDumpError("ends here")

    found = []
    with pytest.raises(BrokenDumpError, match="ends here"):
        for block in blocks(broken()):
            found.append(block.data)
    assert found == [b"one\ntwo\n"]


def test_a_line_without_end_is_cut_and_the_next_one_read(tmp_path: Path) -> None:
    endless = b'{"id":"x","subreddit":"EarthPorn","title":"' + b"a" * (LONGEST_LINE * 2) + b'"}\n'
    text = lines([post(1)]) + endless + lines([post(2)])
    found = list(blocks(pieces_of(text, 100_000)))
    assert max(len(block.data) for block in found) < LONGEST_LINE + 200_000
    assert [block.cut for block in found] == [False, True, False]
    path = write(tmp_path / "dump.jsonl", text)
    for options in ("", ",subreddit=earthporn"):
        listed = pages(path, options)
        submissions = [one for page in listed for one in page.submissions]
        assert [one.item for one in submissions if one.post] == ["t3_p1", "t3_p2"]
        assert len(submissions) == 3 and any(
            "1 lines cannot be read" in note for page in listed for note in page.notes
        )
    # A cursor that lies within the line goes on behind it.
    cursor = {**pages(path, ",limit=2")[0].cursor, "count": 0}
    rest = [one.item for page in pages(path, cursor=cursor) for one in page.submissions]
    assert rest == ["t3_p2"]


def test_long_lines_that_have_an_end_are_whole() -> None:
    text = b"a" * (LONGEST_LINE - 1) + b"\n" + b"b" * (BLOCK * 2) + b"\nc\n"
    found = list(blocks(pieces_of(text, 16 << 10)))
    assert b"".join(block.data for block in found) == text and not any(block.cut for block in found)
