from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from actors.crawler.resolvers import plan_submission
from actors.crawler.settings import CrawlSettings, Over18
from actors.crawler.sources import Page, Source, SourceError, open_source, parse_source, urls
from actors.crawler.sources.columns import LARGEST_EXTRA
from models.keys import url_item
from models.reasons import Reason
from models.records import Submission
from tests.s3 import Bucket

A, B = "https://a.example/1.jpg", "https://a.example/2.jpg"


def source(place: object, options: str = "") -> Source:
    return open_source(parse_source(f"urls:{place}{options}"), CrawlSettings())


def pages(place: object, options: str = "", cursor: dict[str, object] | None = None) -> list[Page]:
    return list(source(place, options).pages(cursor))


def read(place: object, options: str = "") -> list[Submission]:
    source(place, options).check()
    return [submission for page in pages(place, options) for submission in page.submissions]


def listed(place: object, options: str = "") -> list[str]:
    return [one.post["url"] for one in read(place, options)]


def write(path: Path, *lines: str) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def test_a_text_list_has_a_url_a_line_comments_and_blanks(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes(b"\xef\xbb\xbf" + f"{A}\r\n\n# a comment\n  {B}  \n{A}".encode())
    found = read(path)
    assert [one.post["url"] for one in found] == [A, B, A]
    assert found[0] == found[2] == Submission(url_item(A), f"urls:{path}", {"url": A})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("list.csv", f'id,URL ,x\n1,"{A}",y\n2,,\n'),
        ("list.TSV", f'Url\n{A}\n\n""\n'),
    ],
)
def test_a_table_has_a_url_column_in_any_case(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert listed(tmp_path / name) == [A, ""]


def test_a_column_of_just_this_name_comes_before_one_in_another_case(tmp_path: Path) -> None:
    path = write(tmp_path / "list.csv", "URL,url", f"{A},{B}")
    assert listed(path) == [B]
    assert listed(path, ",column=URL") == [A]
    assert listed(write(tmp_path / "b.csv", "Link,url", f"{A},{B}"), ",column=link") == [A]


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.binary(), pa.dictionary(pa.int8(), pa.string())]
)
def test_a_parquet_list_has_a_url_column(tmp_path: Path, kind: pa.DataType) -> None:
    path = tmp_path / "list.parquet"
    pq.write_table(pa.table({"n": [1, 2, 3], "Url": pa.array([A, None, "x"]).cast(kind)}), path)
    assert listed(path) == [A, "", "x"]
    assert [one.extra for one in read(path)] == [{"n": 1}, {"n": 2}, {"n": 3}]


