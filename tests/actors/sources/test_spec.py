from __future__ import annotations

import pytest

from actors.crawler.sources import SourceError, parse_source
from actors.crawler.sources.dates import moment


@pytest.mark.parametrize(
    ("text", "kind", "name", "options"),
    [
        ("reddit:r/EarthPorn", "reddit", "r/EarthPorn", {}),
        (
            "reddit:r/A+B,sort=top,time=year,limit=500",
            "reddit",
            "r/A+B",
            {"sort": "top", "time": "year", "limit": "500"},
        ),
        ("Reddit:/r/A/,SORT=New", "reddit", "r/A", {"sort": "new"}),
        ("reddit:R/A", "reddit", "r/A", {}),
        ("reddit:user/some-one", "reddit", "u/some-one", {}),
        ("reddit:u/me/m/views", "reddit", "u/me/m/views", {}),
        ("reddit:firehose", "reddit", "firehose", {}),
        ("Reddit:FIREHOSE,after=T3_1abc,limit=5", "reddit", "firehose", {"after": "t3_1abc", "limit": "5"}),
        ("reddit:firehose,after=2026-01-31", "reddit", "firehose", {"after": "2026-01-31"}),
        ("urls:list.txt", "urls", "list.txt", {}),
        ("urls:a,b=c/list, new.csv", "urls", "a,b=c/list, new.csv", {}),
        ("urls:list.csv,column=Image URL", "urls", "list.csv", {"column": "Image URL"}),
        (
            "urls:s3://b/a.csv?region=x&scheme=http,column=x",
            "urls",
            "s3://b/a.csv?region=x&scheme=http",
            {"column": "x"},
        ),
        ("folder:/some/dir", "folder", "/some/dir", {}),
    ],
)
def test_a_source_is_read(text: str, kind: str, name: str, options: dict[str, str]) -> None:
    spec = parse_source(text)
    assert (spec.kind, spec.name, spec.options, spec.text) == (kind, name, options, text)


@pytest.mark.parametrize(
    ("text", "way_out"),
    [
        ("redit:r/A", r"did you mean reddit:r/"),
        ("url:x.txt", "did you mean urls:FILE"),
        ("https://x.example/a.jpg", "reddit:r/.*urls:FILE.*folder:DIR.*demo"),
        ("", "urls:FILE"),
        ("reddit", "names nothing"),
        ("urls:", "names nothing: write it as urls:FILE"),
        ("reddit:EarthPorn", "reddit:r/EarthPorn .a subreddit. or reddit:u/EarthPorn"),
        ("reddit:r/", "no subreddit or user"),
        ("reddit:r/A B", "no subreddit or user"),
        ("reddit:r/A,sotr=top", "did you mean sort="),
        ("reddit:r/A,depth=2", "it takes sort, time, limit"),
        ("reddit:r/A,sort=topp", "new, hot, rising, top, controversial; did you mean top"),
        ("reddit:r/A,limit=0", "a number from 1"),
        ("reddit:r/A,sort=new,time=year", "sort=top or sort=controversial"),
        ("folder:x,limit=3", "no options"),
        ("reddit:firehose,sort=new", "it takes after, limit"),
        ("reddit:firehose,after=yesterday!", "the id of a post, or a day like 2026-01-31"),
        ("reddit:r/A,after=1abc", "it takes sort, time, limit"),
        ("urls:x.csv,colunm=link", "did you mean column="),
    ],
)
def test_a_source_that_cannot_be_read_names_the_way_out(text: str, way_out: str) -> None:
    with pytest.raises(SourceError, match=way_out):
        parse_source(text)


@pytest.mark.parametrize(
    ("text", "endless", "followed"),
    [
        ("reddit:firehose", True, True),
        ("reddit:r/A+B,limit=3", False, True),
        ("reddit:u/A,sort=new", False, True),
        ("reddit:r/A,sort=top", False, False),
        ("reddit:r/A,time=week", False, False),
        ("urls:list.txt", False, False),
    ],
)
def test_what_has_no_end(text: str, endless: bool, followed: bool) -> None:
    spec = parse_source(text)
    assert (spec.is_endless(), spec.is_endless(follow=True)) == (endless, followed)


