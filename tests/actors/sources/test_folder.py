from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from actors.crawler.settings import CrawlSettings
from actors.crawler.sources import Page, SourceError, folder, open_source, parse_source
from actors.crawler.sources.trees import LocalTree, Names
from tests.s3 import Bucket


def pages(root: object, cursor: dict[str, object] | None = None) -> list[Page]:
    return list(open_source(parse_source(f"folder:{root}"), CrawlSettings()).pages(cursor))


def items(root: object, cursor: dict[str, object] | None = None) -> list[str]:
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
    assert page.submissions[3].post == {"uri": (tmp_path / "a.jpg").as_uri()}
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
        (tmp_path.as_uri(), "written without file://"),
        ("s3://KEY:SECRET@bucket/x", "must hold no credentials"),
        ("https://host/x", "must be downloaded first"),
    ):
        with pytest.raises(SourceError, match=way_out):
            check(path)


def test_while_a_folder_is_listed_there_are_pages_without_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class SlowTree(LocalTree):
        def entries(self, folder: Names) -> list[tuple[bytes, bool]] | None:
            time.sleep(0.5 if folder == (b"slow",) else 0)
            return super().entries(folder)

    monkeypatch.setattr(folder, "LocalTree", SlowTree)
    monkeypatch.setattr(folder, "_PATIENCE", 0.1)
    write(tmp_path, "a.jpg", "slow/b.jpg", "z.jpg")
    first, *empty, last = pages(tmp_path)
    assert [one.item for one in first.submissions] == ["folder:a.jpg"]
    assert empty and all((page.submissions, page.cursor) == ((), {"after": "a.jpg"}) for page in empty)
    assert [one.item for one in last.submissions] == ["folder:slow/b.jpg", "folder:z.jpg"]


ODD_KEYS = ["b.jpg", "a/z.png", "a/b/c.txt", "a", "a.jpg", "ü #?%41&,=+.jpg", "new\tline .jpg"]


def test_a_folder_at_s3_is_walked_like_one_of_this_machine(bucket: Bucket) -> None:
    for key in ODD_KEYS:
        bucket.put(f"some/prefix/{key}")
    bucket.put("some/prefix-beside/x.jpg")
    bucket.put("some/prefix/marker/", b"")
    root = f"folder:{bucket.uri}/some/prefix/"
    source = open_source(parse_source(root), CrawlSettings())
    source.check()
    found = [one for page in source.pages(None) for one in page.submissions]
    assert [one.item for one in found] == [
        "folder:a",
        "folder:a/b/c.txt",
        "folder:a/z.png",
        "folder:a.jpg",
        "folder:b.jpg",
        "folder:new\tline .jpg",
        "folder:ü #?%41&,=+.jpg",
    ]
    assert found[-1].post == {"uri": f"{bucket.uri}/some/prefix/%C3%BC%20%23%3F%2541%26%2C%3D%2B.jpg"}
    assert {one.source for one in found} == {root}
    assert [one.removeprefix("folder:some/prefix/") for one in items(bucket.uri)][0:2] == ["a", "a/b/c.txt"]


def test_pages_of_an_s3_folder_go_on_behind_a_cursor(bucket: Bucket) -> None:
    for number in range(120):
        bucket.put(f"{number % 3}/{number:03d}.jpg")
    whole = pages(bucket.uri)
    assert [len(page.submissions) for page in whole] == [100, 20]
    everything = items(bucket.uri)
    assert items(bucket.uri, json.loads(json.dumps(whole[0].cursor))) == everything[100:]
    assert len(set(everything)) == 120 and whole[-1].cursor == {}


def test_keys_that_pyarrow_cannot_name_end_as_one_row(
    bucket: Bucket, caplog: pytest.LogCaptureFixture
) -> None:
    for key in ("p/a.jpg", "p//nameless.jpg", "p/sub//nameless.jpg", "p/sub/b.jpg"):
        bucket.put(key)
    (page,) = pages(f"{bucket.uri}/p")
    assert [(one.item, bool(one.post)) for one in page.submissions] == [
        ("folder:.", False),
        ("folder:a.jpg", True),
        ("folder:sub/", False),
        ("folder:sub/b.jpg", True),
    ]
    assert "there is // in their names" in caplog.text


def test_a_folder_at_s3_that_is_none_says_what_to_do(bucket: Bucket) -> None:
    def check(place: str) -> None:
        open_source(parse_source(f"folder:{place}"), CrawlSettings()).check()

    bucket.put("list.txt")
    for place, way_out in (
        (f"{bucket.uri}/none", "no such folder"),
        (f"{bucket.uri}/list.txt", f"write urls:{bucket.uri}/list.txt"),
        ("s3://no-such-bucket/x", "no such (bucket|folder)"),
    ):
        with pytest.raises(SourceError, match=way_out):
            check(place)
    source = open_source(parse_source(f"folder:{bucket.uri}"), CrawlSettings())
    bucket.let_in_only_who_is_known()
    for asked in (source.check, lambda: list(source.pages(None))):
        with pytest.raises(SourceError, match=r"access is denied.*AWS_ACCESS_KEY_ID"):
            asked()
