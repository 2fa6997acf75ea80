"""What Ray Data keeps of windows that are done does not grow with their number."""

from __future__ import annotations

import pytest
import ray
from ray.actor import _ActorClassMethodMetadata
from ray.data._internal.stats import STATS_ACTOR_NAME, STATS_ACTOR_NAMESPACE
from ray.experimental.internal_kv import _internal_kv_list

from actors.judge import Judge
from flows import placement
from flows.judging import judge_blocks
from models.schema import READY

WINDOWS = 12


def exported() -> set[bytes]:
    """Give the keys of the tasks that Ray's control process holds."""
    return set(_internal_kv_list("RemoteFunction:", namespace="fun"))


def test_all_windows_run_one_task_and_leave_no_class(ray_here: None) -> None:
    where, blocks = placement.plan("cpu"), [ray.put(READY.empty_table())]
    judge_blocks(blocks, Judge([]), where)
    before, classes = exported(), []
    for _ in range(WINDOWS):
        judge_blocks(blocks, Judge([]), where)
        classes.append(len(_ActorClassMethodMetadata._cache))
    assert before
    assert exported() == before
    assert len(set(classes)) == 1


def test_no_actor_is_told_the_figures_of_a_window(ray_here: None) -> None:
    judge_blocks([ray.put(READY.empty_table())], Judge([]), placement.plan("cpu"))
    with pytest.raises(ValueError, match="Failed to look up actor"):
        ray.get_actor(STATS_ACTOR_NAME, STATS_ACTOR_NAMESPACE)
