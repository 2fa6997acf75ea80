"""A manifest written anew from its window's rows, where it was lost: --retry reads it, and the cursors."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson

from actors.manifest import Manifest, SeenSubmission
from actors.shards import Shard, date_of
from models.reasons import Reason, Stage, Verdict
from models.records import Candidate, Outcome, Submission


def rebuilt_manifest(
    shard: Shard, number: int, rows: list[dict[str, Any]], cursors: dict[str, Any]
) -> Manifest:
    """Give the manifest of a window by its rows.

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
    )


def _submission(row: dict[str, Any]) -> Submission:
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


def _candidate(row: dict[str, Any]) -> Candidate:
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
