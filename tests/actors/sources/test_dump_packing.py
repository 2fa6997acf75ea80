"""What dumps are packed in: read to the end, and never taken for whole where they are not."""

from __future__ import annotations

import gzip
import io
import lzma
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import zstandard

from actors.crawler.sources.dumps.packing import BrokenDumpError, memory_needed, unpacked
from tests.actors.sources.dump_posts import (
    PACKINGS,
    Pack,
    in_parts,
    items,
    lines,
    pages,
    post,
    until_broken,
    write,
    zstd,
)

ROWS = [post(number) for number in range(500)]
TEXT = lines(ROWS)
ITEMS = [f"t3_p{number}" for number in range(500)]
SKIPPABLE = b"\x5a\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"12345"
# Small windows make small blocks, so that damage has something before it.
SMALL = partial(zstd, window_log=12)


def read(packed: bytes) -> bytes:
    return b"".join(unpacked(io.BytesIO(packed)))


@pytest.mark.parametrize("pack", PACKINGS.values(), ids=PACKINGS)
@pytest.mark.parametrize("size", [len(TEXT), 10_000, 777])
def test_all_packings_are_told_by_their_bytes_and_read_over_all_parts(
    tmp_path: Path, pack: Pack, size: int
) -> None:
    packed = in_parts(pack, TEXT, size)
    assert read(packed) == TEXT
    path = write(tmp_path / "no-name-to-tell", packed)
    assert items(path) == ITEMS
    assert items(path, ",subreddit=earthporn,limit=7") == ITEMS[:7]


@pytest.mark.parametrize(
    "packed",
    [
        SKIPPABLE + zstd(TEXT),
        in_parts(lambda part: zstd(part) + SKIPPABLE, TEXT, 9_999),
        zstd(b"") + zstd(TEXT) + zstd(b""),
        zstandard.ZstdCompressor(level=3).compress(TEXT),
        gzip.compress(TEXT) + bytes(100_000),
        lzma.compress(TEXT) + bytes(8) + lzma.compress(b"") + bytes(4),
    ],
    ids=["skippable first", "skippable between", "empty frames", "a known size", "padded gzip", "padded xz"],
)
def test_what_stands_between_the_parts_is_no_trouble(packed: bytes) -> None:
    assert read(packed) == TEXT


def test_the_longest_window_is_read(tmp_path: Path) -> None:
    packed = zstd(TEXT * 3, window_log=31)
    assert zstandard.get_frame_parameters(packed).window_size == 1 << 31
    with pytest.raises(zstandard.ZstdError, match="too much memory"):
        zstandard.ZstdDecompressor().decompressobj().decompress(packed)
    assert items(write(tmp_path / "RS_2023-11.zst", packed)) == ITEMS * 3


