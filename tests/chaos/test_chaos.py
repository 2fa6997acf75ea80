"""A few schedules of `make chaos`, and what a schedule is."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.chaos.__main__ import SCHEDULES, told
from tests.chaos.play import play
from tests.chaos.processes import NoSmallDiskError
from tests.chaos.schedule import Kind, Schedule


def test_schedules_follow_from_their_seeds_and_have_every_kind_of_fault() -> None:
    schedules = [Schedule.of(seed) for seed in range(1, SCHEDULES + 1)]
    assert schedules == [Schedule.of(seed) for seed in range(1, SCHEDULES + 1)]
    kinds = Counter(fault.kind for schedule in schedules for fault in schedule.faults)
    kinds += Counter({Kind.CORRUPT: sum(one.corrupt for one in schedules)})
    kinds += Counter({Kind.POISON: sum(bool(one.poison) for one in schedules)})
    assert all(kinds[kind] >= 2 for kind in Kind)
    assert {poison for one in schedules for poison in one.poison} == {"crash", "throw", "hang"}


@pytest.mark.parametrize("seed", [14, 17])
def test_the_laws_hold(seed: int, tmp_path: Path) -> None:
    try:
        outcome = play(Schedule.of(seed), tmp_path)
    except NoSmallDiskError as error:
        pytest.skip(str(error))
    assert not outcome.problems, "\n".join(told(outcome, tmp_path))
    assert outcome.injected.total() >= 2
