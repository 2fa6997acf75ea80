"""What runs where: decided here, once, from what the cluster has, and printed."""

from __future__ import annotations

import logging
import os
import warnings
from dataclasses import dataclass
from typing import Any, Literal

import ray

from flows.exits import PreflightError

OBJECT_STORE_BYTES = 1 << 30
# What Ray is told where it starts, here and by cluster.yaml: it would keep something of every window, for ever.
FOR_LONG_RUNS = {
    # The figures of each dataset: 1 GB after 1,800 small windows, in what serves them.
    "RAY_enable_metrics_collection": "0",
    # An event of every task, in its control process: 60 KB a window.
    "RAY_task_events_report_interval_ms": "0",
    # A file of log a dataset, that says which block a task was at.
    "RAY_DATA_LOG_LEVEL": "ERROR",
    # Its other logs begin anew at this size, with the one before kept; else at 512 MB, with five.
    "RAY_ROTATION_MAX_BYTES": str(32 << 20),
    "RAY_ROTATION_BACKUP_COUNT": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
}
_CPUS_A_CRAWLER = 8
# Judges wait for models half of their time, so there are more of them than cores.
_JUDGES_A_CPU = 1.5
_MOST_CPU_ENCODERS = 4


@dataclass(frozen=True, slots=True)
class Placement:
    """Replicas, threads and shares of CPUs and GPUs for each stage of one run."""

    cpus: int
    gpus: int
    nodes: int
    crawlers: int
    judges: int
    judge_cpus: float
    encoders: int
    encoder_threads: int
    detectors: int
    device: Literal["cpu", "cuda"]
    encoder_gpus: float
    watermark_gpus: float

    def lines(self) -> list[str]:
        """Say it for a person."""
        models = f"{self.device}, {self.encoder_threads} threads" if self.device == "cpu" else self.device
        return [
            f"cluster   {self.nodes} node(s), {self.cpus} CPUs, {self.gpus} GPUs",
            f"crawlers  {self.crawlers} × 0 CPU",
            f"judge     {self.judges} tasks × {self.judge_cpus:g} CPU",
            f"encoder   {self.encoders} × {models}, {self.encoder_gpus:g} GPU",
            f"watermark {self.detectors} × {models}, {self.watermark_gpus:g} GPU",
        ]


def plan(device: Literal["auto", "cpu", "cuda"], crawlers: int | None = None, *, gates: int = 0) -> Placement:
    """Decide from the cluster's resources what was not asked for.

    A GPU is used where there is one and the CPU was not asked for. ``gates`` is the number of classifiers beside the
    watermark detector.
    """
    resources = ray.cluster_resources()
    cpus, gpus = max(1, int(resources.get("CPU", 1))), int(resources.get("GPU", 0))
    if device == "cuda" and not gpus:
        raise PreflightError(
            "device=cuda, and this cluster has no GPU: add one, or leave device to auto or cpu"
        )
    cuda = device == "cuda" or (device == "auto" and gpus > 0)
    judges = max(2, round(cpus * _JUDGES_A_CPU))
    # On CPUs two sessions of one thread each outrun one of two; each holds the weights, so there are few.
    encoders = max(1, gpus) if cuda else min(cpus, _MOST_CPU_ENCODERS)
    return Placement(
        cpus=cpus,
        gpus=gpus,
        nodes=len([node for node in ray.nodes() if node["Alive"]]),
        crawlers=crawlers or max(1, cpus // _CPUS_A_CRAWLER),
        judges=judges,
        judge_cpus=round(cpus / judges, 2),
        encoders=encoders,
        encoder_threads=max(1, cpus // encoders),
        detectors=max(1, gpus) if cuda else 1,
        device="cuda" if cuda else "cpu",
        # The watermark detector and the gates see only what the mixture accepted, so they share a smaller part.
        encoder_gpus=0.75 if cuda else 0.0,
        watermark_gpus=int(250 / (1 + gates)) / 1000 if cuda else 0.0,
    )


def cores() -> int:
    """Count the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def connect() -> None:
    """Join the Ray that runs here (``ray start``, ``ray submit``, RAY_ADDRESS), or start one on this machine.

    Raises PreflightError where a Ray is named that cannot be joined.
    """
    for name, value in FOR_LONG_RUNS.items():
        os.environ.setdefault(name, value)
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    try:
        _join_or_start(quiet)
    except ConnectionError as error:
        raise PreflightError(
            f"Ray cannot be joined: {error}. If it wants a token, set RAY_AUTH_MODE=token here too; if it is not "
            "meant to run, `ray stop`, or unset RAY_ADDRESS"
        ) from error
    # Read tasks take their number of retries in no other way (2.60), and fuse with the judge only if it is the same.
    warnings.filterwarnings("ignore", "`ray_remote_args` is deprecated")
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    # A judge's exception comes as it is, so that a dead actor can be told from a defect.
    context.raise_original_map_exception = True
    # A dataset's failure comes back as an exception; its log repeats it, and says that there are no progress bars.
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)


def _join_or_start(quiet: dict[str, Any]) -> None:
    try:
        # Not address="auto": that joins any Ray found here, another goldpan's too, and dies with it.
        ray.init(include_dashboard=False, object_store_memory=OBJECT_STORE_BYTES, **quiet)
    except ValueError:
        # A running cluster was found, and its sizes are its own.
        ray.init(**quiet)
