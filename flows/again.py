"""What is offered again: what was put off and is due, and what --retry wants; posts are read again for it first."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import ray

from actors.crawler.listing import Asked
from actors.crawler.sources.post import submission_of
from actors.deferred import Deferred
from actors.ledger import Ledger
from actors.retries import GAINED, failing, rows_again, unlike
from actors.storage import Output
from flows.deferrals import Deferrals
from flows.score import gained
from models.records import Submission
from models.taste import Taste

POSTS_A_CALL = 100
# Until Reddit may be asked again, where the requests of the minute are spent.
SPENT_SECONDS = 10.0

Owed = tuple[Submission, Sequence[Deferred]]


def to_retry(
    retry: str | None, output: Output, ledger: Ledger, taste: Taste
) -> Iterator[list[Deferred]] | None:
    """Give what --retry wants of an output, None where it is not asked for.

    What was refused is scored here, before anything is fetched: EncoderMismatchError where it cannot be.
    """
    if retry is None:
        return None
    return rows_again(output, ledger, unlike(gained(output, taste)) if retry == GAINED else failing(retry))


class Again:
    """Gives submissions with what is owed of them, once; ``retried`` are given first.

    What has no URL yet needs its post as it is now: a hundred are asked for in one call to the ``listing``. Where
    Reddit does not answer, the post is as it was, and the try counts.
    """

    def __init__(
        self, listing: Any, deferrals: Deferrals, retried: Iterator[list[Deferred]] | None = None
    ) -> None:
        self._listing = listing
        self._deferrals = deferrals
        self._retried = retried
        self._held: list[Sequence[Deferred]] = []
        self._pause_until = 0.0
        self.answer: ray.ObjectRef[Asked] | None = None

    @property
    def is_retrying(self) -> bool:
        """Tell whether there is more that --retry wants."""
        return self._retried is not None

    @property
    def is_idle(self) -> bool:
        """Tell whether nothing is due, or will be."""
        return not (self.is_retrying or self._held or self._deferrals)

    def take(self) -> list[Owed]:
        """Give what is to be offered now, a hundred submissions at most."""
        if self.answer is None:
            self._held = self._held or self._next()
            ids = [identity for owed in self._held if (identity := _post_to_ask_for(owed)) is not None]
            if not ids:
                return self._given({})
            if time.monotonic() >= self._pause_until:
                self.answer = self._listing.posts.remote(ids)
        if self.answer is None or not ray.wait([self.answer], timeout=0)[0]:
            return []
        asked, self.answer = ray.get(self.answer), None
        if asked.spent:
            self._pause_until = time.monotonic() + SPENT_SECONDS
            return []
        return self._given(asked.posts)

    def _next(self) -> list[Sequence[Deferred]]:
        found: list[Sequence[Deferred]] = []
        if self._retried is not None:
            found += islice(self._retried, POSTS_A_CALL)
            self._retried = self._retried if found else None
        return found + self._deferrals.take_due(POSTS_A_CALL - len(found))

    def _given(self, posts: dict[str, dict[str, Any]]) -> list[Owed]:
        given, self._held = [(_as_it_is_now(owed[0].submission, posts), owed) for owed in self._held], []
        return given


def _post_to_ask_for(owed: Sequence[Deferred]) -> str | None:
    """Give the id of a Reddit post that has to be read again; links and files are as they were."""
    item = owed[0].submission.item
    unresolved = any(not one.candidate.urls for one in owed)
    return item.removeprefix("t3_") if unresolved and item.startswith("t3_") else None


def _as_it_is_now(submission: Submission, posts: dict[str, dict[str, Any]]) -> Submission:
    post = posts.get(submission.item.removeprefix("t3_"))
    if post is None:
        return submission
    return replace(submission, post=submission_of(post, submission.source).post)
