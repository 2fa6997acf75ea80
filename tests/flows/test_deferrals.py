"""What is put off is owed until its row is in a window, and waits longer each time."""

from __future__ import annotations

import time

from actors.crawler.settings import Deferral
from actors.deferred import Deferred
from flows.deferrals import Deferrals
from models.records import Candidate, Submission

SETTINGS = Deferral(tries=3, seconds=10, longest=60)


class Clocks:
    """The calendar, which is set now and then, and a clock that is not."""

    def __init__(self) -> None:
        self.today, self.now = 1_790_000_000.0, 50.0

    def pass_(self, seconds: float) -> None:
        self.today += seconds
        self.now += seconds

    def made(self, *owed: Deferred) -> Deferrals:
        return Deferrals(SETTINGS, owed, clock=lambda: self.now, today=lambda: self.today)


def deferred(item: str, media: str = "0", *, due: float = 0.0, tries: int = 1) -> Deferred:
    return Deferred(Submission(item, "reddit:r/x", {"id": item}), Candidate(item, media), due, tries)


def test_waits_double_as_long_each_time_or_as_long_as_the_host_says() -> None:
    assert [SETTINGS.wait(tries, 0.0) for tries in range(4)] == [10, 20, 40, 60]
    assert SETTINGS.wait(0, 45.0) == 45
    assert SETTINGS.wait(0, 7200.0) == 60


def test_it_is_put_off_so_many_times_and_then_its_outcome_stands() -> None:
    made = Deferrals(SETTINGS)
    due = made.due_after(2, 0.0)
    assert due is not None and 35 < due - time.time() < 41
    assert made.due_after(3, 0.0) is None
    assert Deferrals(Deferral(tries=0)).due_after(0, 0.0) is None


def test_what_is_due_comes_by_submission_and_stays_owed() -> None:
    made = Deferrals(SETTINGS)
    later = time.time() + 50
    for one in (deferred("a"), deferred("b"), deferred("a", "1"), deferred("c", due=later)):
        made.add(one)
    assert [[one.key for one in owed] for owed in made.take_due(9)] == [["a/0", "a/1"], ["b/0"]]
    assert made.take_due(9) == []
    assert len(made) == 1 and made.pause is not None and 40 < made.pause <= 50
    assert made.keys_of("a") == {"a/0", "a/1"} and not made.owes("a")
    assert {one.key for one in made.take_unwritten(7)} == {"a/0", "a/1", "b/0", "c/0"}
    made.settle(["a/0", "b/0"])
    assert made.written() == {"a/1": 7, "c/0": 7}
    assert made.keys_of("a") == {"a/1"} and not made.keys_of("b")


def test_so_many_submissions_come_at_a_time() -> None:
    made = Deferrals(SETTINGS, [deferred(item) for item in "abc"])
    assert [len(made.take_due(2)), len(made.take_due(2)), len(made.take_due(2))] == [2, 1, 0]


def test_all_that_waits_of_a_submission_comes_together() -> None:
    later = time.time() + 50
    made = Deferrals(SETTINGS, [deferred("a", "-"), deferred("a", "x", due=later)])
    assert made.owes("a")
    assert [[one.key for one in owed] for owed in made.take_due(9)] == [["a/-", "a/x"]]
    assert len(made) == 0


def test_what_is_put_off_again_is_written_again() -> None:
    made = Deferrals(SETTINGS, [deferred("a")], {"a/0": 3})
    assert made.take_unwritten(4) == ()
    made.take_due(9)
    made.add(deferred("a", tries=2))
    assert made.written() == {}, "the manifest that it stands in has the earlier try"
    assert [one.tries for one in made.take_unwritten(5)] == [2]
    assert made.written() == {"a/0": 5}


def test_there_is_a_most_that_is_held() -> None:
    made = Deferrals(SETTINGS, [deferred("a"), deferred("b")], most=2)
    assert made.due_after(0, 0.0) is None
    made.settle(["a/0"])
    assert made.due_after(0, 0.0) is not None


def test_a_calendar_that_is_set_changes_no_wait() -> None:
    for jump in (-7200, 7200):
        clocks = Clocks()
        made = clocks.made()
        due = made.due_after(0, 0.0)
        assert due is not None and due == clocks.today + 10
        made.add(deferred("a", due=due))
        clocks.today += jump
        assert made.pause == 10 and made.take_due(9) == []
        clocks.pass_(10)
        assert [[one.key for one in owed] for owed in made.take_due(9)] == [["a/0"]]


def test_what_another_run_wrote_while_the_calendar_was_wrong_waits_no_longer_than_anything() -> None:
    clocks = Clocks()
    made = clocks.made(deferred("a", due=clocks.today + 30), deferred("b", due=clocks.today + 1e8))
    clocks.pass_(30)
    assert len(made.take_due(9)) == 1
    clocks.pass_(SETTINGS.longest)
    assert len(made.take_due(9)) == 1
