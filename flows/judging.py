"""Judging a window: one finite Ray Data dataset over its ready blocks, and what happens when workers die."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import pyarrow as pa
import ray
from ray.data import Dataset, TaskPoolStrategy
from ray.data.exceptions import SystemException

from actors.judge import Judge
from actors.ready_blocks import ReadyBlocks
from flows.many_windows import keep_none
from flows.placement import Placement
from models.reasons import Reason, Stage
from models.schema import JUDGED, READY

Block = ray.ObjectRef[pa.Table]
# With the first try, a poison image kills three workers before it is looked for.
RETRIES = 2

_CRASHES = (
    ray.exceptions.WorkerCrashedError,
    ray.exceptions.RayActorError,
    ray.exceptions.OutOfMemoryError,
    ray.exceptions.NodeDiedError,
)

log = logging.getLogger(__name__)


def window_dataset(
    blocks: Sequence[Block], judge: Judge, placement: Placement, retries: int = RETRIES
) -> Dataset:
    """Build the dataset of one window; reading and judging fuse into one operator, a task a block."""
    keep_none()
    stage = TaskPoolStrategy(size=min(placement.judges, len(blocks)))
    ready = ray.data.read_datasource(
        ReadyBlocks(blocks),
        override_num_blocks=len(blocks),
        num_cpus=placement.judge_cpus,
        compute=stage,
        ray_remote_args={"max_retries": retries},
    )
    judged: Dataset = ready.map_batches(
        judge.__call__,
        batch_format="pyarrow",
        batch_size=None,
        num_cpus=placement.judge_cpus,
        compute=stage,
        max_retries=retries,
    )
    return judged


def warm_up(judge: Judge, placement: Placement) -> None:
    """Start the workers that will judge, on empty blocks, so that they import what they need while actors start."""
    try:
        empty = ray.put(READY.empty_table())
        window_dataset([empty] * placement.judges, judge, placement).materialize()
    except (ray.exceptions.RayError, SystemException) as error:
        # It only saves time: a Ray that does not work is told by what needs it next.
        log.warning("the judges' workers could not be started ahead: %s", _brief(error))


class BlocksLostError(Exception):
    """The bytes of a window were lost with the process that held them."""


def judge_blocks(blocks: Sequence[Block], judge: Judge, placement: Placement) -> list[Block]:
    """Judge a window's blocks; gives references to the JUDGED blocks.

    When a worker keeps dying over it, each block is judged alone, and then halved until the rows that kill
    their worker stand alone: those end as ``crashed_worker``. Raises BlocksLostError where the input is gone.
    """
    if not blocks:
        return []  # a window that only says where the sources are: goldpan doctor --repair writes such
    try:
        return _run(blocks, judge, placement, RETRIES)
    except ray.exceptions.RayError as error:
        _raise_unless_crash(error, blocks)
        log.warning("a window of %d blocks failed: %s; judging them one by one", len(blocks), _brief(error))
    again = _judge_again if len(blocks) > 1 else _judge_halves
    return [found for block in blocks for found in again(block, judge, placement)]


def _judge_again(block: Block, judge: Judge, placement: Placement) -> list[Block]:
    try:
        # Only a row that stands alone is blamed, so only there must a worker not have died of something else.
        return _run([block], judge, placement, RETRIES if ray.get(block).num_rows == 1 else 0)
    except ray.exceptions.RayError as error:
        _raise_unless_crash(error, [block])
        log.warning("a block failed: %s", _brief(error))
    return _judge_halves(block, judge, placement)


def _judge_halves(block: Block, judge: Judge, placement: Placement) -> list[Block]:
    """Judge the halves of what failed whole; a row cannot be halved, and is what killed its worker."""
    rows = ray.get(block)
    if rows.num_rows == 1:
        return [ray.put(_crashed(rows))]
    half = rows.num_rows // 2
    halves = [ray.put(rows.slice(0, half)), ray.put(rows.slice(half))]
    return [found for part in halves for found in _judge_again(part, judge, placement)]


def _raise_unless_crash(error: ray.exceptions.RayError, blocks: Sequence[Block]) -> None:
    try:
        # Zero-copy on one node, and only after a failure: do the inputs still exist?
        ray.get(list(blocks))
    except ray.exceptions.RayError as lost:
        raise BlocksLostError(_brief(lost)) from error
    cause = error.cause if isinstance(error, ray.exceptions.RayTaskError) else error
    if not isinstance(cause, _CRASHES):
        # An exception of our own code is a defect: it stops the run, and no row hides it.
        raise error


def _run(blocks: Sequence[Block], judge: Judge, placement: Placement, retries: int) -> list[Block]:
    found: list[Block] = window_dataset(blocks, judge, placement, retries).materialize().to_arrow_refs()
    return found


def _crashed(row: pa.Table) -> pa.Table:
    known = row.drop_columns(["data"]).to_pylist()[0]
    ended = {"reason": Reason.CRASHED_WORKER.value, "stage": Stage.INSPECT.value, "detail": None}
    return pa.Table.from_pylist([known | ended], schema=JUDGED)


def _brief(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:200]