def test_too_little_memory_is_not_taken_for_damage(tmp_path: Path) -> None:
    path = write(tmp_path / "RS_2023-11.zst", zstd(TEXT, window_log=31))
    script = (
        "import resource; from actors.crawler.sources.dumps.packing import unpacked\n"
        "resource.setrlimit(resource.RLIMIT_AS, (3 << 29, 3 << 29))\n"
        f"list(unpacked(open({str(path)!r}, 'rb')))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "BrokenDumpError: takes more memory to unpack than there is" in done.stderr


def test_a_file_that_is_cut_between_two_frames_is_told_by_its_last_line(tmp_path: Path) -> None:
    frames = [zstd(TEXT[at : at + 10_000]) for at in range(0, len(TEXT), 10_000)]
    path = write(tmp_path / "RS_2023-11.zst", b"".join(frames[:7]))
    found, error = until_broken(path, ",subreddit=earthporn")
    listed = [one.item for page in found for one in page.submissions]
    assert listed == ITEMS[: len(listed)] and len(listed) > 100
    assert f"ends in the middle of a line, at byte {len(lines(ROWS[: len(listed)])):,}" in error


def test_a_reader_needs_its_window(tmp_path: Path) -> None:
    assert memory_needed(zstd(TEXT, window_log=31)[:64]) > 1 << 31
    assert memory_needed(zstd(TEXT, window_log=20)[:64]) < 1 << 27
    known = zstandard.ZstdCompressor(level=19).compress(TEXT)
    assert memory_needed(known[:64]) - memory_needed(b"{") == len(TEXT)
    for head in (b"", b"{", b"\x28\xb5\x2f\xfd", SKIPPABLE):
        assert memory_needed(head) < 1 << 27


@pytest.mark.parametrize("pack", [SMALL, gzip.compress, lzma.compress], ids=["zstd", "gzip", "xz"])
@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize("kept", [0.0, 0.1, 0.34, 0.5, 0.67, 0.99, -1])
def test_a_cut_file_gives_what_it_has_and_says_so(
    tmp_path: Path, pack: Pack, parts: int, kept: float
) -> None:
    packed = in_parts(pack, TEXT, len(TEXT) // parts + 1)
    end = int(len(packed) * kept) if kept >= 0 else len(packed) - 1
    cut = packed[: max(end, 8)]
    path = write(tmp_path / "RS_2023-11.zst", cut)
    found, error = until_broken(path)
    listed = [one.item for page in found for one in page.submissions]
    assert listed == ITEMS[: len(listed)]
    assert (
        f"RS_2023-11.zst ends in the middle, at byte {len(cut):,}; the {len(listed):,} posts before" in error
    )
    if kept > 0.9 or kept < 0:
        assert len(listed) > 300
    again, said = until_broken(path, cursor=found[-1].cursor)
    assert [one.item for page in again for one in page.submissions] == [] and said == error
    whole = lines(ROWS[: len(listed)])
    assert TEXT.startswith(whole)


@pytest.mark.parametrize("pack", [SMALL, gzip.compress], ids=["zstd", "gzip"])
@pytest.mark.parametrize("at", [0.0, 0.05, 0.3, 0.7, 0.98])
def test_damage_is_told_and_what_came_before_it_kept(tmp_path: Path, pack: Pack, at: float) -> None:
    packed = bytearray(in_parts(pack, TEXT, len(TEXT) // 40))
    place = max(8, int(len(packed) * at))
    packed[place : place + 40] = b"\xaa" * 40
    path = write(tmp_path / "dump", bytes(packed))
    found, error = until_broken(path)
    listed = [one.item for page in found for one in page.submissions]
    assert listed == ITEMS[: len(listed)]
    assert "dump is damaged near byte" in error and f"the {len(listed):,} posts before" in error
    # No more is lost than what was given to the decompressor at once.
    assert len(listed) >= (place - (16 << 10)) / len(packed) * 500 - 20


@pytest.mark.parametrize("junk", [b"junk behind the end", b"\x28\xb5\x2f\xfd\xff\xff"])
def test_what_stands_behind_the_last_part_is_damage(junk: bytes) -> None:
    found = bytearray()
    with pytest.raises(BrokenDumpError, match=r"is damaged near byte|ends in the middle"):
        for piece in unpacked(io.BytesIO(zstd(TEXT) + junk)):
            found += piece
    assert bytes(found) == TEXT


@pytest.mark.parametrize("pack", [bytes, zstd, gzip.compress], ids=["plain", "zstd", "gzip"])
@pytest.mark.parametrize("options", ["", ",subreddit=earthporn", ",subreddit=other"])
def test_a_last_line_that_stops_in_the_middle_is_a_cut_file_however_it_is_packed(
    tmp_path: Path, pack: Pack, options: str
) -> None:
    path = write(tmp_path / "dump.jsonl", pack(TEXT[:-40]))
    found, error = until_broken(path, options)
    listed = [one.item for page in found for one in page.submissions]
    assert listed == ([] if "other" in options else ITEMS[:-1])
    assert f"ends in the middle of a line, at byte {len(lines(ROWS[:-1])):,}" in error


def test_a_last_line_without_its_end_is_a_line(tmp_path: Path) -> None:
    for end in (b"", b"\0\0\0", b"\r", b"  "):
        assert items(write(tmp_path / "dump.jsonl", TEXT[:-1] + end)) == ITEMS
        assert items(write(tmp_path / "dump.jsonl", TEXT[:-1] + end), ",subreddit=earthporn") == ITEMS
    assert not [note for page in pages(tmp_path / "dump.jsonl") for note in page.notes]
