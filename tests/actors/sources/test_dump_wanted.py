"""What is wanted of a dump, told from bytes: nothing that is wanted may be missed, whatever else JSON allows."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.crawler.sources.dumps.wanted import Wanted
from tests.actors.sources.dump_posts import lines, post

WANTED = Wanted({"subreddit": "EarthPorn+t.est_-1"})


def found(data: bytes, wanted: Wanted = WANTED) -> list[bytes]:
    return [data[start:end] for start, end in wanted.spans(data)]


@pytest.mark.parametrize(
    "line",
    [
        b'{"subreddit":"EarthPorn"}',
        b'{"subreddit": "EARTHPORN"}',
        b'{"subreddit" : "earthporn"}',
        b'{"subreddit"\t:\t "earthPorn"}',
        b'{"subreddit":"T.EST_-1"}',
        b'{"subreddit":"Earth\\u0050orn"}',
        b'{"subreddit": "Earth\\u0050orn"}',
        b'{"title":"\\"subreddit\\":\\"Other\\"","subreddit":"EarthPorn"}',
        b'{"crosspost_parent_list":[{"subreddit":"Other"}],"subreddit":"EarthPorn"}',
        b'{"flair":"subreddit","subreddit":"EarthPorn"}',
        b'{"subreddit":"Other","subreddit":"EarthPorn"}',
    ],
)
def test_a_wanted_line_is_found_however_it_is_written(line: bytes) -> None:
    other = b'{"subreddit":"Other","subreddit_name_prefixed":"r/EarthPorn"}'
    assert found(b"\n".join([other, line, other])) == [line]
    assert WANTED.admits(json.loads(line))


@pytest.mark.parametrize(
    "line",
    [
        b'{"subreddit":"EarthPornography"}',
        b'{"subreddit":"Porn"}',
        b'{"display_name":"EarthPorn"}',
        b'{"title":"EarthPorn","subreddit":""}',
        b'{"subreddit_name_prefixed":"r/EarthPorn"}',
        b'{"flair":"subreddit"}',
        b"",
    ],
)
def test_another_line_is_not_even_parsed(line: bytes) -> None:
    assert found(line) == found(line + b"\n") == []


@pytest.mark.parametrize(
    "line", [b'{"subreddit":null}', b'{"subreddit":', b'{"subreddit":"Earth', b'{"subreddit":{}}']
)
def test_what_cannot_be_read_in_passing_is_looked_at(line: bytes) -> None:
    assert found(line) == [line]


def test_all_lines_of_all_posts_are_wanted_where_nothing_is_said() -> None:
    assert found(b"a\n\nb", Wanted({})) == [b"a", b"", b"b"]
    assert found(b"a\n", Wanted({"after": "2024"})) == [b"a"]


words = st.sampled_from(
    ["subreddit", "EarthPorn", "earthporn", "Other", '"', "\\", ":", "ä", 'subreddit":"EarthPorn']
)
values = (
    words | st.none() | st.integers(0, 3) | st.lists(st.dictionaries(words, words, max_size=2), max_size=2)
)


@given(
    st.lists(st.dictionaries(st.sampled_from(["a", "subreddit", "title"]), values), max_size=4), st.booleans()
)
def test_the_bytes_never_miss_what_the_parsed_post_would_be_admitted_for(
    rows: list[dict[str, Any]], spaced: bool
) -> None:
    data = lines(rows, spaced=spaced)
    chosen = found(data)
    wanted = [line for line in data.split(b"\n")[:-1] if WANTED.admits(json.loads(line))]
    assert [line for line in chosen if WANTED.admits(json.loads(line))] == wanted


def test_an_author_and_a_subreddit_have_both_to_fit() -> None:
    wanted = Wanted({"subreddit": "earthporn", "author": "Author3"})
    assert wanted.admits(post(3)) and not wanted.admits(post(4)) and not wanted.admits(post(3, "Other"))
    assert not wanted.admits(post(3, author=None)) and not wanted.admits({**post(3), "subreddit": 5})


@pytest.mark.parametrize(
    ("name", "options", "may"),
    [
        ("RS_2024-02.zst", {"after": "2024-02"}, True),
        ("RS_2024-01.zst", {"after": "2024-02-01"}, True),  # a clock may have been wrong by hours
        ("RS_2024-01.zst", {"after": "2024-02-03"}, False),
        ("a/RS_2023-12.zst", {"before": "2023-11"}, False),
        ("RS_2023-12.zst", {"before": "2023-12-02"}, True),
        ("RS_2023-12.zst", {"subreddit": "a"}, True),
        ("RS_2023-13.zst", {"after": "2024-02"}, True),
        ("EarthPorn_submissions.zst", {"after": "2024-02"}, True),
        ("MYRS_2023-12.zst", {"after": "2024-02"}, True),
    ],
)
def test_a_month_is_left_out_only_if_it_cannot_have_it(name: str, options: dict[str, str], may: bool) -> None:
    assert Wanted(options).may_be_in(name) is may
