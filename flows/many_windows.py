"""What Ray Data keeps of every dataset that it ran, and how that is kept from it: a window is one, of thousands.

A task is made anew for each operator: the driver caches it, it is exported to Ray's control process, each worker loads
it and each raylet has a scheduling class for it, and none of them lets go. Its figures go to an actor that Ray's
dashboard reads, and stay there. Together some 40 KB a window (Ray 2.60, benchmarks/soak.py).
"""

from __future__ import annotations

from typing import Any

from ray.actor import _ActorClassMethodMetadata
from ray.data._internal.execution.operators import task_pool_map_operator
from ray.data._internal.stats import _StatsManager

# Looked up here: a Ray that has them no more ends the import, where another name would be set and never called.
_cached_remote_fn = vars(task_pool_map_operator)["cached_remote_fn"]
_TELLING = (
    _StatsManager.register_dataset_to_stats_actor,
    _StatsManager.update_execution_metrics,
    _StatsManager.update_iteration_metrics,
)


def keep_none() -> None:
    """Let all windows of this process run one and the same task, tell no actor their figures, and forget their classes.

    It is called for each window, and holds for what Ray Data does from then on: the class of its autoscaler's actor it
    makes anew each time, with the methods of all of them kept.
    """
    vars(task_pool_map_operator)["cached_remote_fn"] = _task
    for one in _TELLING:
        setattr(_StatsManager, one.__name__, staticmethod(_untold))
    _ActorClassMethodMetadata.reset_cache()


def _task(function: Any, **options: Any) -> Any:
    # The label, the operator's own id, alone tells them apart, and each call bears it anyway.
    return _cached_remote_fn(
        function, **{name: value for name, value in options.items() if name != "_labels"}
    )


def _untold(*_: object, **__: object) -> None:
    """Say nothing."""