def test_other_columns_are_carried(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(
        b"\xef\xbb\xbfurl,licence,licence,,caption\r\n"
        + f'{A},cc0,by,"a ""quoted"", long\nthing",ü\r\n'.encode()
        + f"{B}\r\n{A},1,2,3,4,5,6\r\n".encode()
    )
    first, short, long = read(path)
    assert first.extra == {
        "licence": "cc0",
        "licence_2": "by",
        "column_4": 'a "quoted", long\nthing',
        "caption": "ü",
    }
    assert short.post["url"] == B and short.extra is None
    assert long.extra == {
        "licence": "1", "licence_2": "2", "column_4": "3", "caption": "4", "column_6": "5", "column_7": "6"
    }  # fmt: skip


def test_what_reddit_tells_of_a_post_fills_its_columns_where_it_fits(tmp_path: Path) -> None:
    header = "Subreddit,author,title,permalink,OVER_18,url,created_utc,score"
    path = write(
        tmp_path / "list.csv",
        header,
        f"r/EarthPorn,some_one,A lake,/r/EarthPorn/comments/1/a_lake/,True,{A},1700000000,12",
        f"not one,,,elsewhere,maybe,{B},,",
    )
    fits, unfit = read(path)
    assert (fits.subreddit, fits.author, fits.title) == ("EarthPorn", "some_one", "A lake")
    assert fits.permalink == "https://www.reddit.com/r/EarthPorn/comments/1/a_lake/"
    assert fits.over_18 is True
    assert fits.extra == {"created_utc": "1700000000", "score": "12"}, (
        "what else there is, is carried as it is"
    )
    assert (unfit.subreddit, unfit.author, unfit.title, unfit.permalink, unfit.over_18) == (None,) * 5
    assert unfit.extra == {
        "Subreddit": "not one", "permalink": "elsewhere", "OVER_18": "maybe", "created_utc": "", "score": "",
    }  # fmt: skip


def test_a_mark_in_the_list_counts_as_one_of_reddits(tmp_path: Path) -> None:
    path = write(tmp_path / "list.csv", "url,over_18", f"{A},1", f"{B},0", f"{A}?,")
    reasons = {
        policy: [plan_submission(one, policy).reason for one in read(path)]
        for policy in (Over18.SKIP, Over18.KEEP, Over18.ONLY)
    }
    assert reasons == {
        Over18.SKIP: [Reason.OVER_18, None, None],
        Over18.KEEP: [None, None, None],
        Over18.ONLY: [None, Reason.NOT_OVER_18, None],
    }


def test_what_is_too_large_to_be_carried_is_left_out_with_a_note(tmp_path: Path) -> None:
    path = tmp_path / "list.parquet"
    pq.write_table(pa.table({"url": [A, B], "jpg": [b"\xff" * 100_000] * 2, "small": ["x", "y"]}), path)
    found = pages(path)
    first, second = found[0].submissions
    assert first.extra == {"jpg": {"left_out": "133357 bytes"}, "small": "x"}
    assert second.extra is not None and second.extra["small"] == "y"
    (note,) = [note for page in found for note in page.notes]
    assert "64 KiB" in note and "'jpg'" in note
    just = "x" * (LARGEST_EXTRA - len(json.dumps({"text": ""}, separators=(",", ":"))))
    fits, not_quite = read(write(tmp_path / "list.csv", "url,text", f"{A},{just}", f"{B},{just}x"))
    assert (fits.extra, not_quite.extra) == (
        {"text": just},
        {"text": {"left_out": f"{LARGEST_EXTRA + 1} bytes"}},
    )


@pytest.mark.parametrize(
    ("suffix", "compress"),
    [("gz", gzip.compress), ("zst", zstandard.compress), ("bz2", bz2.compress)],
)
def test_a_compressed_list_is_read(tmp_path: Path, suffix: str, compress: Callable[[bytes], bytes]) -> None:
    (tmp_path / f"a.txt.{suffix}").write_bytes(compress(f"{A}\n".encode()) + compress(f"{B}\n".encode()))
    (tmp_path / f"a.csv.{suffix}").write_bytes(compress(f"x,url\n1,{A}\n".encode()))
    assert listed(tmp_path / f"a.txt.{suffix}") == [A, B]
    assert [one.extra for one in read(tmp_path / f"a.csv.{suffix}")] == [{"x": "1"}]


def test_a_truncated_list_is_said_to_be_and_what_came_before_is_kept(tmp_path: Path) -> None:
    lines = "".join(f"https://a.example/{hash(number)}\n" for number in range(100_000))
    path = tmp_path / "list.txt.gz"
    path.write_bytes(gzip.compress(lines.encode())[:-1000])
    found: list[Page] = []
    with pytest.raises(SourceError, match="not to its end: Truncated compressed stream"):
        found.extend(source(path).pages(None))
    taken = sum(len(page.submissions) for page in found)
    assert taken > 90_000 and found[-1].cursor == {"entries": taken}


def test_a_line_that_is_no_url_is_a_row_with_its_reason(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes(
        b"ftp://a.example/1.jpg\nnot a url\n\xff\xfe\xfd://x\nhttps:///nohost.jpg\n"
        b"s3://bucket/1.jpg\nfile:///etc/passwd\nhttps://a.example/1.jpg\n"
    )
    plans = [plan_submission(one, Over18.SKIP) for one in read(path)]
    assert [plan.reason for plan in plans] == [Reason.BAD_URL] * 6 + [None]


def test_a_row_that_csv_cannot_read_is_a_row_too(tmp_path: Path) -> None:
    path = write(tmp_path / "list.csv", "n,url", f"1,{A}", f"2,{'x' * 200_000}", f"3,{B}")
    first, broken, last = read(path)
    assert (first.post["url"], last.post["url"]) == (A, B)
    assert broken.extra == {"unreadable_row": "near line 3: field larger than field limit (131072)"}
    assert plan_submission(broken, Over18.SKIP).reason is Reason.BAD_URL


def test_a_quote_that_is_never_closed_is_an_error_and_what_came_before_is_kept(tmp_path: Path) -> None:
    lines = [f"https://a.example/{number}.jpg" for number in range(20)]
    path = write(tmp_path / "list.csv", "url", *lines[:5], f'"{lines[5]}', *lines[6:])
    found: list[Page] = []
    with pytest.raises(SourceError, match="in line 7 a quote is opened and never closed; close it"):
        found.extend(source(path).pages(None))
    assert [one.post["url"] for page in found for one in page.submissions] == lines[:5]
    write(path, "url", *lines)
    rest = pages(path, cursor=found[-1].cursor)
    assert [one.post["url"] for page in rest for one in page.submissions] == lines[5:]
    (tmp_path / "whole.csv").write_text(f'url,x\n{A},"a\nb"\n{B},"c"')
    assert listed(tmp_path / "whole.csv") == [A, B]


def test_a_url_with_line_breaks_is_noted(tmp_path: Path) -> None:
    path = write(tmp_path / "list.csv", "url,x", f'"{A},y', f'{B},"z"', f"{A},1")
    (note,) = [note for page in pages(path) for note in page.notes]
    assert "the URL of lines 2 to 3 holds line breaks" in note and "stray quote" in note


def test_bytes_that_are_no_text_are_carried_escaped(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(f"url,caf\xe9\n{A},\xff\n".encode("latin-1"))
    (only,) = read(path)
    assert only.extra == {"caf\\udce9": "\\udcff"}
    assert json.loads(json.dumps(only.extra).encode()) == only.extra


def test_pages_go_on_behind_a_cursor(tmp_path: Path) -> None:
    lines = [f"https://a.example/{number}.jpg" for number in range(250)]
    path = write(tmp_path / "list.txt", *lines)
    whole = pages(path)
    assert [len(page.submissions) for page in whole] == [100, 100, 50, 0]
    assert [one.post["url"] for page in whole for one in page.submissions] == lines
    for start in (100, 30):
        rest = pages(path, cursor={"entries": start})
        assert [one.post["url"] for page in rest for one in page.submissions] == lines[start:]
    assert whole[-1].cursor == {}


@pytest.mark.parametrize("start", [0, 99, 100, 199, 200, 250])
def test_a_parquet_list_goes_on_behind_a_cursor_without_a_look_at_what_is_before(
    tmp_path: Path, start: int
) -> None:
    path = tmp_path / "list.parquet"
    lines = [f"https://a.example/{number}.jpg" for number in range(250)]
    pq.write_table(pa.table({"url": lines}), path, row_group_size=100)
    rest = pages(path, cursor={"entries": start})
    assert [one.post["url"] for page in rest for one in page.submissions] == lines[start:]
    assert [page.cursor for page in rest][-1] == {}


def test_while_much_is_passed_by_there_are_pages_without_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(urls, "_PATIENCE", 0.0)
    path = write(tmp_path / "list.txt", *(f"https://a.example/{number}" for number in range(1000)))
    passed = pages(path, cursor={"entries": 950})
    assert [(len(page.submissions), page.cursor) for page in passed] == [
        *[(0, {"entries": 950})] * 9, (50, {"entries": 1000}), (0, {}),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content", "way_out"),
    [
        ("none.txt", None, "no such file"),
        ("empty.txt", b"# nothing\n\n", "the list is empty"),
        ("empty.csv", b"url\n", "the list is empty"),
        (
            "no.csv",
            b"id,image,n\n1,x,2\n",
            "no column 'url' among 'id', 'image', 'n'; say .* urls:FILE,column=image",
        ),
        ("no.csv", b"id,URLs,link\n1,x,2\n", "urls:FILE,column=URLs"),
        ("no.csv", b"a,b\n1,x\n", "urls:FILE,column=NAME"),
        ("semicolons.csv", b"id;url\n1;x\n", "must have commas"),
        ("none.csv", b"", "no column 'url'"),
        ("header.csv", b"x" * 200_000 + b",url\n", "the header cannot be read"),
        ("utf16.txt", "https://a.example".encode("utf-16"), "save it as UTF-8"),
        ("binary.txt", b"\x89PNG\0\0", "not a text file"),
        ("binary.txt.gz", gzip.compress(b"\x89PNG\0\0", mtime=0), "not a text file"),
        ("plain.txt.gz", b"https://a.example/1.jpg", "cannot be read"),
        ("broken.parquet", b"PAR1 and no more", "not a parquet file"),
        ("list.json", b'["x"]', "make it a txt, csv, tsv or parquet"),
        ("list.parquet.gz", b"", "make it a txt, csv, tsv or parquet"),
        ("oneline.txt", b"x" * (16 << 20), "a line of more than 16 MiB"),
    ],
)
def test_a_list_that_cannot_be_read_says_what_to_do(
    tmp_path: Path, name: str, content: bytes | None, way_out: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=f"urls:.*{way_out}"):
        read(tmp_path / name)


def test_a_column_that_is_not_there_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no column 'lnik' among 'link', 'n'; .*column=link"):
        read(write(tmp_path / "list.csv", "link,n", "x,1"), ",column=lnik")


def test_a_folder_is_no_list(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="write folder:"):
        read(tmp_path)


def test_a_list_at_s3_is_read(bucket: Bucket) -> None:
    bucket.put("lists/a b%41.csv", f"url,n\n{A},1\n".encode())
    bucket.put("list.txt.gz", gzip.compress(f"{A}\n{B}\n".encode()))
    table = io.BytesIO()
    pq.write_table(pa.table({"url": [A] * 300, "n": range(300)}), table, row_group_size=100)
    bucket.put("list.parquet", table.getvalue())
    (only,) = read(f"{bucket.uri}/lists/a b%2541.csv")
    assert (only.post, only.extra) == ({"url": A}, {"n": "1"})
    assert listed(f"{bucket.uri}/list.txt.gz") == [A, B]
    rest = pages(f"{bucket.uri}/list.parquet", cursor={"entries": 250})
    assert [one.extra and one.extra["n"] for page in rest for one in page.submissions] == [*range(250, 300)]


def test_a_list_at_another_s3_is_named_by_its_uri(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    host = bucket.endpoint.removeprefix("http://")
    bucket.put("list.csv", f"link\n{A}\n".encode())
    assert listed(f"{bucket.uri}/list.csv?endpoint_override={host}&scheme=http", ",column=link") == [A]


def test_a_list_at_s3_that_cannot_be_read_says_what_to_do(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.put("list.txt", A.encode())
    with pytest.raises(SourceError, match="no such file"):
        read(f"{bucket.uri}/none.txt")
    with pytest.raises(SourceError, match=r"no such (bucket|file)"):
        read("s3://no-such-bucket/list.txt")
    bucket.let_in_only_who_is_known()
    with pytest.raises(
        SourceError, match=r"access is denied \(ACCESS_DENIED\).*AWS_SECRET_ACCESS_KEY"
    ) as denied:
        read(f"{bucket.uri}/list.txt")
    assert "hush" not in str(denied.value) and "anybody" not in str(denied.value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(SourceError, match=r"its server does not answer.*AWS_ENDPOINT_URL"):
        read("s3://a-bucket-behind-a-closed-port/list.txt")


@pytest.mark.parametrize(
    ("place", "way_out"),
    [
        ("s3://KEY:SECRET@bucket/list.txt", "must hold no credentials.*AWS_ACCESS_KEY_ID"),
        ("s3://KEY@bucket/list.txt", "must hold no credentials"),
        ("s3://KEY:SEC/RET@bucket/list.txt", "must hold no credentials"),
        ("gs://KEY@bucket/list.txt", "must hold no credentials.*GOOGLE_APPLICATION_CREDENTIALS"),
        ("s3://bucket/list.txt?secret_key=SECRET", "it may say, not 'secret_key'"),
        ("s3://bucket/list.txt?endpoint_override=KEY:SECRET@host", "must hold no credentials"),
        ("https://KEY:SECRET@host/list.txt", "must be downloaded first"),
        ("file:///list.txt", "written without file://"),
        ("s3://", "cannot be read"),
    ],
)
def test_a_uri_with_credentials_or_of_another_kind_is_refused(place: str, way_out: str) -> None:
    with pytest.raises(SourceError, match=way_out) as refused:
        source(place)
    assert not any(
        part in str(refused.value) for part in ("KEY:", "KEY@", "SECRET@", "=SECRET", "SEC/", "RET@")
    )


def test_a_long_list_is_read_fast_and_in_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    with path.open("w") as file:
        writer = csv.writer(file)
        writer.writerow(["url", "subreddit", "caption"])
        writer.writerows((f"https://a.example/{number}.jpg", "Pics", "x" * 50) for number in range(100_000))
    began = time.process_time()
    assert sum(len(page.submissions) for page in source(path).pages(None)) == 100_000
    assert time.process_time() - began < 10, "a crawl asks for a thousand a second at most"


def test_images_in_a_parquet_list_are_not_even_read(tmp_path: Path) -> None:
    path = tmp_path / "list.parquet"
    images = pa.array([{"bytes": b"\xff" * 200_000, "path": str(n)} for n in range(250)])
    names = ["thing", "image", "tags", "url", "n"]
    tags = pa.array([[{"a": 1, "b": "x"}]] * 250)
    columns = [tags, images, tags, pa.array([f"{A}?{n}" for n in range(250)]), pa.array(range(250))]
    pq.write_table(
        pa.table(columns, names), path, row_group_size=100, compression="none", use_dictionary=False
    )
    whole, watched = pa.default_memory_pool(), pa.proxy_memory_pool(pa.default_memory_pool())
    pa.set_memory_pool(watched)
    try:
        submissions = read(path)
    finally:
        pa.set_memory_pool(whole)
    assert watched.max_memory() < 4 << 20
    carried = {"thing": [{"a": 1, "b": "x"}], "tags": [{"a": 1, "b": "x"}]}
    sizes = [one.extra and one.extra["image"] for one in submissions]
    assert [one.extra for one in submissions] == [
        carried | {"image": size, "n": n} for n, size in enumerate(sizes)
    ]
    assert sizes[0] == {"left_out": "about 200010 bytes"}
