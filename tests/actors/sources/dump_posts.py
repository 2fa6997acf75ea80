"""Posts as dumps have them, and files of them in everything that dumps are packed in."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import zstandard

from actors.crawler.settings import CrawlSettings
from actors.crawler.sources import Cursor, Page, open_source, parse_source

Pack = Callable[[bytes], bytes]


def post(number: int, subreddit: str = "EarthPorn", **fields: Any) -> dict[str, Any]:
    """A post of 2026: its keys are sorted, so that its subreddit stands far behind."""
    made = {
        "author": f"author{number % 7}",
        "created_utc": 1_700_000_000 + number,
        "id": f"p{number}",
        "is_self": False,
        "name": f"t3_p{number}",
        "over_18": False,
        "permalink": f"/r/{subreddit}/comments/p{number}/title/",
        "selftext": "the subreddit of it \\ \" '" * 3,
        "subreddit": subreddit,
        "subreddit_id": "t5_2sbq3",
        "subreddit_name_prefixed": f"r/{subreddit}",
        "title": f"Ein schöner See {number} 🏔",
        "url": f"https://i.redd.it/p{number}.jpg",
    }
    return dict(sorted((made | fields).items()))


def old_post(number: int, subreddit: str = "EarthPorn") -> dict[str, Any]:
    """A post of 2008: no name, no is_video, its time a string."""
    return {
        "subreddit": subreddit,
        "id": f"o{number}",
        "title": "old",
        "created_utc": str(1_200_000_000 + number),
        "url": f"http://i.imgur.com/abc{number % 90 + 10}.jpg",
        "author": "[deleted]",
        "over_18": False,
        "score": 3,
        "is_self": False,
    }


def comment(number: int, subreddit: str = "EarthPorn") -> dict[str, Any]:
    """A comment, which a dump of submissions should not hold."""
    return {"id": f"c{number}", "body": "nice", "link_id": "t3_p1", "subreddit": subreddit, "author": "x"}


def lines(rows: Iterable[Any], *, spaced: bool = False) -> bytes:
    """Rows as NDJSON: compact as Arctic Shift writes it, or spaced as old Pushshift rows are."""
    separators = (", ", ": ") if spaced else (",", ":")
    return b"".join(
        json.dumps(row, separators=separators, ensure_ascii=spaced).encode() + b"\n" for row in rows
    )


def zstd(data: bytes, window_log: int = 20, level: int = 1) -> bytes:
    """One frame, of unknown size, as a pipe into ``zstd`` makes it."""
    parameters = zstandard.ZstdCompressionParameters.from_level(
        level, window_log=window_log, enable_ldm=window_log > 27, write_checksum=True
    )
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    return packer.compress(data) + packer.flush()


def in_parts(pack: Pack, data: bytes, size: int) -> bytes:
    """Pack every so many bytes for themselves: frames, members, streams in a row."""
    return b"".join(pack(data[at : at + size]) for at in range(0, len(data), size))


PACKINGS: dict[str, Pack] = {
    "plain": bytes,
    "zstd": zstd,
    "gzip": gzip.compress,
    "xz": lzma.compress,
    "bzip2": bz2.compress,
}


def pages(place: object, options: str = "", cursor: Cursor | None = None) -> list[Page]:
    """All pages of a dump; every cursor goes through JSON, as the driver's do."""
    source = open_source(parse_source(f"dump:{place}{options}"), CrawlSettings())
    found = list(source.pages(json.loads(json.dumps(cursor))))
    assert all(page.cursor == json.loads(json.dumps(page.cursor)) for page in found)
    return found


def items(place: object, options: str = "", cursor: Cursor | None = None) -> list[str]:
    """The items of all pages, in order."""
    return [one.item for page in pages(place, options, cursor) for one in page.submissions]


def until_broken(place: object, options: str = "", cursor: Cursor | None = None) -> tuple[list[Page], str]:
    """All pages up to a SourceError, and what it says."""
    source = open_source(parse_source(f"dump:{place}{options}"), CrawlSettings())
    found: list[Page] = []
    try:
        for page in source.pages(cursor):
            found.append(page)
    except ValueError as error:
        return found, str(error)
    raise AssertionError("it did not break")


def write(path: Path, data: bytes) -> Path:
    """Put a file there, and its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path
