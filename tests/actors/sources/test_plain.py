"""Whatever a column holds becomes plain JSON, and stays what it is on its way through a manifest into a row."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actors.crawler.settings import CrawlSettings
from actors.crawler.sources import open_source, parse_source
from actors.crawler.sources.plain import distinct, plain_values
from actors.manifest import Manifest, SeenSubmission, read_manifest
from actors.storage import Output, to_json
from models.records import Candidate, Submission

MOMENT = datetime(2026, 11, 25, 12, 30, 0, 5, tzinfo=UTC)
FAR = 2**62  # no datetime can hold it


@pytest.mark.parametrize(
    ("array", "plain"),
    [
        (pa.array([True, None]), [True, None]),
        (pa.array([2**64 - 1], pa.uint64()), [2**64 - 1]),
        (pa.array([1.5, float("nan"), float("-inf"), None]), [1.5, "NaN", "-Infinity", None]),
        (pa.array([Decimal("0.00"), Decimal("12.30"), None]), ["0.00", "12.30", None]),
        (
            pa.array([MOMENT, None], pa.timestamp("us", "Europe/Berlin")),
            ["2026-11-25T12:30:00.000005Z", None],
        ),
        (pa.array([MOMENT.replace(tzinfo=None)], pa.timestamp("us")), ["2026-11-25T12:30:00.000005"]),
        (pa.array([1], pa.timestamp("ns")), ["1970-01-01T00:00:00.000000001"]),
        (pa.array([FAR], pa.timestamp("s")), [f"<value out of range: {FAR}>"]),
        (pa.array([date(2026, 11, 25)]), ["2026-11-25"]),
        (pa.array([clock(1, 2, 3)], pa.time32("s")), ["01:02:03"]),
        (pa.array([timedelta(milliseconds=1500), None], pa.duration("ms")), ["PT1.500S", None]),
        (pa.array([b"text", b"\xff\xd8", b"a\0"]), ["text", {"base64": "/9g="}, {"base64": "YQA="}]),
        (pa.array([b"\xff\xd8", None], pa.binary(2)), [{"base64": "/9g="}, None]),
        (pa.array([uuid.UUID(int=1).bytes, None], pa.uuid()), [str(uuid.UUID(int=1)), None]),
        (pa.array(['{"a": 1}'], pa.json_()), ['{"a": 1}']),
        (pa.array(["a", None, "a"]).dictionary_encode(), ["a", None, "a"]),
        (
            pa.array([[MOMENT], None, []], pa.list_(pa.timestamp("s", "UTC"))),
            [["2026-11-25T12:30:00Z"], None, []],
        ),
        (pa.array([[1, 2], None], pa.list_(pa.int8(), 2)), [[1, 2], None]),
        (pa.array([{"a": [b"\xff"]}, None]), [{"a": [{"base64": "/w=="}]}, None]),
        (pa.array([[("k", 1)], None, []], pa.map_(pa.string(), pa.int8())), [[["k", 1]], None, []]),
        (pa.StructArray.from_arrays([pa.array([1]), pa.array([2])], ["a", "a"]), [{"a": 1, "a_2": 2}]),
        (pa.nulls(2), [None, None]),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else "",
)
def test_a_value_of_any_type_is_plain_json(array: pa.Array, plain: list[Any]) -> None:
    assert plain_values(array) == plain
    assert plain_values(array[1:]) == plain[1:]
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain


def test_text_that_is_no_utf8_is_escaped() -> None:
    array = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"a\xff")]
    )
    assert plain_values(array) == ["a\\xff"]


def test_names_are_told_apart() -> None:
    assert distinct(["a", "a", " ", "a_2", "a", "\udcff"]) == [
        "a",
        "a_2",
        "column_3",
        "a_2_2",
        "a_3",
        "\\udcff",
    ]


FIELDS: dict[pa.DataType, st.SearchStrategy[Any]] = {
    pa.string(): st.text(st.characters(exclude_categories=["Cs"])),
    pa.binary(): st.binary(),
    pa.bool_(): st.booleans(),
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.uint64(): st.integers(0, 2**64 - 1),
    pa.float64(): st.floats(),
    pa.float32(): st.floats(width=32),
    pa.decimal128(38, 10): st.decimals(-(10**27), 10**27, places=10),
    pa.timestamp("ns"): st.integers(-(2**63) + 1, 2**63 - 1),
    pa.timestamp("us", "America/New_York"): st.integers(-(2**63), 2**63 - 1),
    pa.date32(): st.dates(),
    pa.time64("ns"): st.integers(0, 86_400 * 10**9 - 1),
    pa.duration("us"): st.integers(-(2**63) + 1, 2**63 - 1),
    pa.list_(pa.float64()): st.lists(st.floats() | st.none(), max_size=3),
    pa.struct({"a": pa.binary(), "b": pa.string()}): st.fixed_dictionaries(
        {"a": st.binary(), "b": st.text(st.characters(exclude_categories=["Cs"])) | st.none()}
    ),
    pa.map_(pa.string(), pa.int8()): st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(-128, 127)), max_size=3
    ),
}


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    kinds = draw(st.lists(st.sampled_from(list(FIELDS)), min_size=1, max_size=4))
    rows = draw(st.integers(1, 5))
    columns = [
        pa.array(draw(st.lists(FIELDS[kind] | st.none(), min_size=rows, max_size=rows)), kind)
        for kind in kinds
    ]
    names = draw(
        st.lists(
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
            min_size=len(kinds),
            max_size=len(kinds),
        )
    )
    return pa.table(
        [pa.array([f"https://a.example/{row}" for row in range(rows)]), *columns], ["url", *names]
    )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tables())
def test_any_column_survives_the_manifest_and_becomes_json(tmp_path: Path, table: pa.Table) -> None:
    path = tmp_path / "list.parquet"
    pq.write_table(table, path)
    source = open_source(parse_source(f"urls:{path}"), CrawlSettings())
    found = [one for page in source.pages(None) for one in page.submissions]
    assert len(found) == table.num_rows
    assert all(_is_kept(one, table.num_columns - 1) for one in found)
    output = Output(str(tmp_path / "out"))
    written = Manifest(
        number=1,
        run="r",
        opened_at=MOMENT,
        submissions={one.item: SeenSubmission(one, 1) for one in found},
        candidates=tuple(Candidate(one.item, "0", (one.post["url"],)) for one in found),
    )
    written.write(output)
    read = read_manifest(output, written.path)
    assert [one.submission.extra for one in read.submissions.values()] == [one.extra for one in found]
    for one in found:
        assert json.loads(to_json(one.extra).decode()) == one.extra


def _is_kept(one: Submission, others: int) -> bool:
    facts = sum(
        fact is not None for fact in (one.subreddit, one.author, one.title, one.permalink, one.over_18)
    )
    return len(one.extra or ()) + facts == others


@given(st.lists(st.lists(st.text(), max_size=5), max_size=4))
def test_any_text_of_a_csv_is_json_too(rows: list[list[str]]) -> None:
    from actors.crawler.sources.columns import Columns

    columns = Columns(["url", "a", "a"], "urls:x")
    for row in rows:
        extra = columns.submission(row).extra
        assert json.loads(to_json(extra)) == extra
