"""The records that travel: a submission as a source saw it, its candidates, and what a crawler made of each.

A **submission** is what a source yields (a Reddit post, a line of a URL list, a file of a folder). Resolving
it gives one or more **candidates**: a place to fetch an image from, or a final outcome where nothing is to be
fetched. A candidate is **ready** when its bytes or its outcome are there. The verdict row, which every
candidate ends as, is described by the Arrow schema in ``models.schema``.

They have no slots: pickle takes five times as long for a frozen dataclass with them, in Python, and each record goes
from process to process.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from models.reasons import Reason, Stage


@dataclass(frozen=True)
class Submission:
    """One thing a source saw, with what every row of it repeats.

    ``item`` is the Reddit fullname (``t3_…``), ``url:<sha256 of the url>`` or ``folder:<relative path>``;
    ``post`` is the plain dict the resolvers read (a Reddit submission, ``{"url": …}`` or ``{"uri": …}``).
    ``created`` is in seconds since the epoch, UTC. Everything Reddit may leave out is None. ``extra`` is what else
    a list says of its URL, by column (plain JSON); None where the source has nothing more to say.
    """

    item: str
    source: str
    post: dict[str, Any] = field(hash=False)
    subreddit: str | None = None
    author: str | None = None
    title: str | None = None
    permalink: str | None = None
    created: float | None = None
    over_18: bool | None = None
    reddit_score: int | None = None
    extra: dict[str, Any] | None = field(default=None, hash=False)


@dataclass(frozen=True)
class Outcome:
    """A reason, where on the way it fell, and at most a short detail for the log (never a secret).

    ``retry_after``: seconds after which asking again may help; None where it is final.
    """

    reason: Reason
    stage: Stage
    detail: str = ""
    retry_after: float | None = None


@dataclass(frozen=True)
class Candidate:
    """One image that may be had: where from, or why not.

    ``media`` is the media id or the position in the submission (``-`` for a submission without candidates);
    ``urls`` are tried in order, each a fallback of the one before; ``width`` and ``height`` are what the host
    declares, in pixels. With an ``outcome`` nothing is fetched.
    """

    item: str
    media: str
    urls: tuple[str, ...] = ()
    width: int | None = None
    height: int | None = None
    outcome: Outcome | None = None

    @property
    def key(self) -> str:
        """``<item>/<media>``, the name of this candidate in every file goldpan writes."""
        return f"{self.item}/{self.media}"


@dataclass(frozen=True)
class Ready:
    """A candidate whose bytes or final outcome are there, without the bytes themselves.

    ``size`` is the number of bytes the crawler holds for it (0 with an outcome); ``fetched_at`` is in seconds
    since the epoch, UTC, ``latency_ms`` from the first request's start to the last byte, in milliseconds.
    """

    candidate: Candidate
    outcome: Outcome | None
    size: int = 0
    url: str | None = None
    final_url: str | None = None
    host: str | None = None
    http_status: int | None = None
    content_type: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    fetched_at: float | None = None
    latency_ms: float | None = None

    @property
    def key(self) -> str:
        """The candidate's key."""
        return self.candidate.key
