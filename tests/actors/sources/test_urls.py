from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from actors.crawler.resolvers import plan_submission
from actors.crawler.settings import CrawlSettings, Over18
from actors.crawler.sources import SourceError, open_source, parse_source
from models.keys import url_item
from models.reasons import Reason
from models.records import Submission


def read(path: Path) -> list[Submission]:
    source = open_source(parse_source(f"urls:{path}"), CrawlSettings())
    source.check()
    return [submission for page in source.pages(None) for submission in page.submissions]


def urls(path: Path) -> list[str]:
    return [one.post["url"] for one in read(path)]


def test_a_text_list_has_a_url_a_line_comments_and_blanks(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes(
        b"\xef\xbb\xbfhttps://a.example/1.jpg\r\n\n# a comment\n  https://a.example/2.jpg  \nhttps://a.example/1.jpg"
    )
    found = read(path)
    assert [one.post["url"] for one in found] == ["https://a.example/1.jpg", "https://a.example/2.jpg"]
    assert found[0] == Submission(
        url_item("https://a.example/1.jpg"), f"urls:{path}", {"url": "https://a.example/1.jpg"}
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("list.csv", 'id,URL ,x\n1,"https://a.example/1.jpg",y\n2,,\n'),
        ("list.TSV", 'Url\nhttps://a.example/1.jpg\n\n""\n'),
    ],
)
def test_a_table_has_a_url_column_in_any_case(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert urls(tmp_path / name) == ["https://a.example/1.jpg", ""]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
def test_a_parquet_list_has_a_url_column(tmp_path: Path, kind: pa.DataType) -> None:
    path = tmp_path / "list.parquet"
    pq.write_table(
        pa.table({"n": [1, 2, 3], "Url": pa.array(["https://a.example/1.jpg", None, "x"], kind)}), path
    )
    assert urls(path) == ["https://a.example/1.jpg", "", "x"]


def test_a_line_that_is_no_url_is_a_row_with_its_reason(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes(
        b"ftp://a.example/1.jpg\nnot a url\n\xff\xfe\xfd://x\nhttps:///nohost.jpg\nhttps://a.example/1.jpg\n"
    )
    plans = [plan_submission(one, Over18.SKIP) for one in read(path)]
    assert [plan.reason for plan in plans] == [Reason.BAD_URL] * 4 + [None]


def test_a_row_that_csv_cannot_read_is_a_row_too(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(f"n,url\n1,https://a.example/1.jpg\n2,{'x' * 200_000}\n3,https://a.example/3.jpg\n")
    first, broken, last = urls(path)
    assert (first, last) == ("https://a.example/1.jpg", "https://a.example/3.jpg")
    assert broken.startswith("unreadable row")


def test_pages_go_on_behind_a_cursor_and_know_what_came_before_it(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    lines = [f"https://a.example/{number}.jpg" for number in range(250)]
    path.write_text("\n".join([*lines[:150], lines[3], *lines[150:]]))
    source = open_source(parse_source(f"urls:{path}"), CrawlSettings())
    pages = list(source.pages(None))
    assert [one.post["url"] for page in pages for one in page.submissions] == lines
    rest = [one for page in source.pages(pages[0].cursor) for one in page.submissions]
    assert [one.post["url"] for one in rest] == lines[100:]
    assert pages[-1].cursor == {}


@pytest.mark.parametrize(
    ("name", "content", "way_out"),
    [
        ("none.txt", None, "no such file"),
        ("empty.txt", b"# nothing\n\n", "the list is empty"),
        ("no.csv", b"id,link\n1,x\n", "no column 'url' among 'id', 'link'"),
        ("none.csv", b"", "no column 'url'"),
        ("utf16.txt", "https://a.example".encode("utf-16"), "save it as UTF-8"),
        ("binary.txt", b"\x89PNG\0\0", "not a text file"),
        ("broken.parquet", b"PAR1 and no more", "not a Parquet file"),
    ],
)
def test_a_list_that_cannot_be_read_says_what_to_do(
    tmp_path: Path, name: str, content: bytes | None, way_out: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=way_out):
        read(tmp_path / name)


def test_a_folder_or_a_remote_list_is_no_list(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="write folder:"):
        read(tmp_path)
    with pytest.raises(SourceError, match="download it first"):
        open_source(parse_source("urls:s3://bucket/x.txt"), CrawlSettings())
