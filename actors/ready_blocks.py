"""A window's ready blocks as a Ray Data source."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import pyarrow as pa
import ray
from ray.data import Datasource, ReadTask
from ray.data.block import BlockMetadata


class ReadyBlocks(Datasource):
    """Reads blocks that crawlers have handed out: one read task a block, which fuses with the judge behind it.

    The references are owned by the driver, so the blocks outlive the crawler that made them.
    """

    def __init__(self, blocks: Sequence[ray.ObjectRef[pa.Table]]) -> None:
        self._blocks = list(blocks)

    def estimate_inmemory_data_size(self) -> int | None:
        """Tell nothing: a window's size is bounded before it gets here."""
        return None

    def get_read_tasks(self, parallelism: int, *_args: Any, **_kwargs: Any) -> list[ReadTask]:
        """Give one task a block, however many Ray asks for."""
        unknown = BlockMetadata(num_rows=None, size_bytes=None, input_files=None, exec_stats=None)
        return [ReadTask(partial(_read, block), unknown) for block in self._blocks]


def _read(block: ray.ObjectRef[pa.Table]) -> Iterable[pa.Table]:
    yield ray.get(block)
