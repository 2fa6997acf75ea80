"""The ids of posts: base-36 numbers, allotted one after the other."""

from __future__ import annotations

import numpy as np

from models.records import Submission

PREFIX = "t3_"


def id_of(number: int) -> str:
    """Write a number as an id."""
    return np.base_repr(number, 36).lower()


def number_of(text: str) -> int:
    """Read an id, or a post's fullname."""
    return int(text.removeprefix(PREFIX), 36)


def number_in(submission: Submission) -> int | None:
    """Give a submission's number; None for a post that could not be read, whose name is made up."""
    return number_of(submission.item) if submission.post else None
