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
        ("reddit:firehose", "reddit", "firehose", {}),
        ("Reddit:FIREHOSE,after=T3_1abc,limit=5", "reddit", "firehose", {"after": "t3_1abc", "limit": "5"}),
        ("reddit:firehose,after=2026-01-31", "reddit", "firehose", {"after": "2026-01-31"}),
        ("urls:list.txt", "urls", "list.txt", {}),
        ("urls:a,b=c/list, new.csv", "urls", "a,b=c/list, new.csv", {}),
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
        ("dump:x.zst", "does not have reading Pushshift dumps"),
        ("arctic:EarthPorn,after=2024-01-01", "does not have the Arctic Shift API"),
        ("reddit:firehose,sort=new", "it takes after, limit"),
        ("reddit:firehose,after=yesterday!", "the id of a post, or a day like 2026-01-31"),
        ("reddit:r/A,after=1abc", "it takes sort, time, limit"),
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
