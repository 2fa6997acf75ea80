"""A whole world: its posts as Reddit tells them, what every URL answers, and the truth."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from flows.demo.board import Board
from flows.demo.desk import Answer, Desk, Json
from flows.demo.exhibits import Palette, Quotas
from flows.demo.jobs import planned
from flows.demo.photos import photo_jobs
from flows.demo.pictures import Picture
from flows.demo.truth import Truth


@dataclass(frozen=True)
class World:
    """A small Reddit that is the same for the same seed, scale and photos.

    ``posts`` are submissions as plain dicts, newest first, which is the order of ``/new``; ``answers`` maps
    ``host/path`` to what is served there, ``imgur`` and ``flickr`` hold the APIs' records; ``paint_order`` has
    every picture that a run with default settings fetches, in the order of the listing.
    """

    seed: int
    posts: tuple[Json, ...]
    answers: dict[str, Answer]
    imgur: dict[str, Json]
    flickr: dict[str, Json]
    truth: Truth
    paint_order: tuple[Picture, ...]

    @classmethod
    def build(cls, seed: int, photos: Path | None = None, scale: float = 1.0) -> World:
        """Plan a world; ``photos`` is a folder with a labels.csv whose files are shown instead of paintings.

        ``scale`` is the share of a full world (about 370 submissions) that is planned: at least one of each.
        Raises ``PhotosError`` where the folder cannot be shown.
        """
        rng = random.Random(f"goldpan demo world {seed}")
        board = Board(Desk(rng))
        if photos:
            board.post_all(photo_jobs(rng, photos))
        else:
            board.post_all(planned(rng, Palette(rng), Quotas().scaled(scale), scale))
        return cls._of(seed, board)

    @classmethod
    def _of(cls, seed: int, board: Board) -> World:
        listing = board.listing()
        desk = board.desk
        return cls(
            seed,
            tuple(entry.post for entry in listing),
            desk.answers,
            desk.imgur,
            desk.flickr,
            Truth(seed, tuple(board.expected())),
            _distinct(picture for entry in listing for picture in entry.fetched),
        )


def _distinct(pictures: Iterable[Picture]) -> tuple[Picture, ...]:
    return tuple(dict.fromkeys(pictures))
