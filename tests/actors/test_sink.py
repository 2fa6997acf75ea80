"""A commit: files, vectors, thumbs, then the shard; and the same again when it is repeated."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import ray

from actors.duplicates import DuplicateIndex
from actors.judge.look import Look, empty_row, judged
from actors.manifest import Manifest, SeenSubmission
from actors.sink import Judges, Sink
from actors.storage import Output
from models.reasons import Reason, Stage
from models.records import Candidate, Submission

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


@pytest.fixture
def index(ray_here: None, output: Output) -> Iterator[Any]:
    handle: Any = ray.remote(DuplicateIndex).options(num_cpus=0, name=INDEX).remote(output.uri)
    yield handle
    ray.kill(handle)


def commit(output: Output, index: Any, window: Manifest, looks: list[Look]) -> dict[str, dict[str, Any]]:
    Sink(output.uri, INDEX, JUDGES).commit(window, [ray.put(judged(looks))])
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
