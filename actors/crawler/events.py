"""What a crawler tells the driver while it fetches ahead."""

from __future__ import annotations

from dataclasses import dataclass

from models.records import Candidate, Ready


@dataclass(frozen=True, slots=True)
class Awoke:
    """The first thing a crawler says in each of its lives. With another ``life``, what it held is lost."""

    life: str


@dataclass(frozen=True, slots=True)
class Resolved:
    """The submission with this place in the run's order has these candidates, in their order."""

    order: int
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Fetched:
    """A candidate's bytes or its final outcome are there."""

    order: int
    ready: Ready


@dataclass(frozen=True, slots=True)
class Late:
    """A candidate takes longer than the run's patience: a window need not wait for it."""

    order: int
    key: str


News = Resolved | Fetched | Late
Event = Awoke | News
