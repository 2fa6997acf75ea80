"""A manifest written anew from its window's rows, where it was lost: --retry reads it, and the cursors."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import orjson

from actors.deferred import Deferred
from actors.ledger import read_state
from actors.manifest import Manifest, SeenSubmission, manifest_path, read_manifest
from actors.shards import Shard, date_of
from actors.storage import Output
from models.keys import NO_CANDIDATE
from models.reasons import Reason, Stage, Verdict
from models.records import Candidate, Outcome, Submission

Row = dict[str, Any]


def rebuilt_manifest(
    shard: Shard, number: int, rows: list[Row], cursors: dict[str, Any], deferred: tuple[Deferred, ...]
) -> Manifest:
    """Give the manifest of a window by its rows, and by what is known of what it had ``deferred``.

    What rows do not hold is not in it: posts, which --retry asks for again, and fallback URLs. ``cursors`` are those
    of the manifest before: what was listed since is listed again, and known.
    """
    return Manifest(
        number=number,
        run=rows[0]["run"] if rows else "",
        opened_at=datetime.fromisoformat(date_of(shard)).replace(tzinfo=UTC),
        submissions={row["submission"]: SeenSubmission(_submission(row), row["candidates"]) for row in rows},
        candidates=tuple(map(_candidate, rows)),
        cursors=cursors,
        attempts={row["key"]: row["attempt"] for row in rows if row["attempt"] > 1},
        deferred=deferred,
        settled=_settled(rows),
    )


def still_owed(output: Output, there: list[str], number: int) -> tuple[tuple[Deferred, ...], bool]:
    """Give what a lost manifest held that is owed, and whether that is all of it; ``there`` are the manifests' paths.

    The state names it. What was put off before is in an earlier manifest too, as it was then; the rest is not known.
    """
    last, written = read_state(output)
    if last < number:
        return (), False
    wanted = {key for key, window in written.items() if window == number}
    found: dict[str, Deferred] = {}
    for path in reversed(there[: bisect_left(there, manifest_path(number))]):
        if len(found) == len(wanted):
            break
        for one in read_manifest(output, path).deferred:
            if one.key in wanted:
                found.setdefault(one.key, one)
    return tuple(found.values()), len(found) == len(wanted)


def _settled(rows: list[Row]) -> tuple[str, ...]:
    """Give the keys that have their rows, and those of submissions that came to nothing but these."""
    counts = Counter(row["submission"] for row in rows)
    whole = {row["submission"] for row in rows if counts[row["submission"]] == row["candidates"]}
    return tuple(sorted({row["key"] for row in rows} | {f"{item}/{NO_CANDIDATE}" for item in whole}))


def _submission(row: Row) -> Submission:
    return Submission(
        item=row["submission"],
        source=row["source"],
        post={},
        subreddit=row["subreddit"],
        author=row["author"],
        title=row["title"],
        permalink=row["permalink"],
        created=row["created"] and row["created"].timestamp(),
        over_18=row["over_18"],
        reddit_score=row["reddit_score"],
        extra=row["extra"] and orjson.loads(row["extra"]),
    )


def _candidate(row: Row) -> Candidate:
    reason = Reason(row["reason"])
    ended = reason.verdict in (Verdict.SKIPPED, Verdict.FAILED)
    return Candidate(
        item=row["submission"],
        media=row["key"].rpartition("/")[2],
        urls=(row["url"],) if row["url"] else (),
        width=row["width"],
        height=row["height"],
        outcome=Outcome(reason, Stage(row["stage"]), row["detail"] or "") if ended else None,
    )
