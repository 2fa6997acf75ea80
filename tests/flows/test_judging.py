"""Judging a window: one fused operator, poison images end, defects and lost blocks are told apart."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import ray

from actors.judge import Judge, Look
from actors.judge.look import empty_row
from flows import placement
from flows.judging import Block, BlocksLostError, judge_blocks, window_dataset
from flows.placement import Placement
from models.reasons import Reason, Stage
from models.schema import READY


class EndAll:
    """Ends everything, and kills its worker over some."""

    name = "test"

    def __init__(self, poison: frozenset[str] = frozenset(), killed: Path | None = None) -> None:
        self._poison, self._killed = poison, killed

    def __call__(self, looks: list[Look]) -> None:
        for look in looks:
            if look.row["key"] in self._poison:
                if self._killed is not None:
                    (self._killed / str(time.monotonic_ns())).touch()
                os.kill(os.getpid(), signal.SIGSEGV)
            look.end(Reason.UNLIKE_TASTE, Stage.SCORE)


class Defect:
    """A step that is wrong."""

    name = "test"

    def __call__(self, looks: list[Look]) -> None:
        raise KeyError("a defect of ours")


@pytest.fixture(scope="module")
def where(ray_here: None) -> Placement:
    return placement.plan("cpu")


def block(*keys: str) -> pa.Table:
    return pa.Table.from_pylist([empty_row(key) | {"data": b"bytes"} for key in keys], schema=READY)


def reasons(blocks: list[Block]) -> dict[str, str]:
    return {row["key"]: row["reason"] for one in ray.get(list(blocks)) for row in one.to_pylist()}


def test_a_windows_dataset_is_one_operator_and_a_row_for_a_row(where: Placement) -> None:
    blocks = [ray.put(block("a/0", "b/0")), ray.put(block("c/0"))]
    done = window_dataset(blocks, Judge([EndAll()]), where).materialize()
    operators = [line for line in done.stats().splitlines() if line.startswith("Operator")]
    assert len(operators) == 1
    assert "ReadReadyBlocks->MapBatches(Judge.__call__)" in operators[0]
    assert reasons(done.to_arrow_refs()) == dict.fromkeys(["a/0", "b/0", "c/0"], "unlike_taste")


def test_a_poison_image_ends_alone_after_two_retries(where: Placement, tmp_path: Path) -> None:
    judge = Judge([EndAll(frozenset({"b/0"}), tmp_path)])
    found = reasons(judge_blocks([ray.put(block("a/0", "b/0")), ray.put(block("c/0"))], judge, where))
    assert found == {"a/0": "unlike_taste", "b/0": "crashed_worker", "c/0": "unlike_taste"}
    # Three times in the window, once in its block, and three times alone.
    assert len(list(tmp_path.iterdir())) == 7


def test_a_window_of_nothing_is_judged(where: Placement) -> None:
    assert judge_blocks([], Judge([Defect()]), where) == []


def test_a_defect_of_our_own_is_not_hidden_in_a_row(where: Placement) -> None:
    with pytest.raises(ray.exceptions.RayTaskError, match="a defect of ours"):
        judge_blocks([ray.put(block("a/0"))], Judge([Defect()]), where)


def test_blocks_that_died_with_their_maker_are_asked_for_again(where: Placement) -> None:
    @ray.remote(num_cpus=0, max_retries=0)
    def dies() -> pa.Table:
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(BlocksLostError):
        judge_blocks([dies.remote(), ray.put(block("a/0"))], Judge([EndAll()]), where)


class Fragile:
    """An actor that one key kills."""

    def look_at(self, keys: list[str]) -> int:
        if "b/0" in keys:
            os.kill(os.getpid(), signal.SIGSEGV)
        return len(keys)


class AskFragile:
    """A step that asks it."""

    name = "test"

    def __init__(self, actor: Any) -> None:
        self._actor = actor

    def __call__(self, looks: list[Look]) -> None:
        ray.get(self._actor.look_at.remote([look.row["key"] for look in looks]))
        for look in looks:
            look.end(Reason.UNLIKE_TASTE, Stage.SCORE)


def test_an_image_that_kills_an_actor_again_and_again_ends_alone(where: Placement) -> None:
    actor = ray.remote(Fragile).options(num_cpus=0, max_restarts=-1, max_task_retries=1).remote()
    found = reasons(judge_blocks([ray.put(block("a/0", "b/0", "c/0"))], Judge([AskFragile(actor)]), where))
    assert found == {"a/0": "unlike_taste", "b/0": "crashed_worker", "c/0": "unlike_taste"}
