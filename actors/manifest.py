"""A window's manifest: what was seen, written before any of it is judged. *Seen* means: in a manifest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import orjson

from actors.deferred import Deferred, candidate_of, deferred_of
from actors.shards import shard_path, window_name
from actors.storage import Output, to_json
from models.reasons import Stage, Verdict
from models.records import Candidate, Ready, Submission

FOLDER = "windows"
_FACTS = (
    "url", "final_url", "host", "http_status", "content_type", "etag", "last_modified", "fetched_at", "latency_ms",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SeenSubmission:
    """A submission and how many candidates it has in all, in this window and in others."""

    submission: Submission
    candidates: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """A window: its number, when it was opened (UTC), and its candidates in the run's order.

    Dates, ids and names that are written for a window follow from this and never from the clock, so that judging
    it again writes the same. ``cursors`` hold, for each source, the place before which all is in manifests;
    ``facts``, by key, what was learned of a candidate whose outcome is final and is not fetched again; ``attempts``,
    by key, those above 1; ``deferred`` what was put off since the manifest before, and ``settled`` the keys of what
    was, and is owed no more.
    """

    number: int
    run: str
    opened_at: datetime
    submissions: dict[str, SeenSubmission]
    candidates: tuple[Candidate, ...]
    cursors: dict[str, Any] = field(default_factory=dict)
    attempts: dict[str, int] = field(default_factory=dict)
    facts: dict[str, dict[str, Any]] = field(default_factory=dict)
    deferred: tuple[Deferred, ...] = ()
    settled: tuple[str, ...] = ()

    @property
    def window(self) -> str:
        """The window's id, which sorts in commit order."""
        return window_name(self.number)

    @property
    def path(self) -> str:
        """Where the manifest is, relative to the output."""
        return manifest_path(self.number)

    def shard(self, table: str) -> str:
        """Name this window's shard of ``verdicts``, ``embeddings`` or ``thumbs``."""
        return shard_path(table, f"{self.opened_at:%Y-%m-%d}", self.number, self.number)

    def write(self, output: Output) -> None:
        """Write the manifest, which makes its candidates seen."""
        output.write(self.path, to_json(self._as_dict(), orjson.OPT_APPEND_NEWLINE))

    def _as_dict(self) -> dict[str, Any]:
        unresolved = _unresolved(self.candidates)
        return {
            "number": self.number,
            "run": self.run,
            "opened_at": self.opened_at,
            "attempts": self.attempts,
            "cursors": self.cursors,
            "submissions": [_as_written(seen, unresolved) for seen in self.submissions.values()],
            "candidates": self.candidates,
            "facts": self.facts,
            "deferred": self.deferred,
            "settled": self.settled,
        }


def _as_written(seen: SeenSubmission, unresolved: frozenset[str]) -> dict[str, Any]:
    # The post is what resolvers read, and most are resolved already; --retry resolves what failed at it.
    kept = seen.submission.item in unresolved
    submission = seen.submission if kept else replace(seen.submission, post={})
    return {"submission": submission, "candidates": seen.candidates}


def _unresolved(candidates: Iterable[Candidate]) -> frozenset[str]:
    """Give the items of which a candidate failed while it was resolved."""
    ended = ((one.item, one.outcome) for one in candidates if one.outcome is not None)
    return frozenset(
        item
        for item, outcome in ended
        if outcome.stage is Stage.RESOLVE and outcome.reason.verdict is Verdict.FAILED
    )


def manifest_path(number: int) -> str:
    """Name the manifest of a window, relative to the output."""
    return f"{FOLDER}/{window_name(number)}.json"


def facts_of(readies: Iterable[Ready]) -> dict[str, dict[str, Any]]:
    """Give a window's ``facts``: the columns that a fetch without bytes has for its row, by key."""
    found = {one.key: _known(one) for one in readies if one.outcome is not None}
    return {key: facts for key, facts in found.items() if facts}


def _known(ready: Ready) -> dict[str, Any]:
    return {name: value for name in _FACTS if (value := getattr(ready, name)) is not None}


def read_manifest(output: Output, path: str) -> Manifest:
    """Read a manifest back."""
    fields = output.read_json(path)
    seen = (
        SeenSubmission(Submission(**row["submission"]), row["candidates"]) for row in fields["submissions"]
    )
    return Manifest(
        number=fields["number"],
        run=fields["run"],
        opened_at=datetime.fromisoformat(fields["opened_at"]).astimezone(UTC),
        submissions={row.submission.item: row for row in seen},
        candidates=tuple(candidate_of(row) for row in fields["candidates"]),
        cursors=fields["cursors"],
        attempts=fields.get("attempts", {}),
        facts=fields.get("facts", {}),
        deferred=tuple(map(deferred_of, fields["deferred"])),
        settled=tuple(fields.get("settled", ())),
    )
