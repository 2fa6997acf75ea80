from __future__ import annotations

import json
import random

from actors.crawler.sources.firehose import DELAYS
from actors.crawler.sources.late import Block, Late


def numbers(taken: list[tuple[int, Block]]) -> set[int]:
    return {number for _, block in taken for number in block.numbers()}


def test_what_is_absent_is_due_after_growing_delays_and_then_let_be() -> None:
    late = Late(DELAYS)
    late.add(range(1000, 1100), set(range(1000, 1100)) - {1003, 1099}, now=0.0)
    now = 0.0
    for delay in DELAYS:
        assert not late.take(now + delay - 0.1)
        now += delay
        taken = late.take(now)
        assert numbers(taken) == {1003, 1099}
        late.put_back(taken, set(), now)
    assert len(late) == 0


def test_what_is_found_is_not_asked_for_again() -> None:
    late = Late(DELAYS)
    late.add(range(50), {5}, now=0.0)
    taken = late.take(100.0)
    late.put_back(taken, set(range(49)), 100.0)
    assert numbers(late.take(1000.0)) == {49}
    late.add(range(100, 200), set(range(100, 200)), now=0.0)
    assert len(late) == 0


def test_a_hundred_are_taken_at_a_time() -> None:
    late = Late(DELAYS)
    for start in range(0, 1000, 100):
        late.add(range(start, start + 100), set(range(start, start + 70)), now=0.0)
    assert len(numbers(late.take(10.0))) == 90
    assert len(late) == 7


def test_its_state_is_small_and_restores_every_number_it_had() -> None:
    rng = random.Random(1)
    late, now, swept = Late(DELAYS), 1000.0, 0
    for _ in range(2000):
        found = {number for number in range(swept, swept + 100) if rng.random() > 0.1}
        late.add(range(swept, swept + 100), found, now)
        swept += 100
        if taken := late.take(now):
            late.put_back(taken, set(), now)
        now += 3.0
    state = json.loads(json.dumps(late.state(now)))
    assert len(json.dumps(state)) < 250
    restored = Late(DELAYS)
    restored.restore(state, 0.0)

    def pending(late: Late, now: float) -> dict[int, tuple[int, float]]:
        queues = enumerate(late._queues)
        return {
            number: (tries, block.due - now)
            for tries, queue in queues
            for block in queue
            for number in block.numbers()
        }

    had, has = pending(late, now), pending(restored, 0.0)
    assert len(had) > 10_000
    for number, (tries, due_in) in had.items():
        again, due_again = has[number]
        assert again == tries
        assert abs(due_again - due_in) < 10
    assert len(has) < 12 * len(had)
