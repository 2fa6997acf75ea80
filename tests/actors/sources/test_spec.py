from __future__ import annotations

import pytest

from actors.crawler.sources import SourceError, parse_source


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
        ("urls:x.csv,colunm=link", "did you mean column="),
        ("dump:x.zst", "does not have reading Pushshift dumps"),
        ("arctic:EarthPorn,after=2024-01-01", "does not have the Arctic Shift API"),
        ("reddit:firehose", "does not have the firehose"),
    ],
)
def test_a_source_that_cannot_be_read_names_the_way_out(text: str, way_out: str) -> None:
    with pytest.raises(SourceError, match=way_out):
        parse_source(text)


def test_a_source_that_is_misspelt_is_not_repeated_with_its_credentials() -> None:
    with pytest.raises(SourceError, match="did you mean urls:FILE") as refused:
        parse_source("url:s3://KEY:SECRET@bucket/list.txt?token=SECRET")
    assert "SECRET" not in str(refused.value) and "KEY" not in str(refused.value)