@pytest.mark.parametrize(
    ("text", "name", "options"),
    [
        ("dump:a,b=c/RS, 2024.zst", "a,b=c/RS, 2024.zst", {}),
        ("dump:/dumps,subreddit=A+b_c.d-e,after=2024", "/dumps", {"subreddit": "A+b_c.d-e", "after": "2024"}),
        (
            "dump:x.zst,AUTHOR=a,before=2024-02-29,limit=3",
            "x.zst",
            {"author": "a", "before": "2024-02-29", "limit": "3"},
        ),
        ("dump:s3://b/x.zst?region=a,after=1700000000", "s3://b/x.zst?region=a", {"after": "1700000000"}),
        ("arctic:EarthPorn,after=2024-01", "r/EarthPorn", {"after": "2024-01"}),
        ("arctic:/R/EarthPorn/", "r/EarthPorn", {}),
        ("arctic:user/some-one", "u/some-one", {}),
        ("Arctic:reddit.com, limit=5", "r/reddit.com", {"limit": "5"}),
    ],
)
def test_a_dump_or_an_archive_is_read(text: str, name: str, options: dict[str, str]) -> None:
    spec = parse_source(text)
    assert (spec.name, spec.options, spec.text) == (name, options, text)


@pytest.mark.parametrize(
    ("text", "way_out"),
    [
        ("dmup:x.zst", "did you mean dump:FILE.zst,subreddit=EarthPorn"),
        ("dump:", "write it as dump:FILE.zst"),
        ("dump:x.zst,subredit=A", "did you mean subreddit="),
        ("dump:x.zst,sort=new", "it takes subreddit, author, after, before, limit"),
        ("dump:x.zst,subreddit=r/A", r"subreddit=r/A is not known: it takes a name, or several as A\+B"),
        ("dump:x.zst,subreddit=", "a name, or several"),
        (
            "dump:x.zst,after=2024-13",
            r"after=2024-13 is not known: it takes a date \(2024, 2024-01 or 2024-01-31",
        ),
        ("dump:x.zst,after=2023-02-29", "it takes a date"),
        ("dump:x.zst,before=yesterday", "it takes a date"),
        ("dump:x.zst,before=12345", "it takes a date"),
        ("dump:x.zst,before=1969", "it takes a date"),
        ("dump:x.zst,after=2024-02,before=2024-01", "nothing lies between"),
        ("dump:x.zst,subreddit=A,subreddit=B", "subreddit= is given twice.*several, as"),
        ("arctic:A,limit=1,limit=2", "limit= is given twice"),
        ("arctic:A+B", "name several: arctic:A arctic:B"),
        ("arctic:A B", "write arctic:NAME or arctic:u/NAME"),
        ("arctic:", "write it as arctic:EarthPorn"),
        ("arctic:A,sort=top", "it takes after, before, limit"),
    ],
)
def test_a_dump_or_an_archive_that_cannot_be_read_names_the_way_out(text: str, way_out: str) -> None:
    with pytest.raises(SourceError, match=way_out):
        parse_source(text)


@pytest.mark.parametrize(
    ("text", "second"),
    [
        ("2024", 1_704_067_200),
        ("2024-03", 1_709_251_200),
        ("2024-02-29", 1_709_164_800),
        ("1970", 0),
        ("1700000000", 1_700_000_000),
    ],
)
def test_a_date_is_its_first_second(text: str, second: int) -> None:
    assert moment(text) == second


def test_a_source_that_is_misspelt_is_not_repeated_with_its_credentials() -> None:
    with pytest.raises(SourceError, match="did you mean urls:FILE") as refused:
        parse_source("url:s3://KEY:SECRET@bucket/list.txt?token=SECRET")
    assert "SECRET" not in str(refused.value) and "KEY" not in str(refused.value)
