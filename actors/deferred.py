"""Candidates that are asked for again later: their host was busy, or their post was still being processed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from models.reasons import Reason, Stage
from models.records import Candidate, Outcome, Submission


@dataclass(frozen=True, slots=True)
class Deferred:
    """One candidate that is owed its row.

    ``candidate`` has the outcome it would end with; one without URLs is resolved again, with its submission's
    ``post``. ``due`` is in seconds since the epoch, UTC; ``tries`` counts how often it was put off; ``attempt`` is
    that of its row; ``candidates`` is what its submission has in all, 0 where that is not known. ``had`` are keys of
    its submission that were retried before, and have their rows.
    """

    submission: Submission
    candidate: Candidate
    due: float
    tries: int = 1
    attempt: int = 1
    candidates: int = 0
    had: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The candidate's key."""
        return self.candidate.key


def deferred_of(fields: dict[str, Any]) -> Deferred:
    """Read one back from the JSON of its fields."""
    known = {"submission": Submission(**fields["submission"]), "candidate": candidate_of(fields["candidate"])}
    return Deferred(**{**fields, **known, "had": tuple(fields["had"])})


def candidate_of(fields: dict[str, Any]) -> Candidate:
    """Read a candidate back from the JSON of its fields."""
    outcome = fields["outcome"] and outcome_of(fields["outcome"])
    return Candidate(**{**fields, "urls": tuple(fields["urls"]), "outcome": outcome})


def outcome_of(fields: dict[str, Any]) -> Outcome:
    """Read an outcome back from the JSON of its fields."""
    return Outcome(**{**fields, "reason": Reason(fields["reason"]), "stage": Stage(fields["stage"])})
