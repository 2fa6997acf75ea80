from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from actors.crawler.settings import CrawlSettings
from actors.crawler.sources import Page, SourceError, open_source, parse_source


def pages(root: Path, cursor: dict[str, object] | None = None) -> list[Page]:
    return list(open_source(parse_source(f"folder:{root}"), CrawlSettings()).pages(cursor))


def items(root: Path, cursor: dict[str, object] | None = None) -> list[str]:
    return [one.item for page in pages(root, cursor) for one in page.submissions]


def write(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)


def test_every_regular_file_is_a_submission_in_a_stable_order(tmp_path: Path) -> None:
    write(tmp_path, "b.jpg", "a/z.png", "a/b/c.txt", "a.jpg", ".hidden", "ä.jpg")
    os.mkfifo(tmp_path / "fifo")
    assert items(tmp_path) == [
        "folder:.hidden",
        "folder:a/b/c.txt",
        "folder:a/z.png",
        "folder:a.jpg",
        "folder:b.jpg",
        "folder:ä.jpg",
    ]
    (page,) = pages(tmp_path)
    assert page.submissions[3].post == {"path": str(tmp_path / "a.jpg"), "uri": (tmp_path / "a.jpg").as_uri()}
    assert page.submissions[3].source == f"folder:{tmp_path}"


def test_pages_go_on_behind_a_cursor_wherever_it_is(tmp_path: Path) -> None:
    names = [f"{number % 3}/{number % 7}/{number:03d}.jpg" for number in range(230)]
    write(tmp_path, *names, "1.jpg", "2 %.jpg")
    whole = pages(tmp_path)
    assert [len(page.submissions) for page in whole] == [100, 100, 32]
    everything = items(tmp_path)
    assert len(set(everything)) == 232
    for place, page in enumerate(whole[:-1], 1):
        assert items(tmp_path, json.loads(json.dumps(page.cursor))) == everything[place * 100 :]
    assert whole[-1].cursor == {}


def test_names_that_are_no_text_are_read_and_named(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9.jpg")).write_text("x")
    write(tmp_path, *(f"{number:03d}.jpg" for number in range(99)), "z.jpg")
    first, second = pages(tmp_path)
    odd = first.submissions[-1]
    assert odd.item == "folder:caf\\udce9.jpg"
    assert odd.post["uri"].endswith("/caf%E9.jpg")
    assert (
        items(tmp_path, json.loads(json.dumps(first.cursor)))
        == [one.item for one in second.submissions]
        == ["folder:z.jpg"]
    )


def test_links_are_followed_to_files_inside_only(tmp_path: Path) -> None:
    root = tmp_path / "root"
    write(tmp_path, "root/real.jpg", "root/sub/x.jpg", "outside.jpg")
    (root / "inside-link.jpg").symlink_to(root / "real.jpg")
    (root / "outside-link.jpg").symlink_to(tmp_path / "outside.jpg")
    (root / "broken.jpg").symlink_to(root / "nothing")
    (root / "loop").symlink_to(root)
    (root / "up").symlink_to(tmp_path)
    assert items(root) == ["folder:inside-link.jpg", "folder:real.jpg", "folder:sub/x.jpg"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list any folder")
def test_a_folder_that_cannot_be_listed_is_named(tmp_path: Path) -> None:
    write(tmp_path, "a.jpg", "closed/b.jpg", "z.jpg")
    (tmp_path / "closed").chmod(0)
    try:
        (page,) = pages(tmp_path)
    finally:
        (tmp_path / "closed").chmod(0o700)
    assert [(one.item, bool(one.post)) for one in page.submissions] == [
        ("folder:a.jpg", True),
        ("folder:closed", False),
        ("folder:z.jpg", True),
    ]


def test_a_folder_that_is_none_says_what_to_do(tmp_path: Path) -> None:
    def check(path: object) -> None:
        open_source(parse_source(f"folder:{path}"), CrawlSettings()).check()

    write(tmp_path, "list.txt")
    (tmp_path / "empty" / "inner").mkdir(parents=True)
    check(tmp_path)
    for path, way_out in (
        (tmp_path / "none", "no such folder"),
        (tmp_path / "list.txt", "write urls:list.txt"),
        (tmp_path / "empty", "no files"),
        ("s3://bucket/x", "local folders only"),
    ):
        with pytest.raises(SourceError, match=way_out):
            check(path)
