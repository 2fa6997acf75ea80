"""What Ray Data keeps of a dataset that is done, for as long as the driver lives, and how it is let go.

A window is a dataset, and a run has many thousands: 33 KB each (Ray 2.60, measured by benchmarks/soak.py).
"""

from __future__ import annotations

from ray.actor import _ActorClassMethodMetadata
from ray.data._internal.execution.operators.map_operator import _map_task
from ray.data._internal.remote_fn import CACHED_FUNCTIONS

# A window makes three, and looks at each again as it is made: those of all windows in flight are among so many.
_NEWEST = 100


def forget_datasets() -> None:
    """Let go of the tasks and the actors' classes that were made for datasets of before; those at work have their own.

    Ray caches a task by its options, and one of these is its operator's own id; it makes the class of its autoscaling
    actor anew for each dataset, and keeps the methods of all. Neither is looked up again.
    """
    tasks = [key for key in list(CACHED_FUNCTIONS) if key[0] is _map_task]
    for key in tasks[:-_NEWEST]:
        CACHED_FUNCTIONS.pop(key, None)
    _ActorClassMethodMetadata.reset_cache()
