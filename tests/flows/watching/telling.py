"""Windows that were committed, made up."""

from __future__ import annotations

from collections import Counter

from actors.sink import Committed
from flows.watching.events import WindowCommitted


def committed(number: int, seconds: float = 1.0, **reasons: int) -> WindowCommitted:
    """Give the event of a window with so many rows by reason."""
    files = tuple(f"images/{number}_{n}.jpg" for n in range(reasons.get("fits", 0)))
    report = Committed(
        f"{number:08d}", Counter(reasons), files, 1000, bytes_kept=10 * len(files),
        seconds={"fetch": (0.2, 3.0), "encode": (0.04,), "commit": (0.3,)},
    )  # fmt: skip
    return WindowCommitted(report, seconds)
