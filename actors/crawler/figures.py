"""A crawler's figures, as it gives them with its sign of life."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class HostFigures:
    """How a host is asked: open and waiting requests, connections allowed, and seconds left of a hold.

    ``circuit``: the hold is because it kept failing; else it asked for it.
    """

    open: int = 0
    waiting: int = 0
    connections: int = 0
    hold_seconds: float = 0.0
    circuit: bool = False


@dataclass(frozen=True, slots=True)
class CrawlFigures:
    """What is going on: submissions resolving, candidates queued, waiting, fetching, ready; bytes; hosts in use."""

    pending: dict[str, int] = field(default_factory=dict)
    hosts: dict[str, HostFigures] = field(default_factory=dict)
