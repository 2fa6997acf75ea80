"""What there is to see in the world: every picture or trouble that some post will carry, and its truth."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from flows.demo.paint import CLUTTER, LANDSCAPES, Kind
from flows.demo.pictures import Photo, Picture, Treatment
from models.reasons import Reason

# World seeds stay below; the liked pictures' seeds begin far above, so that none is ever in both.
HIGHEST_SEED = 10_000_000
SMALLEST_AREA = 1280 * 1024
PNG_SHARE, WEBP_SHARE = 0.04, 0.05
TALL_KINDS = (Kind.CHAT, Kind.COMIC, Kind.ARTICLE, Kind.POSTER)


class Serving(StrEnum):
    """How a host answers for a picture."""

    FINE = "fine"
    TRUNCATED = "truncated"
    HTML = "html"
    EMPTY = "empty"
    MISSING = "missing"
    FORBIDDEN = "forbidden"
    BROKEN = "broken"
    RECOVERS = "recovers"
    BUSY = "busy"
    REMOVED = "removed"
    HUGE = "huge"
    OPTED_OUT = "opted_out"
    DEAD = "dead"
    RIPENS = "ripens"
    UNREADY = "unready"
    FAILED = "failed"
    ANIMATED = "animated"


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One candidate to be: what it shows, how it is served, and what should become of it.

    ``reasons`` are the right ones, the likeliest first. ``acceptable``: a run may keep it, once for its
    ``duplicate_set``.
    """

    reasons: tuple[Reason, ...]
    picture: Picture | Photo | None = None
    serving: Serving = Serving.FINE
    acceptable: bool = False
    duplicate_set: str | None = None

    @property
    def scenic(self) -> bool:
        """Whether it belongs where people post landscapes, whatever becomes of it."""
        if isinstance(self.picture, Picture):
            return self.picture.kind in LANDSCAPES
        return self.acceptable

    @property
    def size(self) -> tuple[int, int] | None:
        """(width, height) in pixels, where a host can declare it."""
        return self.picture.size if self.picture else None


@dataclass(slots=True)
class Palette:
    """Draws pictures with seeds that no other picture of the world has."""

    rng: random.Random
    used: set[int] = field(default_factory=set)

    def picture(self, kinds: Sequence[Kind], treatment: Treatment = Treatment.PLAIN) -> Picture:
        """A new picture of one of these kinds."""
        seed = self.rng.randrange(HIGHEST_SEED)
        while seed in self.used:
            seed = self.rng.randrange(HIGHEST_SEED)
        self.used.add(seed)
        kind = self.rng.choice(kinds)
        return Picture(kind, seed, treatment, self._suffix(kind))

    def _suffix(self, kind: Kind) -> str:
        chance = self.rng.random()
        if kind in CLUTTER and chance < PNG_SHARE:
            return "png"
        return "webp" if chance > 1 - WEBP_SHARE else "jpg"

    def wanted(self, serving: Serving = Serving.FINE) -> Exhibit:
        """A landscape that should be kept."""
        picture = self.picture(LANDSCAPES)
        return Exhibit((Reason.FITS,), picture, serving, True, picture.name)

    def unwanted(self, reason: Reason, kinds: Sequence[Kind], treatment: Treatment) -> Exhibit:
        """A picture that can be had and is not wanted, for one reason."""
        return Exhibit((reason,), self.picture(kinds, treatment))

    def trouble(self, reason: Reason, serving: Serving, kinds: Sequence[Kind] = LANDSCAPES) -> Exhibit:
        """A picture that cannot be had."""
        # A cut JPEG shows its upper part; other formats cut short are not images at all.
        return Exhibit((reason,), replace(self.picture(kinds), suffix="jpg"), serving)


def copy_of(original: Exhibit, reason: Reason, treatment: Treatment = Treatment.PLAIN) -> Exhibit:
    """A further member of an exhibit's duplicate set: the same file elsewhere, or a treated one."""
    if not isinstance(original.picture, Picture):
        raise TypeError("only painted pictures are copied")
    picture = replace(original.picture, treatment=treatment)
    acceptable = treatment is not Treatment.MARKED
    # Which member comes first is decided by the order of commits: either way one of them is kept.
    reasons = (reason, Reason.FITS) if acceptable else (reason, Reason.NEAR_DUPLICATE)
    return Exhibit(reasons, picture, acceptable=acceptable, duplicate_set=original.duplicate_set)


@dataclass(frozen=True, slots=True)
class Quotas:
    """How many of each there are in a world of full size."""

    wanted: int = 76
    unlike_taste: int = 100
    exact_copies: int = 11
    near_copies: int = 12
    marked_copies: int = 4
    watermark: int = 12
    too_small: int = 18
    too_wide: int = 9
    too_tall: int = 9
    truncated: int = 9
    recovers: int = 5
    busy: int = 4

    def scaled(self, scale: float) -> Quotas:
        """The same world, smaller: at least one of each."""
        return Quotas(**{name: at_least_one(getattr(self, name), scale) for name in self.__slots__})


def at_least_one(count: int, scale: float) -> int:
    """A count of the full world at another scale."""
    return max(1, round(count * scale))


def decodable(palette: Palette, quotas: Quotas) -> Iterator[Exhibit]:
    """Every exhibit whose picture any host may carry, and the truncated ones beside them."""
    yield from (palette.wanted() for _ in range(quotas.wanted))
    yield from (
        palette.unwanted(Reason.UNLIKE_TASTE, CLUTTER, Treatment.PLAIN) for _ in range(quotas.unlike_taste)
    )
    yield from _copies(palette, quotas)
    for number in range(quotas.too_small):
        kinds = LANDSCAPES if number % 2 else CLUTTER
        yield palette.unwanted(Reason.TOO_SMALL, kinds, Treatment.SMALL)
    for treatment, reason, kinds, count in (
        (Treatment.MARKED, Reason.WATERMARK, LANDSCAPES, quotas.watermark),
        (Treatment.WIDE, Reason.TOO_WIDE, LANDSCAPES, quotas.too_wide),
        (Treatment.TALL, Reason.TOO_TALL, TALL_KINDS, quotas.too_tall),
    ):
        yield from (palette.unwanted(reason, kinds, treatment) for _ in range(count))


def _copies(palette: Palette, quotas: Quotas) -> Iterator[Exhibit]:
    for count, reason, treatment in (
        (quotas.exact_copies, Reason.DUPLICATE, Treatment.PLAIN),
        (quotas.near_copies, Reason.NEAR_DUPLICATE, Treatment.NEAR),
        (quotas.marked_copies, Reason.WATERMARK, Treatment.MARKED),
    ):
        for _ in range(count):
            original = palette.wanted()
            while treatment is Treatment.NEAR and _smallest(original):
                original = palette.wanted()
            original = replace(original, reasons=(Reason.FITS, Reason.DUPLICATE, Reason.NEAR_DUPLICATE))
            yield original
            yield copy_of(original, reason, treatment)


def _smallest(original: Exhibit) -> bool:
    """Whether a near duplicate would have to be as large as the original, for the size gate's sake."""
    width, height = original.size or (0, 0)
    return width * height <= SMALLEST_AREA
