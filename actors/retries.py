"""What failed and is to be had again, by ``--retry failed[:REASON]``: read from shards and manifests."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

import pyarrow.compute as pc

from actors.deferred import Deferred
from actors.ledger import HashSet, Ledger
from actors.manifest import manifest_path, read_manifest
from actors.shards import read_verdicts
from actors.storage import Output
from models.keys import item_of
from models.reasons import Reason, Verdict

ALL = Verdict.FAILED.value
_COLUMNS = ["key", "window", "submission", "candidates", "reason", "verdict", "attempt"]


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


def failed_rows(output: Output, ledger: Ledger, retry: str) -> Iterator[list[Deferred]]:
    """Give the failed candidates by submission, each due at once, with the number of the next attempt.

    Only current rows count: those of a key's latest attempt, which is not on its way again already.
    """
    wanted = reason_of(retry)
    decided = HashSet()
    decided.add(one.key for one in ledger.deferred)
    retried: dict[str, set[str]] = {}
    for manifest in ledger.unfinished:
        decided.add(one.key for one in manifest.candidates)
        _remember(retried, manifest.attempts)
    # The latest first, so that what is behind it is known to be older.
    for window, rows in _windows(output):
        failed = [row for row in rows if row["verdict"] == ALL and wanted in (None, row["reason"])]
        current = [row for row in failed if row["key"] not in decided]
        later = [row["key"] for row in rows if row["attempt"] > 1]
        decided.add(later)
        _remember(retried, later)
        if current:
            yield from _owed(output, window, current, retried)


def _windows(output: Output) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Give what failed or was retried by window, the latest first."""
    for _, table in read_verdicts(output, _COLUMNS, newest_first=True):
        telling = pc.or_(pc.equal(table["verdict"], ALL), pc.greater(table["attempt"], 1))
        rows = table.filter(telling).sort_by([("window", "descending")]).to_pylist()
        for window, found in groupby(rows, itemgetter("window")):
            yield window, list(found)


def _remember(retried: dict[str, set[str]], keys: Iterable[str]) -> None:
    """Note what was retried, by submission: the ledger counts a submission as whole since its first attempt."""
    for key in keys:
        retried.setdefault(item_of(key), set()).add(key)


def _owed(
    output: Output, window: str, rows: list[dict[str, Any]], retried: dict[str, set[str]]
) -> Iterator[list[Deferred]]:
    manifest = read_manifest(output, manifest_path(int(window)))
    candidates = {candidate.key: candidate for candidate in manifest.candidates}
    found: dict[str, list[Deferred]] = {}
    for row in rows:
        submission = manifest.submissions[row["submission"]].submission
        again = Deferred(
            submission,
            candidates[row["key"]],
            due=time.time(),
            tries=0,
            attempt=row["attempt"] + 1,
            candidates=row["candidates"],
            had=tuple(sorted(retried.get(submission.item, ()))),
        )
        found.setdefault(submission.item, []).append(again)
    yield from found.values()
