"""A commit: files, vectors, thumbs, then the shard; and the same again when it is repeated."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
import ray

from actors.duplicates import DuplicateIndex
from actors.judge.look import Look, empty_row, judged
from actors.manifest import Manifest, SeenSubmission, read_manifest
from actors.sink import Judges, Sink
from actors.storage import Output
from models.reasons import Reason, Stage
from models.records import Candidate, Submission
from models.schema import VERDICTS
from tests.s3 import Bucket

OPENED = datetime(2026, 11, 23, 23, 59, 59, tzinfo=UTC)
INDEX = "index-of-this-test"
JUDGES = Judges("gist@abc", "taste", -100.0)


def look(key: str, reason: Reason, *, data: bytes = b"jpeg", phash: int = 0, side: int = 2000) -> Look:
    sha = hashlib.sha256(data).hexdigest()
    row = empty_row(key) | {
        "bytes": len(data), "sha256": sha, "format": "JPEG", "phash": f"{phash:016x}",
        "width": side, "height": side, "log_likelihood": -50.0, "thumb": b"small",
    }  # fmt: skip
    return Look(row, memoryview(data), None, np.ones(4, np.float16), reason, Stage.SCORE)


def manifest(*keys: str, number: int = 1) -> Manifest:
    items = [key.rpartition("/") for key in keys]
    return Manifest(
        number=number,
        run="run",
        opened_at=OPENED,
        submissions={
            item: SeenSubmission(Submission(item, "s", {}, "Pics", created=5.0), 1) for item, _, _ in items
        },
        candidates=tuple(Candidate(item, media) for item, _, media in items),
    )


@pytest.fixture
def output(tmp_path: Path) -> Output:
    return Output(str(tmp_path / "out"))


def start_index(output: Output) -> Any:
    return ray.remote(DuplicateIndex).options(num_cpus=0, name=INDEX).remote(output.uri)


@pytest.fixture
def index(ray_here: None, output: Output) -> Iterator[Any]:
    handle = start_index(output)
    yield handle
    ray.kill(handle)


def commit(
    output: Output, index: Any, window: Manifest, looks: list[Look], replayed: bool = False
) -> dict[str, dict[str, Any]]:
    Sink(output.uri, INDEX, JUDGES).commit(window, [ray.put(judged(looks))], replayed=replayed)
    rows = output.read_table(window.shard("verdicts")).to_pylist()
    assert [row["key"] for row in rows] == [one.key for one in window.candidates]
    return {row["key"]: row for row in rows}


def tree(output: Output) -> dict[str, bytes]:
    return {name: output.read(name) for name in output.names("")}


def test_an_accepted_row_has_its_file_and_a_rejected_one_has_none(output: Output, index: Any) -> None:
    window = manifest("t3_a/0", "t3_b/0")
    fits, unlike = (
        look("t3_a/0", Reason.FITS, data=b"one"),
        look("t3_b/0", Reason.UNLIKE_TASTE, phash=2**60 - 1),
    )
    rows = commit(output, index, window, [unlike, fits])
    kept = rows["t3_a/0"]
    assert kept["verdict"] == "accepted"
    assert hashlib.sha256(output.read(kept["path"])).hexdigest() == kept["sha256"]
    assert kept["path"].startswith("images/Pics/t3_a_0_")
    assert rows["t3_b/0"]["path"] is None and rows["t3_b/0"]["reason"] == "unlike_taste"
    assert output.names("images") == [kept["path"]]
    vectors = output.read_table(window.shard("embeddings")).to_pydict()
    assert vectors == {"key": ["t3_a/0", "t3_b/0"], "embedding": [[1.0] * 4] * 2}
    assert output.read_table(window.shard("thumbs"))["key"].to_pylist() == ["t3_a/0", "t3_b/0"]


def test_repeating_a_commit_writes_the_same(output: Output, index: Any) -> None:
    window = manifest("t3_a/0", "t3_b/0")
    looks = [
        look("t3_a/0", Reason.FITS, data=b"one"),
        look("t3_b/0", Reason.FITS, data=b"two", phash=2**60 - 1),
    ]
    commit(output, index, window, looks)
    before = tree(output)
    commit(output, index, window, looks)
    assert tree(output) == before
    assert (
        ray.get(index.find.remote([("t3_x/0", hashlib.sha256(b"one").hexdigest(), None)]))[0].of == "t3_a/0"
    )


def test_a_copy_of_a_kept_image_is_one_whatever_the_models_said(output: Output, index: Any) -> None:
    commit(output, index, manifest("t3_a/0"), [look("t3_a/0", Reason.FITS, data=b"one")])
    later = manifest("t3_b/0", "t3_c/0", "t3_d/0", number=2)
    rows = commit(
        output,
        index,
        later,
        [
            look("t3_b/0", Reason.FITS, data=b"one"),
            look("t3_c/0", Reason.UNLIKE_TASTE, data=b"two", phash=1),
            look("t3_d/0", Reason.TOO_SMALL, data=b"one"),
        ],
    )
    assert [rows[key]["reason"] for key in rows] == ["duplicate", "near_duplicate", "too_small"]
    assert rows["t3_b/0"]["detail"] == "t3_a/0"
    assert len(output.names("images")) == 1


def test_within_a_window_the_largest_stays_and_a_rejected_first_copy_blocks_nothing(
    output: Output, index: Any
) -> None:
    window = manifest("t3_a/0", "t3_b/0", "t3_c/0")
    looks = [
        look("t3_a/0", Reason.WATERMARK, data=b"marked"),
        look("t3_b/0", Reason.FITS, data=b"small", side=1500),
        look("t3_c/0", Reason.FITS, data=b"large", phash=3, side=2500),
    ]
    rows = commit(output, index, window, looks)
    assert [rows[key]["reason"] for key in rows] == ["watermark", "near_duplicate", "fits"]


def test_a_missing_row_stops_the_commit(output: Output, index: Any) -> None:
    with pytest.raises(RuntimeError, match="without"):
        commit(output, index, manifest("t3_a/0", "t3_b/0"), [look("t3_a/0", Reason.FITS)])
    assert output.names("verdicts") == []


def test_the_schema_holds_for_a_row_of_nothing(output: Output, index: Any) -> None:
    nothing = Look(empty_row("t3_a/-"), None, reason=Reason.SELF_POST, stage=Stage.RESOLVE)
    window = manifest("t3_a/-")
    unknown = replace(window.submissions["t3_a"], submission=Submission("t3_a", "s", {}))
    row = commit(output, index, replace(window, submissions={"t3_a": unknown}), [nothing])["t3_a/-"]
    assert (row["verdict"], row["sha256"], row["created"], row["subreddit"]) == ("skipped", None, None, None)
    assert output.names("embeddings") == [] and output.names("images") == []
    assert isinstance(output.read_table(window.shard("verdicts")), pa.Table)


def test_a_replay_removes_what_a_dead_commit_left_and_nothing_else(output: Output, index: Any) -> None:
    committed = manifest("t3_a/0", number=1)
    older = commit(output, index, committed, [look("t3_a/0", Reason.FITS, data=b"older")])["t3_a/0"]["path"]
    # The same key asked for again (another attempt), one whose name starts alike, and one that changes.
    window = manifest("t3_a/0", "t3_b/0", "t3_c/0", number=2)
    dead = [
        look("t3_a/0", Reason.FITS, data=b"newer", phash=2**60 - 1),
        look("t3_b/0", Reason.FITS, data=b"then gone", phash=0xFFFF << 48),
        look("t3_c/0", Reason.FITS, data=b"then another", phash=0xFF00FF00FF00FF00),
    ]
    left = [row["path"] for row in commit(output, index, window, dead).values()]
    output.remove(window.shard("verdicts"))
    foreign = ["images/Pics/t3_bb_0_01234567.jpg", "images/Pics/t3_b_0_mine.jpg", "images/Pics/notes.txt"]
    for path in foreign:
        output.write(path, b"mine")
    ray.kill(index)
    restarted = start_index(output)
    replay = [
        look("t3_a/0", Reason.UNLIKE_TASTE, data=b"newer", phash=2**60 - 1),
        Look(empty_row("t3_b/0"), None, reason=Reason.NOT_FOUND, stage=Stage.FETCH),
        look("t3_c/0", Reason.FITS, data=b"changed", phash=0xFF00FF00FF00FF00),
    ]
    kept = commit(output, restarted, window, replay, replayed=True)["t3_c/0"]["path"]
    ray.kill(restarted)
    assert kept not in left
    assert sorted(output.names("images")) == sorted([older, kept, *foreign])


def test_a_replay_of_a_window_before_the_last_throws_no_original_away(output: Output, index: Any) -> None:
    window = manifest("t3_a/0", number=1)
    path = commit(output, index, window, [look("t3_a/0", Reason.FITS, data=b"once")])["t3_a/0"]["path"]
    gone = Look(empty_row("t3_b/0"), None, reason=Reason.NOT_FOUND, stage=Stage.FETCH)
    commit(output, index, manifest("t3_b/0", number=2), [gone])
    output.remove(window.shard("verdicts"))
    commit(output, index, window, [replace(gone, row=empty_row("t3_a/0"))], replayed=True)
    assert output.names("images") == [] and output.read(f"aside/{path}") == b"once"


def test_a_window_of_nothing_is_committed(output: Output, index: Any) -> None:
    Sink(output.uri, INDEX, JUDGES).commit(window := manifest(), [], replayed=True)
    assert output.read_table(window.shard("verdicts")).equals(VERDICTS.empty_table())


def test_a_first_commit_lists_and_removes_nothing(output: Output, index: Any) -> None:
    output.write("images/Pics/t3_a_0_01234567.jpg", b"someone put it there")
    nothing = Look(empty_row("t3_a/0"), None, reason=Reason.NOT_FOUND, stage=Stage.FETCH)
    commit(output, index, manifest("t3_a/0"), [nothing])
    assert output.names("images") == ["images/Pics/t3_a_0_01234567.jpg"]


def test_a_commit_without_vectors_removes_those_of_a_dead_one(output: Output, index: Any) -> None:
    window = manifest("t3_a/0")
    commit(output, index, window, [look("t3_a/0", Reason.UNLIKE_TASTE)])
    assert output.exists(window.shard("embeddings")) and output.exists(window.shard("thumbs"))
    output.remove(window.shard("verdicts"))
    gone = Look(empty_row("t3_a/0"), None, reason=Reason.NOT_FOUND, stage=Stage.FETCH)
    commit(output, index, window, [gone], replayed=True)
    assert output.names("embeddings") == output.names("thumbs") == []


def test_a_failure_that_is_replayed_keeps_what_was_learned_of_it(output: Output, index: Any) -> None:
    learned = {
        "url": "https://a.test/1", "final_url": "https://b.test/1", "host": "a.test", "http_status": 404,
        "content_type": "text/html", "etag": '"x"', "last_modified": "yesterday", "fetched_at": 1700000000.25,
        "latency_ms": 12.5,
    }  # fmt: skip
    window = replace(manifest("t3_a/0", "t3_b/0"), facts={"t3_a/0": learned, "t3_b/0": learned})
    seen_now = empty_row("t3_b/0") | {"url": "https://now.test/", "http_status": 410}
    looks = [
        Look(row, None, reason=Reason.NOT_FOUND, stage=Stage.FETCH) for row in (empty_row("t3_a/0"), seen_now)
    ]
    rows = commit(output, index, window, looks, replayed=True)
    fetched_at = datetime.fromtimestamp(1700000000.25, UTC)
    assert {name: rows["t3_a/0"][name] for name in learned} == learned | {"fetched_at": fetched_at}
    assert (rows["t3_b/0"]["url"], rows["t3_b/0"]["http_status"]) == ("https://now.test/", 410)


def test_what_a_list_says_besides_is_in_its_rows_as_json(output: Output, index: Any) -> None:
    window = manifest("url:a/0", "url:b/0")
    extra = {"licence": "cc0", "größe": [1, {"w": 1.5, "h": None}], "title": "half \\ud83d"}
    told = Submission("url:a", "urls:x", {}, extra=extra)
    window = replace(window, submissions=window.submissions | {"url:a": SeenSubmission(told, 1)})
    window.write(output)
    window = read_manifest(output, window.path)
    looks = [look(key, Reason.UNLIKE_TASTE) for key in ("url:a/0", "url:b/0")]
    rows = commit(output, index, window, looks)
    assert json.loads(rows["url:a/0"]["extra"]) == extra
    assert rows["url:b/0"]["extra"] is None
    shards = output.dataset([window.shard("verdicts")], VERDICTS)
    with duckdb.connect() as database:
        database.register("verdicts", shards)
        asked = "SELECT extra->>'licence', extra->'größe'->1->>'w' FROM verdicts WHERE extra IS NOT NULL"
        assert database.sql(asked).fetchall() == [("cc0", "1.5")]


def test_text_that_utf8_cannot_hold_is_escaped_in_its_row(output: Output, index: Any) -> None:
    window = manifest("t3_a/0")
    odd = Submission("t3_a", "urls:\udcff", {}, "Pics", title="half \ud83d", author="ü")
    window = replace(window, submissions={"t3_a": SeenSubmission(odd, 1)})
    row = commit(output, index, window, [look("t3_a/0", Reason.FITS)])["t3_a/0"]
    assert (row["source"], row["title"], row["author"]) == ("urls:\\udcff", "half \\ud83d", "ü")


def test_at_an_object_store_a_commit_and_its_repetition_leave_the_same(index: Any, bucket: Bucket) -> None:
    # The index is of an empty output here: Ray's workers do not have this test's environment.
    output, window = Output(f"{bucket.uri}/out"), manifest("t3_a/0", "t3_b/0")
    window.write(output)
    looks = [
        look("t3_a/0", Reason.FITS, data=b"one"),
        look("t3_b/0", Reason.UNLIKE_TASTE, data=b"two", phash=2**60 - 1),
    ]
    kept = commit(output, index, window, looks)["t3_a/0"]["path"]
    before = tree(output)
    commit(output, index, window, looks, replayed=True)
    assert tree(output) == before and output.read(kept) == b"one"
    # The shard is lost, and the models have changed their mind.
    output.remove(window.shard("verdicts"))
    commit(output, index, window, [replace(looks[0], reason=Reason.UNLIKE_TASTE), looks[1]], replayed=True)
    assert output.names("images") == [] and len(output.names("")) == 4
