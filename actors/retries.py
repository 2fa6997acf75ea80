"""What failed and is to be had again, by ``--retry failed[:REASON]``: read from shards and manifests."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from actors.deferred import Deferred
from actors.manifest import FOLDER, read_manifest
from actors.storage import Output
from models.reasons import Reason, Verdict

ALL = Verdict.FAILED.value
_COLUMNS = ["key", "submission", "candidates", "reason", "verdict", "attempt"]


class RetryError(ValueError):
    """What is to be retried cannot be read; the message names the way out."""


def reason_of(text: str) -> Reason | None:
    """Read ``failed`` (None: every reason) or ``failed:REASON``; RetryError where it is neither."""
    kind, _, name = text.partition(":")
    failed = sorted(reason.value for reason in Reason if reason.verdict is Verdict.FAILED)
    if kind != ALL or (name and name not in failed) or text.endswith(":"):
        raise RetryError(
            f"--retry takes failed, or failed:REASON with one of {', '.join(failed)}; not {text!r}"
        )
    return Reason(name) if name else None


def failed_rows(output: Output, retry: str) -> Iterator[list[Deferred]]:
    """Give the failed candidates by submission, each due at once, with the number of the next attempt.

    Only current rows count: those of a key's latest attempt.
    """
    wanted = reason_of(retry)
    shards = output.names("verdicts", ".parquet")
    latest = _latest(output, shards)
    for shard in shards:
        rows = [
            row
            for row in output.read_table(shard, _COLUMNS).to_pylist()
            if row["verdict"] == ALL
            and wanted in (None, row["reason"])
            and row["attempt"] == latest.get(row["key"], 1)
        ]
        if rows:
            yield from _owed(output, PurePosixPath(shard).stem, rows)


def _latest(output: Output, shards: list[str]) -> dict[str, int]:
    """Give the latest attempt of every key that was retried."""
    found: dict[str, int] = {}
    for shard in shards:
        table = output.read_table(shard, ["key", "attempt"])
        for key, attempt in zip(*(table[name].to_pylist() for name in ("key", "attempt")), strict=True):
            if attempt > 1:
                found[key] = max(attempt, found.get(key, 1))
    return found


def _owed(output: Output, window: str, rows: list[dict[str, Any]]) -> Iterator[list[Deferred]]:
    manifest = read_manifest(output, f"{FOLDER}/{window}.json")
    candidates = {candidate.key: candidate for candidate in manifest.candidates}
    found: dict[str, list[Deferred]] = {}
    for row in rows:
        submission = manifest.submissions[row["submission"]].submission
        again = Deferred(
            submission, candidates[row["key"]], time.time(), 0, row["attempt"] + 1, row["candidates"]
        )
        found.setdefault(submission.item, []).append(again)
    yield from found.values()
