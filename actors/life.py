"""What tells one life of an actor from another; every actor imports it, so it imports nothing else of ours."""

from __future__ import annotations

from typing import Any

import ray


def life(_actor: Any) -> tuple[str, None]:
    """Give the worker that an actor lives in, for ``__ray_call__``; the second is for figures, as a crawler has."""
    return ray.get_runtime_context().get_worker_id(), None
