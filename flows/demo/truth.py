"""What should become of every candidate of the world, and how near a run came to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from flows.demo.pictures import write_atomically
from models.reasons import Reason, Verdict


@dataclass(frozen=True, slots=True)
class Expected:
    """One candidate's truth.

    ``reasons`` are the right ones, the likeliest first. Accepting it is right where it is ``acceptable``, and
    then once for its ``duplicate_set`` (None where there is no picture that could be kept). ``wanted`` marks the
    best of each such set: most pixels, then oldest, then by key.
    """

    key: str
    subreddit: str
    reasons: tuple[Reason, ...]
    acceptable: bool = False
    wanted: bool = False
    duplicate_set: str | None = None

    @property
    def verdict(self) -> Verdict:
        """The verdict of the likeliest reason."""
        return self.reasons[0].verdict


@dataclass(frozen=True, slots=True)
class Score:
    """Precision and recall by duplicate set, and every key that is not as it should be.

    Precision is over the accepted rows: a second accepted member of a set counts as wrong. Recall is over the
    sets that should be kept. Both are 1.0 where there is nothing to count. ``twice``: keys with several rows.
    """

    precision: float
    recall: float
    accepted: int
    wanted: int
    wrong: tuple[str, ...]
    missed: tuple[str, ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    twice: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether there is exactly one row for every candidate of the world, and no other."""
        return not (self.missing or self.unexpected or self.twice)


@dataclass(frozen=True)
class Truth:
    """The truth of a whole world, in the order of its listing."""

    seed: int
    rows: tuple[Expected, ...]

    def by_key(self) -> dict[str, Expected]:
        """Every row under its key."""
        return {row.key: row for row in self.rows}

    def wanted(self) -> frozenset[str]:
        """The duplicate sets of which one member should be kept."""
        return frozenset(row.duplicate_set for row in self.rows if row.acceptable and row.duplicate_set)

    def counts(self) -> Counter[Reason]:
        """How many candidates have each reason as their likeliest."""
        return Counter(row.reasons[0] for row in self.rows)

    def save(self, path: Path) -> None:
        """Write it as JSON, whole or not at all."""
        write_atomically(path, orjson.dumps(self.as_json()))

    def as_json(self) -> dict[str, Any]:
        """Give it as plain JSON values."""
        return {"seed": self.seed, "rows": [asdict(row) for row in self.rows]}

    @classmethod
    def load(cls, path: Path) -> Truth:
        """Read what ``save`` wrote."""
        return cls.from_json(orjson.loads(path.read_bytes()))

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Truth:
        """Read what ``as_json`` gave."""
        rows = (Expected(**row | {"reasons": tuple(map(Reason, row["reasons"]))}) for row in document["rows"])
        return cls(document["seed"], tuple(rows))


def score(truth: Truth, rows: Iterable[tuple[str, str]]) -> Score:
    """Compare a run's (key, verdict) pairs, one for every current verdict row, with the truth."""
    seen = Counter[str]()
    accepted: dict[str, None] = {}
    for key, verdict in rows:
        seen[key] += 1
        if verdict == Verdict.ACCEPTED:
            accepted[key] = None
    expected = truth.by_key()
    found, wrong = _judged(expected, accepted)
    wanted = truth.wanted()
    missed = (row.key for row in truth.rows if row.wanted and row.duplicate_set not in found)
    return Score(
        precision=len(found) / len(accepted) if accepted else 1.0,
        recall=len(found) / len(wanted) if wanted else 1.0,
        accepted=len(accepted),
        wanted=len(wanted),
        wrong=tuple(wrong),
        missed=tuple(missed),
        missing=tuple(key for key in expected if key not in seen),
        unexpected=tuple(key for key in seen if key not in expected),
        twice=tuple(key for key, count in seen.items() if count > 1),
    )


def _judged(expected: dict[str, Expected], accepted: Iterable[str]) -> tuple[set[str], list[str]]:
    """The duplicate sets that were rightly found, and the keys that were wrongly accepted."""
    found: set[str] = set()
    wrong: list[str] = []
    for key in accepted:
        row = expected.get(key)
        if row and row.acceptable and row.duplicate_set and row.duplicate_set not in found:
            found.add(row.duplicate_set)
        else:
            wrong.append(key)
    return found, wrong
