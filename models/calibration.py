"""What a threshold lets through: held-out scores of the liked images, and scores of an unfiltered sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from models.mixture import Vectors
from models.registry import ModelError

_MOST = 10_000  # scores kept; of more, evenly spaced order statistics
_BINS = 60
_LARGEST_BETA = 1000  # recall alone counts long before
_SHARES = (0.99, 0.97, 0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5)  # of liked images, in the table


class CalibrationError(ModelError):
    """A threshold cannot be chosen as it was asked for."""


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """Sorted scores, float64, of held-out liked images and of an unfiltered sample (empty where there is none).

    ``liked_count`` and ``unfiltered_count`` are how many they stand for; ``source`` is where the sample is from.
    """

    liked: Vectors
    liked_count: int
    unfiltered: Vectors
    unfiltered_count: int = 0
    source: str = ""

    @classmethod
    def of(cls, liked: Vectors) -> Calibration:
        """Make one of the held-out scores of liked images; CalibrationError for a score that is not finite."""
        if not len(liked) or not np.isfinite(liked).all():
            raise CalibrationError("the score of a liked image is not a number; fit again with goldpan fit")
        return cls(_sorted(liked), len(liked), np.empty(0))

    def against(self, unfiltered: Vectors, source: str) -> Calibration:
        """Return this with another unfiltered sample; scores that are not numbers count as never let through."""
        if not np.isfinite(unfiltered).any():
            raise CalibrationError(f"{source} holds no image that could be scored; name another sample")
        scores = np.where(np.isfinite(unfiltered), unfiltered, -np.finfo(np.float64).max)
        return Calibration(self.liked, self.liked_count, _sorted(scores), len(scores), source)

    def kept_liked(self, threshold: float) -> float:
        """Return the share of held-out liked images at the threshold or above."""
        return float((self.liked >= threshold).mean())

    def kept_unfiltered(self, threshold: float) -> float | None:
        """Return the same of the unfiltered sample; None where there is none."""
        return float((self.unfiltered >= threshold).mean()) if len(self.unfiltered) else None

    def table(self) -> list[dict[str, float | None]]:
        """Return what thresholds let through, one row a share of the liked images."""
        thresholds = [float(np.quantile(self.liked, 1 - share)) for share in _SHARES]
        return [
            {"threshold": at, "liked": self.kept_liked(at), "unfiltered": self.kept_unfiltered(at)}
            for at in thresholds
        ]

    def histogram(self) -> dict[str, Any]:
        """Return counts of both on the same edges; what lies outside is clipped into the outer bins.

        The range is that of the liked images, and as much again below: unfiltered scores have no lower end.
        """
        low, high = float(self.liked[0]), float(self.liked[-1])
        edges = np.linspace(
            2 * low - high if high > low else low - 1, high if high > low else high + 1, _BINS + 1
        )
        counted = {
            name: np.histogram(np.clip(scores, edges[0], edges[-1]), edges)[0].tolist()
            for name, scores in (("liked", self.liked), ("unfiltered", self.unfiltered))
        }
        clipped = {
            "below": int((self.unfiltered < edges[0]).sum()),
            "above": int((self.unfiltered > edges[-1]).sum()),
        }
        return {"edges": edges.tolist(), **counted, "unfiltered_clipped": clipped}


class Rule(Protocol):
    """A way to choose a threshold."""

    def choose(self, calibration: Calibration) -> tuple[float, str]:
        """Return the threshold and what it was chosen for; CalibrationError where it cannot be."""


@dataclass(frozen=True, slots=True)
class Keep:
    """Let through the share ``share`` of images like the liked ones."""

    share: float

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            raise CalibrationError(f"keep is a share between 0 and 1, like 0.95, not {self.share}")

    def choose(self, calibration: Calibration) -> tuple[float, str]:
        """Return the score that at least this share of unseen images like these reach (conformal quantile).

        The rank counts the next image too: with few scores a plain quantile lets through less than it promises
        (Vovk, Gammerman & Shafer 2005, Algorithmic learning in a random world).
        """
        rank = max(int((1 - self.share) * (len(calibration.liked) + 1)), 1)
        return float(calibration.liked[rank - 1]), f"keep {self.share:g} of liked images"


@dataclass(frozen=True, slots=True)
class BestF:
    """The best F-beta of liked images against the unfiltered sample; above 1 recall weighs more.

    Both count alike, whatever their numbers, and each unfiltered image as one not wanted. Some are, so that the
    precision in it is a lower bound, and the threshold a little strict.
    """

    beta: float

    def __post_init__(self) -> None:
        if not 0 < self.beta <= _LARGEST_BETA:
            raise CalibrationError(
                f"beta is a number above 0, like 1, and {_LARGEST_BETA} at most, not {self.beta}"
            )

    def choose(self, calibration: Calibration) -> tuple[float, str]:
        """Return the liked score that is best as a threshold."""
        _check_sample(calibration)
        thresholds, first = np.unique(calibration.liked, return_index=True)
        recall = 1 - first / len(calibration.liked)
        passed = 1 - np.searchsorted(calibration.unfiltered, thresholds) / len(calibration.unfiltered)
        square = self.beta**2
        scores = (1 + square) * recall / (square + recall + passed)
        best = int(scores.argmax())
        return float(
            thresholds[best]
        ), f"best F{self.beta:g} ({scores[best]:.3f}) against {calibration.source}"


@dataclass(frozen=True, slots=True)
class PerThousand:
    """Let through so many of a thousand unfiltered images."""

    images: float

    def __post_init__(self) -> None:
        if not 0 < self.images < 1000:
            raise CalibrationError(f"of 1,000 images some can be let through, not {self.images:g}")

    def choose(self, calibration: Calibration) -> tuple[float, str]:
        """Return the highest score that at least so many reach."""
        _check_sample(calibration)
        scores = calibration.unfiltered
        rank = max(int(np.ceil(self.images / 1000 * len(scores) - 1e-9)), 1)
        return float(scores[len(scores) - rank]), f"{self.images:g} per 1,000 of {calibration.source}"


@dataclass(frozen=True, slots=True)
class At:
    """A threshold as it is given."""

    threshold: float

    def __post_init__(self) -> None:
        if not np.isfinite(self.threshold):
            raise CalibrationError(f"a threshold is a number, not {self.threshold}")

    def choose(self, calibration: Calibration) -> tuple[float, str]:
        """Return it."""
        return self.threshold, "given by hand"


def _check_sample(calibration: Calibration) -> None:
    if not len(calibration.unfiltered):
        raise CalibrationError("that needs an unfiltered sample; name a folder or an output with --against")


def _sorted(scores: Vectors) -> Vectors:
    ordered = np.sort(np.asarray(scores, np.float64))
    if len(ordered) > _MOST:
        ordered = ordered[np.linspace(0, len(ordered) - 1, _MOST).round().astype(np.intp)]
    ordered.setflags(write=False)
    return ordered
