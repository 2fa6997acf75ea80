"""What Ray Data keeps of windows that are done does not grow with their number."""

from __future__ import annotations

import pytest
import ray
from ray.actor import _ActorClassMethodMetadata
from ray.data import DataContext
from ray.data._internal.execution.operators.input_data_buffer import InputDataBuffer
from ray.data._internal.execution.operators.map_transformer import BlockMapTransformFn, MapTransformer
from ray.data._internal.execution.operators.task_pool_map_operator import TaskPoolMapOperator
from ray.data._internal.stats import STATS_ACTOR_NAME, STATS_ACTOR_NAMESPACE
from ray.experimental.internal_kv import _internal_kv_list

from actors.judge import Judge
from flows import placement
from flows.judging import judge_blocks
from flows.many_windows import keep_none
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


def test_an_operator_has_its_own_retries_and_each_call_bears_its_label() -> None:
    """By the label Ray Data counts the tasks that Ray repeats for what was lost."""
    keep_none()
    first, same, other = (_operator(retries) for retries in (2, 2, 0))
    assert first._map_task is same._map_task
    assert [one._map_task._default_options["max_retries"] for one in (first, other)] == [2, 0]
    labels = [one._get_dynamic_ray_remote_args()["_labels"] for one in (first, same)]
    assert labels == [{one._OPERATOR_ID_LABEL_KEY: one.id} for one in (first, same)]
    assert labels[0] != labels[1]


def _operator(retries: int) -> TaskPoolMapOperator:
    context = DataContext()
    source = InputDataBuffer(context, [])
    same = MapTransformer([BlockMapTransformFn(lambda blocks, _: blocks)])
    return TaskPoolMapOperator(same, source, context, ray_remote_args={"max_retries": retries})


def test_no_actor_is_told_the_figures_of_a_window(ray_here: None) -> None:
    judge_blocks([ray.put(READY.empty_table())], Judge([]), placement.plan("cpu"))
    with pytest.raises(ValueError, match="Failed to look up actor"):
        ray.get_actor(STATS_ACTOR_NAME, STATS_ACTOR_NAMESPACE)
