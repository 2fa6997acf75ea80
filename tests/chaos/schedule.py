"""What is done to a run, and when: a schedule follows from its seed alone."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """A kind of fault."""

    KILL_LISTING = "listing killed"
    KILL_CRAWLER = "crawler killed"
    KILL_JUDGE = "judge killed"
    KILL_ENCODER = "encoder killed"
    KILL_SCORER = "scorer killed"
    KILL_WATERMARK = "watermark killed"
    KILL_INDEX = "index killed"
    KILL_SINK = "sink killed"
    KILL_RAYLET = "raylet killed"
    KILL_DRIVER = "driver killed"
    INTERRUPT = "driver interrupted"
    STOP_ACTOR = "actor stopped"
    CUT = "server cut"
    FULL_DISK = "disk full"
    CORRUPT = "answers corrupted"
    POISON = "poison planted"


# A planted image has this in its comment, and then what its decoder does (``planted/sitecustomize.py``).
MARK = b"goldpan-chaos:"


class Poison(StrEnum):
    """What a planted image makes its decoder do."""

    CRASH = "crash"
    THROW = "throw"
    HANG = "hang"


# How the processes call themselves; a judge is a task, and has this name only while it judges.
TITLES = {
    Kind.KILL_LISTING: "ray::Listing",
    Kind.KILL_CRAWLER: "ray::Crawler",
    Kind.KILL_JUDGE: "ray::ReadReadyBlocks",
    Kind.KILL_ENCODER: "ray::Encoder",
    Kind.KILL_SCORER: "ray::Scorer",
    Kind.KILL_WATERMARK: "ray::Watermark",
    Kind.KILL_INDEX: "ray::DuplicateIndex",
    Kind.KILL_SINK: "ray::Sink",
    Kind.KILL_RAYLET: "raylet",
}
# They are there from a schedule's beginning; the others have their moment.
STANDING = frozenset({Kind.CORRUPT, Kind.POISON})
_ACTORS = [title for kind, title in TITLES.items() if kind not in (Kind.KILL_JUDGE, Kind.KILL_RAYLET)]
_OTHERS = (1, 3)


class Unit(StrEnum):
    """What a moment is counted in, since the fault before or the beginning of the run."""

    REQUESTS = "requests"
    COMMITS = "commits"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: at ``count`` ``unit``\\ s, ``title``'s process (if one is meant), for so many ``seconds``."""

    kind: Kind
    unit: Unit
    count: int
    title: str = ""
    seconds: float = 0.0

    def __str__(self) -> str:
        what = (
            f"{self.title.removeprefix('ray::')} stopped" if self.kind is Kind.STOP_ACTOR else self.kind.value
        )
        lasting = f" for {self.seconds:.1f} s" if self.seconds else ""
        return f"{what}{lasting} after {self.count} {self.unit.value}"


@dataclass(frozen=True, slots=True)
class Schedule:
    """The faults of one seed: those that have their moment, in order, and what is wrong from the beginning."""

    seed: int
    faults: tuple[Fault, ...]
    corrupt: bool
    poison: tuple[Poison, ...]

    @classmethod
    def of(cls, seed: int) -> Schedule:
        """Make the schedule of a seed: the kinds come in turns, each with one to three others."""
        rng = random.Random(f"goldpan chaos {seed}")
        kinds = list(Kind)
        first = kinds[(seed - 1) % len(kinds)]
        chosen = [first, *rng.sample([kind for kind in kinds if kind is not first], rng.randint(*_OTHERS))]
        rng.shuffle(chosen)
        return cls(
            seed,
            tuple(_fault(rng, kind) for kind in chosen if kind not in STANDING),
            Kind.CORRUPT in chosen,
            tuple(rng.sample(list(Poison), 1 if rng.random() < 0.7 else 2)) if Kind.POISON in chosen else (),
        )

    @property
    def needs_small_disk(self) -> bool:
        """Tell whether the output must lie on a disk that can be filled."""
        return any(fault.kind is Kind.FULL_DISK for fault in self.faults)

    @property
    def lies(self) -> bool:
        """Tell whether the server, for a while, does not answer as the world would."""
        return self.corrupt or any(fault.kind is Kind.CUT for fault in self.faults)

    def lines(self) -> list[str]:
        """Say it for a person."""
        standing = ["answers corrupted"] if self.corrupt else []
        standing += [f"an image that makes its decoder {poison.value}" for poison in self.poison]
        return standing + [str(fault) for fault in self.faults]


def _fault(rng: random.Random, kind: Kind) -> Fault:
    title, seconds = TITLES.get(kind, ""), 0.0
    if kind is Kind.STOP_ACTOR:
        title, seconds = rng.choice(_ACTORS), rng.uniform(2, 30)
    elif kind is Kind.CUT:
        seconds = rng.uniform(0.5, 5)
    # What a disk lacks is felt only where something is written.
    unit = Unit.COMMITS if kind is Kind.FULL_DISK else rng.choice(list(Unit))
    return Fault(
        kind, unit, rng.randint(1, 2) if unit is Unit.COMMITS else rng.randint(1, 25), title, seconds
    )
