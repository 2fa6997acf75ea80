"""What Ray Data keeps of windows that are done does not grow with their number."""

from __future__ import annotations

import ray
from ray.actor import _ActorClassMethodMetadata
from ray.data._internal.execution.operators.map_operator import _map_task
from ray.data._internal.remote_fn import CACHED_FUNCTIONS

from actors.judge import Judge
from flows import placement
from flows.judging import judge_blocks
from models.schema import READY


def test_tasks_and_actors_classes_of_windows_that_are_done_are_let_go(ray_here: None) -> None:
    where, blocks = placement.plan("cpu"), [ray.put(READY.empty_table())]
    classes: list[int] = []
    for _ in range(45):
        judge_blocks(blocks, Judge([]), where)
        classes.append(len(_ActorClassMethodMetadata._cache))
    assert sum(function is _map_task for function, _ in CACHED_FUNCTIONS) <= 100
    assert max(classes) <= 2
