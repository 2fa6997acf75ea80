"""What an offer of candidates that were seen before comes to: each of them has its row, whatever is found now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from actors.crawler.events import Offer
from models.keys import NO_CANDIDATE
from models.reasons import Reason, Stage
from models.records import Candidate, Outcome


def needs_resolving(offer: Offer) -> bool:
    """Tell whether an offer's submission has to be resolved: a new one, or one that owes what has no URL yet."""
    return not offer.owed or any(not candidate.urls for candidate in offer.owed)


def settled(offer: Offer, found: Sequence[Candidate]) -> list[Candidate]:
    """Give the candidates of an offer, out of what it owes and what was ``found`` when it was resolved again.

    Those with URLs are fetched again. The others are as they are found now, and end as they did where they are not
    found any more. A submission that had no candidate (``-``) has all that are found; where it has a row, that is
    ``resolved_later`` then.
    """
    if not offer.owed:
        return list(found)
    now = {candidate.key: candidate for candidate in found}
    kept = {one.key: _again(one, now) for one in offer.owed}
    empty = next((one for one in offer.owed if one.media == NO_CANDIDATE), None)
    if empty is None or empty.key in now or not now:
        return list(kept.values())
    del kept[empty.key]
    others = [*kept.values(), *(one for one in found if one.key not in kept)]
    later = Outcome(Reason.RESOLVED_LATER, Stage.RESOLVE)
    return [*others, replace(empty, outcome=later)] if offer.retried else others


def _again(owed: Candidate, now: Mapping[str, Candidate]) -> Candidate:
    if owed.urls:
        return replace(owed, outcome=None)
    return now.get(owed.key) or _ended(owed)


def _ended(candidate: Candidate) -> Candidate:
    outcome = candidate.outcome or Outcome(Reason.API_ERROR, Stage.RESOLVE)
    return replace(candidate, outcome=replace(outcome, retry_after=None))
