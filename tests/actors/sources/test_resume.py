"""Cursors that are damaged, or of another version: nothing ends, nothing is left out, and the user is told."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from actors.crawler.settings import CrawlSettings
from actors.crawler.sources import Cursor, Page, open_source, parse_source
from tests.actors.sources.arctic_server import Archive, make_server
from tests.actors.sources.dump_posts import lines, write
from tests.actors.sources.dump_posts import post as dumped
from tests.actors.sources.reddit_server import World, post

STRANGE: list[Any] = [{"page": 3}, {"after": None}, [1], {"second": {}}, {"file": 5}, {"entries": "many"}]


def begins_anew(pages: Iterator[Page], text: str, first: str, count: int = 10) -> None:
    told, *rest = islice(pages, count)
    assert (told.submissions, told.cursor) == ((), {})
    (note,) = told.notes
    assert note.startswith(f"{text}: the place where the last run stopped cannot be read")
    assert next(one for page in rest for one in page.submissions).item == first


def opened(text: str, cursor: Cursor, settings: CrawlSettings, *, follow: bool = False) -> Iterator[Page]:
    return open_source(parse_source(text), settings, follow=follow).pages(cursor)


@pytest.mark.parametrize("cursor", STRANGE)
def test_files_are_read_from_their_beginning(tmp_path: Path, cursor: Cursor) -> None:
    folder = write(tmp_path / "photos/a.jpg", b"x").parent
    dump = write(tmp_path / "dump.jsonl", lines([dumped(1)]))
    urls = write(tmp_path / "list.txt", b"not a url\n")
    known = next(open_source(parse_source(f"urls:{urls}"), CrawlSettings()).pages(None)).submissions[0]
    for text, item in (
        (f"folder:{folder}", "folder:a.jpg"),
        (f"dump:{dump}", "t3_p1"),
        (f"urls:{urls}", known.item),
    ):
        begins_anew(opened(text, cursor, CrawlSettings()), text, item)


@pytest.mark.parametrize(
    "cursor",
    [
        *STRANGE,
        {"newest": "p!", "created": 1.0, "count": 0},
        {"newest": "p1", "created": "noon", "count": 0},
        {"next": "p1", "late": [[]], "holes": [[], []], "count": 0},  # of a version with one try
        {"next": "p1", "late": [["p1"], [], [], [], []], "holes": [[], []], "count": 0},
    ],
)
def test_reddit_is_looked_at_from_the_top(world: World, settings: CrawlSettings, cursor: Cursor) -> None:
    world.listings = {"/r/EarthPorn/new": [post(1)], "/r/all/new": [post(1)]}
    world.by_id = {"t3_p1": post(1)}
    begins_anew(opened("reddit:r/EarthPorn", cursor, settings, follow=True), "reddit:r/EarthPorn", "t3_p1", 2)
    begins_anew(opened("reddit:firehose", cursor, settings), "reddit:firehose", "t3_p1", 3)


@pytest.mark.parametrize("cursor", [*STRANGE, {"second": 1, "known": 5}])
def test_the_archive_is_asked_from_the_beginning(monkeypatch: pytest.MonkeyPatch, cursor: Cursor) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = make_server(Archive(posts=[dumped(1)]))
    settings = CrawlSettings(arctic_url=f"http://127.0.0.1:{server.server_port}/")
    begins_anew(opened("arctic:EarthPorn", cursor, settings), "arctic:EarthPorn", "t3_p1", 2)
    server.shutdown()
    server.server_close()
