"""Windows: closed in the run's order, without what is late, and the same after an interruption."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from actors.crawler.events import Fetched, Late, News, Resolved
from actors.deferred import Deferred
from flows.windows import RESOLVE_SECONDS, Entry, WindowAssembler, WindowTimes, window_size
from models.records import Candidate, Ready, Submission

MANY = 1 << 40
START = datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)


def submission(order: int) -> Submission:
    return Submission(f"t3_{order}", "reddit:r/x", {"id": str(order)})


def candidates(order: int, count: int = 1) -> tuple[Candidate, ...]:
    return tuple(Candidate(f"t3_{order}", str(media), ("https://x.test/a.jpg",)) for media in range(count))


def fetched(order: int, media: int = 0, size: int = 100) -> Fetched:
    return Fetched(order, Ready(candidates(order, media + 1)[media], None, size))


def assembler(submissions: int, *, each: int = 1) -> WindowAssembler:
    made = WindowAssembler()
    for order in range(submissions):
        made.add(order, Entry(submission(order), 0, frozenset()))
        made.mark("reddit:r/x", {"after": order})
        made.tell(Resolved(order, candidates(order, each)))
    return made


def closed(made: WindowAssembler, count: int, *, ended: bool = False, partial: bool = False) -> list[str]:
    return [pick.ready.key for pick in made.close(count, MANY, partial=partial, ended=ended)]


def tell(made: WindowAssembler, *events: News) -> None:
    for event in events:
        made.tell(event)


def test_a_window_waits_for_an_earlier_candidate() -> None:
    made = assembler(3)
    tell(made, fetched(1), fetched(2))
    assert closed(made, 2) == []
    tell(made, fetched(0))
    assert closed(made, 2) == ["t3_0/0", "t3_1/0"]


def test_the_order_of_arrival_does_not_change_a_window() -> None:
    for arrival in ([0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]):
        made = assembler(4)
        tell(made, *(fetched(order) for order in arrival))
        assert closed(made, 3) == ["t3_0/0", "t3_1/0", "t3_2/0"]


def test_a_late_candidate_is_left_to_a_later_window() -> None:
    made = assembler(4)
    tell(made, Late(0, "t3_0/0"), fetched(1), fetched(2))
    assert closed(made, 2) == ["t3_1/0", "t3_2/0"]
    tell(made, fetched(0), fetched(3))
    assert closed(made, 2) == ["t3_0/0", "t3_3/0"]
    assert len(made) == 0


def test_a_submission_that_takes_long_to_resolve_delays_only_itself() -> None:
    made = WindowAssembler()
    slow = Entry(submission(0), 0, frozenset())
    made.add(0, slow)
    made.add(1, Entry(submission(1), 0, frozenset()))
    tell(made, Resolved(1, candidates(1)), fetched(1))
    assert closed(made, 1) == []
    slow.since -= RESOLVE_SECONDS
    assert closed(made, 1) == ["t3_1/0"]
    tell(made, Resolved(0, candidates(0)), fetched(0))
    assert closed(made, 1) == ["t3_0/0"]


def test_the_last_window_is_what_is_left() -> None:
    made = assembler(2)
    tell(made, fetched(0))
    assert closed(made, 9, ended=True) == []
    tell(made, fetched(1))
    assert closed(made, 9) == []
    assert closed(made, 9, ended=True) == ["t3_0/0", "t3_1/0"]


def test_time_closes_a_window_that_is_not_full() -> None:
    made = assembler(2)
    tell(made, fetched(0))
    assert closed(made, 9, partial=True) == ["t3_0/0"]


def test_bytes_close_a_window() -> None:
    made = assembler(3)
    tell(made, *(fetched(order, size=60) for order in range(3)))
    assert len(made.close(9, 100, partial=False, ended=False)) == 2


def test_a_submission_split_over_windows_keeps_its_whole_count() -> None:
    made = assembler(1, each=3)
    tell(made, fetched(0, 0), fetched(0, 1))
    first = made.close(2, MANY, partial=False, ended=False)
    tell(made, fetched(0, 2))
    second = made.close(2, MANY, partial=False, ended=True)
    assert [pick.entry.total for pick in (*first, *second)] == [3, 3, 3]


def test_a_dead_crawlers_work_is_expected_again_but_for_what_is_taken() -> None:
    made = assembler(2, each=2)
    tell(made, fetched(0, 0), fetched(0, 1), fetched(1, 0))
    assert closed(made, 1) == ["t3_0/0"]
    held = list(made.held_by(0))
    for _, entry in held:
        made.forget_progress(entry)
    assert closed(made, 1) == []
    # What is taken is asked to be left out, and ignored if it comes all the same.
    tell(made, Resolved(0, candidates(0, 2)), Resolved(1, candidates(1, 2)))
    tell(made, fetched(0, 1), fetched(1, 0), fetched(1, 1))
    picks = made.close(9, MANY, partial=False, ended=True)
    assert [pick.ready.key for pick in picks] == ["t3_0/1", "t3_1/0", "t3_1/1"]
    assert picks[0].entry.total == 2


def test_an_event_of_something_gone_is_ignored() -> None:
    made = assembler(1)
    tell(made, fetched(0))
    assert closed(made, 1) == ["t3_0/0"]
    tell(made, fetched(0), Late(7, "t3_7/0"))
    assert closed(made, 1, ended=True) == []


def test_a_cursor_counts_once_everything_before_it_is_taken() -> None:
    made = assembler(3)
    tell(made, Late(0, "t3_0/0"), fetched(1))
    closed(made, 1)
    assert made.cursors == {}
    tell(made, fetched(0), fetched(2))
    closed(made, 2)
    assert made.cursors == {"reddit:r/x": {"after": 2}}


def test_a_cursor_behind_nothing_new_counts_at_once_or_with_what_is_on_its_way() -> None:
    made = WindowAssembler({"arctic:x": {"after": 1}})
    made.mark("dump:y", {"bytes": 7})
    assert made.cursors == {"arctic:x": {"after": 1}, "dump:y": {"bytes": 7}}
    made.add(0, Entry(submission(0), 0, frozenset()))
    made.mark("dump:y", {"bytes": 9})
    assert made.cursors["dump:y"] == {"bytes": 7}
    tell(made, Resolved(0, candidates(0)), fetched(0))
    assert closed(made, 1) == ["t3_0/0"]
    assert made.cursors["dump:y"] == {"bytes": 9}


def test_what_is_put_off_holds_up_neither_windows_nor_cursors() -> None:
    made = assembler(2, each=2)
    tell(made, fetched(0, 0), fetched(1, 0), fetched(1, 1))
    made.put_off(0, "t3_0/1")
    assert closed(made, 3) == ["t3_0/0", "t3_1/0", "t3_1/1"]
    assert made.cursors == {"reddit:r/x": {"after": 1}}
    assert len(made) == 0


def test_what_is_owed_keeps_its_submissions_count_and_its_attempt() -> None:
    made = WindowAssembler()
    owed = (Deferred(submission(0), candidates(0, 3)[2], 0.0, tries=2, attempt=3, candidates=3),)
    entry = Entry(submission(0), 0, frozenset({"t3_0/0", "t3_0/1"}), owed)
    made.add(0, entry)
    tell(made, Resolved(0, candidates(0, 3)[2:]), fetched(0, 2))
    assert entry.settled == set()
    assert closed(made, 1) == ["t3_0/2"]
    assert (entry.total, entry.tries, entry.attempt("t3_0/2")) == (3, 2, 3)
    assert entry.settled == {"t3_0/2"}


def test_what_is_put_off_again_stays_owed() -> None:
    made = WindowAssembler()
    owed = tuple(Deferred(submission(0), one, 0.0, candidates=2) for one in candidates(0, 2))
    entry = Entry(submission(0), 0, frozenset(), owed)
    made.add(0, entry)
    tell(made, Resolved(0, candidates(0, 2)), fetched(0, 0))
    made.put_off(0, "t3_0/1")
    assert closed(made, 1) == ["t3_0/0"]
    assert entry.settled == {"t3_0/0"}


def test_first_windows_are_small_and_follow_from_their_number() -> None:
    assert [window_size(number, 256) for number in (1, 2, 3, 4, 5, 900)] == [32, 64, 128, 256, 256, 256]
    assert window_size(1, 8) == 8


def test_being_told_twice_what_a_submission_holds_changes_nothing() -> None:
    made = assembler(1)
    tell(made, Resolved(0, candidates(0)), fetched(0))
    assert closed(made, 9, ended=True) == ["t3_0/0"]
    assert len(made) == 0


def test_a_windows_time_is_up_whatever_the_calendar_says() -> None:
    clock, moments = [100.0], [START, START - timedelta(hours=2), START + timedelta(days=1)]
    times = WindowTimes(5.0, clock=lambda: clock[0], today=lambda: moments.pop(0))
    for moment in list(moments):
        assert not times.is_up
        clock[0] += 5
        assert times.is_up
        assert times.open() == moment
    assert not WindowTimes(None, clock=lambda: clock[0]).is_up
