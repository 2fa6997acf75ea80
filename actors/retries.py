"""What is to be had again, by ``--retry failed[:REASON]`` or ``--retry gained``: read from shards and manifests."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from actors.deferred import Deferred
from actors.ledger import HashSet, Ledger
from actors.manifest import manifest_path, read_manifest
from actors.shards import read_verdicts
from actors.storage import Output
from models.keys import item_of
from models.reasons import Reason, Verdict

ALL = Verdict.FAILED.value
GAINED = "gained"
# Which rows of a verdict table are wanted again, as booleans [rows].
Wants = Callable[[pa.Table], pa.ChunkedArray]

_COLUMNS = ["key", "window", "submission", "candidates", "reason", "verdict", "attempt"]


class RetryError(ValueError):
    """What is to be retried cannot be read; the message names the way out."""


def failing(text: str) -> Wants:
    """Want what failed: ``failed``, or ``failed:REASON``; RetryError where it is neither."""
    reason = _reason_of(text)
    column, value = ("verdict", ALL) if reason is None else ("reason", reason.value)
    return lambda table: pc.equal(table[column], value)


def unlike(keys: HashSet) -> Wants:
    """Want those of these that a taste refused."""

    def wants(table: pa.Table) -> pa.ChunkedArray:
        refused = pc.equal(table["reason"], Reason.UNLIKE_TASTE.value)
        among = [
            is_refused and key in keys
            for key, is_refused in zip(table["key"].to_pylist(), refused.to_pylist(), strict=True)
        ]
        return pa.chunked_array([among], pa.bool_())

    return wants


def check_retry(text: str) -> None:
    """Make sure that it is something to retry; RetryError says what there is."""
    if text != GAINED:
        _reason_of(text)


def _reason_of(text: str) -> Reason | None:
    kind, _, name = text.partition(":")
    failed = sorted(reason.value for reason in Reason if reason.verdict is Verdict.FAILED)
    if kind != ALL or (name and name not in failed) or text.endswith(":"):
        raise RetryError(
            f"--retry takes {GAINED}, failed, or failed:REASON with one of {', '.join(failed)}; not {text!r}"
        )
    return Reason(name) if name else None


def rows_again(output: Output, ledger: Ledger, wants: Wants) -> Iterator[list[Deferred]]:
    """Give the candidates that are wanted by submission, each due at once, with the number of the next attempt.

    Only current rows count: those of a key's latest attempt, which is not on its way again already.
    """
    decided = HashSet()
    decided.add(one.key for one in ledger.deferred)
    retried: dict[str, set[str]] = {}
    for manifest in ledger.unfinished:
        decided.add(one.key for one in manifest.candidates)
        _remember(retried, manifest.attempts)
    # The latest first, so that what is behind it is known to be older.
    for window, rows in _windows(output, wants):
        current = [row for row in rows if row["wanted"] and row["key"] not in decided]
        later = [row["key"] for row in rows if row["attempt"] > 1]
        decided.add(later)
        _remember(retried, later)
        if current:
            yield from _owed(output, window, current, retried)


def _windows(output: Output, wants: Wants) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Give what is wanted or was retried by window, the latest first."""
    for _, verdicts in read_verdicts(output, _COLUMNS, newest_first=True):
        table = verdicts.append_column("wanted", wants(verdicts))
        telling = pc.or_(table["wanted"], pc.greater(table["attempt"], 1))
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
