"""How long to wait: what a host asks for, and what is waited where it asks for nothing."""

from __future__ import annotations

import random
import re
import time
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

LONGEST_WAIT = 86_400.0  # seconds; a host that asks for more is asked again after a day
_SECONDS = re.compile(r"\d+(?:\.\d+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential waits in seconds, jittered down to half so that those who failed together do not return so."""

    first: float = 0.5
    longest: float = 600.0  # what imgur asks for when it is over capacity

    def seconds(self, failures: int) -> float:
        """Give the wait after this many failures in a row (from 1)."""
        return min(self.longest, self.first * 2.0 ** min(failures - 1, 30)) * random.uniform(0.5, 1.0)


def retry_after(value: str | None, now: float | None = None) -> float | None:
    """Read a Retry-After header, seconds or an HTTP date (RFC 9110, 10.2.3); None where it says nothing.

    ``now`` is in seconds since the epoch. At most ``LONGEST_WAIT``; a moment that has passed is 0.
    """
    text = (value or "").strip()
    if _SECONDS.fullmatch(text):
        return min(float(text), LONGEST_WAIT)
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    # A date without a zone is in UTC, as every HTTP date is.
    then = (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    return min(max(0.0, then - (time.time() if now is None else now)), LONGEST_WAIT)
