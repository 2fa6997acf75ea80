"""What the driver offers a crawler, and what a crawler tells the driver while it fetches ahead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from models.records import Candidate, Ready, Submission


class Offer(NamedTuple):
    """A submission and its place in the run's order.

    ``owed`` are candidates of it that were seen before, and are to be had again: only their rows are wanted.
    ``retried``: they have rows already, of an earlier attempt.
    """

    order: int
    submission: Submission
    owed: tuple[Candidate, ...] = ()
    retried: bool = False


@dataclass(frozen=True)
class Awoke:
    """The first thing a crawler says in each of its lives. With another ``life``, what it held is lost."""

    life: str


@dataclass(frozen=True)
class Resolved:
    """The submission with this place in the run's order has these candidates, in their order."""

    order: int
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True)
class Fetched:
    """A candidate's bytes or its final outcome are there."""

    order: int
    ready: Ready


@dataclass(frozen=True)
class Late:
    """A candidate takes longer than the run's patience: a window need not wait for it."""

    order: int
    key: str


@dataclass(frozen=True)
class Said:
    """Something that the user should know, such as an API key that its host refuses."""

    text: str


News = Resolved | Fetched | Late
Event = Awoke | News | Said
