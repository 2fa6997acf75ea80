"""A small output as a run leaves it, written without one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from actors.manifest import Manifest, SeenSubmission
from actors.shards import TABLES, read_verdicts, shards
from actors.storage import Output
from models.keys import image_path
from models.reasons import Reason, Stage
from models.records import Candidate, Submission
from models.schema import VERDICTS

OPENED = datetime(2026, 11, 23, 12, tzinfo=UTC)


def manifest(number: int, keys: Iterable[str], day: int = 0) -> Manifest:
    named = [key.partition("/") for key in keys]
    return Manifest(
        number=number,
        run="r",
        opened_at=OPENED + timedelta(days=day),
        submissions={
            item: SeenSubmission(Submission(item, "s", {}, "Pics", created=5.0), 1) for item, _, _ in named
        },
        candidates=tuple(Candidate(item, media, (f"https://a.test/{item}",)) for item, _, media in named),
        cursors={"s": {"after": number}},
    )


def commit(output: Output, window: Manifest) -> None:
    """Leave what a commit does: of each window the first candidate accepted, a second failed, the rest scored."""
    rows = [_row(output, window, place, one) for place, one in enumerate(window.candidates)]
    scored = [row["key"] for row in rows if row["reason"] != "timeout"]
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(np.ones(4 * len(scored), np.float16)), 4)
    output.write_table(window.shard("embeddings"), pa.table({"key": scored, "embedding": vectors}))
    thumbs = pa.array([key.encode() for key in scored], pa.binary())
    output.write_table(window.shard("thumbs"), pa.table({"key": scored, "thumb": thumbs}))
    output.write_table(window.shard("verdicts"), pa.Table.from_pylist(rows, schema=VERDICTS))


def _row(output: Output, window: Manifest, place: int, one: Candidate) -> dict[str, Any]:
    reason = (Reason.FITS, Reason.TIMEOUT)[place] if place < 2 else Reason.UNLIKE_TASTE
    submission = window.submissions[one.item].submission
    row = dict.fromkeys(VERDICTS.names) | {
        "key": one.key, "run": window.run, "window": window.window, "attempt": window.attempts.get(one.key, 1),
        "source": "s", "submission": one.item, "candidates": 1, "subreddit": "Pics",
        "created": datetime.fromtimestamp(5, UTC),
        "url": one.urls[0] if one.urls else None,
        "verdict": reason.verdict.value, "reason": reason.value, "stage": Stage.SCORE.value,
    }  # fmt: skip
    if reason is Reason.FITS:
        data = f"the bytes of {one.key}".encode()
        sha256 = hashlib.sha256(data).hexdigest()
        path = image_path(submission, one.media, sha256, "JPEG")
        row |= {"sha256": sha256, "path": path, "phash": "0" * 16}
        output.write(path, data)
    return row


def small(uri: str, windows: int = 3, day_of: dict[int, int] | None = None) -> Output:
    """Make an output of some windows of three candidates."""
    output = Output(uri)
    for number in range(1, windows + 1):
        window = manifest(
            number, [f"t3_{number}{letter}/0" for letter in "abc"], (day_of or {}).get(number, 0)
        )
        window.write(output)
        commit(output, window)
    return output


def facts(output: Output) -> dict[str, list[Any]]:
    """Give what an output holds, however it is cut into files."""
    rows = [row for _, table in read_verdicts(output, VERDICTS.names) for row in table.to_pylist()]
    vectors = [
        row
        for name in TABLES[:-1]
        for one in shards(output, name)
        for row in output.read_table(one.path).to_pylist()
    ]
    return {
        "rows": sorted(rows, key=lambda row: (row["key"], row["attempt"])),
        "vectors": sorted(vectors, key=str),
        "images": [(name, output.read(name)) for name in output.names("images")],
    }


def silent(items: Iterable[Any], what: str, total: int) -> Iterable[Any]:
    """Watch a checkup without showing it."""
    return items
