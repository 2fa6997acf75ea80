"""Dates as a source's options have them: ``after=2024-01``."""

from __future__ import annotations

import re
from datetime import UTC, datetime

EXPECTED = "a date (2024, 2024-01 or 2024-01-31, in UTC) or seconds since 1970"
_FORMATS = {4: "%Y", 7: "%Y-%m", 10: "%Y-%m-%d"}
_EPOCH = re.compile(r"\d{9,10}", re.ASCII)


def moment(text: str) -> int:
    """Give the first second (since the epoch, UTC) of a year, a month or a day; ValueError where it is none."""
    if _EPOCH.fullmatch(text):
        return int(text)
    date = datetime.strptime(text, _FORMATS.get(len(text), "%Y-%m-%d")).replace(tzinfo=UTC)
    if date.year < 1970:
        raise ValueError(text)
    return int(date.timestamp())
