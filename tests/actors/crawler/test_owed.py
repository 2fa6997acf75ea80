"""What is owed gets its row, whatever is found when it is resolved again."""

from __future__ import annotations

from actors.crawler.events import Offer
from actors.crawler.owed import needs_resolving, settled
from models.keys import NO_CANDIDATE
from models.reasons import Reason, Stage
from models.records import Candidate, Outcome, Submission

WAITS = Outcome(Reason.NOT_READY, Stage.RESOLVE, "unprocessed", retry_after=30.0)
BUSY = Outcome(Reason.RATE_LIMITED, Stage.FETCH, retry_after=900.0)
URLS = ("https://a.example/1.jpg",)
NONE = Candidate("t3_a", NO_CANDIDATE, outcome=WAITS)


def offer(*owed: Candidate, retried: bool = False) -> Offer:
    return Offer(0, Submission("t3_a", "reddit:r/x", {}), owed, retried)


def found(*medias: str) -> list[Candidate]:
    return [Candidate("t3_a", media, URLS) for media in medias]


def test_a_new_submission_is_what_it_resolves_to() -> None:
    assert needs_resolving(offer())
    assert settled(offer(), found("1", "2")) == found("1", "2")


def test_what_has_urls_is_fetched_again_without_being_resolved() -> None:
    owed = offer(Candidate("t3_a", "1", URLS, outcome=BUSY))
    assert not needs_resolving(owed)
    assert settled(owed, []) == found("1")


def test_an_image_that_was_processed_meanwhile_is_had_and_no_other() -> None:
    owed = offer(Candidate("t3_a", "2", outcome=WAITS))
    assert needs_resolving(owed)
    assert settled(owed, found("1", "2", "3")) == found("2")


def test_an_image_that_is_gone_ends_as_it_was() -> None:
    owed = offer(Candidate("t3_a", "2", outcome=WAITS))
    removed = Candidate("t3_a", NO_CANDIDATE, outcome=Outcome(Reason.REMOVED, Stage.RESOLVE))
    (ended,) = settled(owed, [removed])
    assert ended.key == "t3_a/2" and ended.outcome == Outcome(Reason.NOT_READY, Stage.RESOLVE, "unprocessed")


def test_a_submission_without_candidates_gets_those_that_are_found() -> None:
    assert settled(offer(NONE), found("1", "2")) == found("1", "2")
    still = Candidate("t3_a", NO_CANDIDATE, outcome=WAITS)
    assert settled(offer(NONE), [still]) == [still], "put off again, or final: the driver says"


def test_a_row_that_was_written_says_what_became_of_it() -> None:
    *others, last = settled(offer(NONE, retried=True), found("1", "2"))
    assert last.key == "t3_a/-" and last.outcome == Outcome(Reason.RESOLVED_LATER, Stage.RESOLVE)
    assert others == found("1", "2")
