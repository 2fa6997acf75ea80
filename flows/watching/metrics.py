"""``--metrics-port``: a run's figures for Prometheus, served by the driver.

A scrape reads what the driver knows already: counts of what was told, and what crawlers said with their last sign of
life. It asks no actor, so it neither slows a run nor waits for a dead one.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Iterable, Iterator
from types import TracebackType

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    start_http_server,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from actors.crawler.figures import CrawlFigures, HostFigures
from flows.exits import PreflightError
from flows.settings import WatchSettings
from flows.watching.events import (
    ActorHung,
    ActorRestarted,
    News,
    ShardsCompacted,
    SourceEnded,
    SourceFailed,
    State,
    Turn,
    Vitals,
    WindowCommitted,
)
from models.reasons import Reason

# From a step over a block of small images to an upload that hangs.
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
# A list of links may name thousands of hosts, and each is a series for ever: the busiest stand for themselves.
MOST_HOSTS = 50
_OTHERS = "others"


class Metrics(Collector):
    """A watcher that counts for Prometheus, and serves while its ``with`` block runs.

    Raises PreflightError where the port cannot be had; ``port`` is the one that it is.
    """

    def __init__(self, settings: WatchSettings) -> None:
        self._turn = Turn()
        self._turned = time.monotonic()
        # Replaced as a whole, for the server's thread reads them.
        self._crawlers: dict[str, CrawlFigures] = {}
        self._registry = CollectorRegistry()
        # When each began to count is of no use, and doubles what is served.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._count()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)
        host, wanted = settings.metrics_host, settings.metrics_port or 0
        try:
            self._server, self._thread = start_http_server(wanted, host, self._registry)
        except OSError as error:
            raise PreflightError(
                f"--metrics-port {wanted}: {host} port {wanted} cannot be listened on: {error.strerror}; name "
                "another port, or 0 for any that is free"
            ) from error
        self.port = self._server.server_port
        self.address = f"http://{f'[{host}]' if ':' in host else host}:{self.port}/metrics"

    def _count(self) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"goldpan_{name}", text, labels, registry=self._registry)

        self._verdicts = counter("verdicts", "Rows committed", "verdict", "reason")
        self._windows = counter("windows", "Windows committed")
        self._replayed = counter("windows_replayed", "Windows of a run that died, committed by this one")
        self._files = counter("files_written", "Accepted images written")
        self._bytes = counter("file_bytes_written", "Their bytes")
        self._shards = counter("shards_compacted", "Shards made of small ones")
        self._hung = counter("actors_hung", "Actors that gave no sign of life, and were killed", "kind")
        self._restarted = counter("actors_restarted", "Actors that live again", "kind")
        self._ended = counter("sources_ended", "Sources that gave all there is, or failed", "how")
        self._stages = Histogram(
            "goldpan_stage_seconds",
            "What took how long: fetch of an image, a judge's step of a block, commit of a window",
            ("stage",),
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._window_seconds = Histogram(
            "goldpan_window_seconds",
            "From a window's manifest to its commit",
            buckets=_BUCKETS,
            registry=self._registry,
        )

    def __enter__(self) -> Metrics:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def told(self, news: News) -> None:
        """Count it."""
        match news:
            case Turn():
                self._turn, self._turned = news, time.monotonic()
            case Vitals(actor=actor, figures=figures):
                self._crawlers = self._crawlers | {actor: figures}
            case WindowCommitted():
                self._committed(news)
            case ShardsCompacted(shards=shards):
                self._shards.inc(shards)
            case ActorHung(actor=actor):
                self._hung.labels(_kind(actor)).inc()
            case ActorRestarted(actor=actor):
                self._restarted.labels(_kind(actor)).inc()
            case SourceEnded():
                self._ended.labels("ended").inc()
            case SourceFailed():
                self._ended.labels("failed").inc()

    def _committed(self, event: WindowCommitted) -> None:
        report = event.report
        self._windows.inc()
        self._replayed.inc(event.replayed)
        self._window_seconds.observe(event.seconds)
        self._files.inc(len(report.files))
        self._bytes.inc(report.bytes_kept)
        for reason, count in report.reasons.items():
            self._verdicts.labels(Reason(reason).verdict.value, reason).inc(count)
        for stage, found in report.seconds.items():
            for seconds in found:
                self._stages.labels(stage).observe(seconds)

    def collect(self) -> Iterator[Metric]:
        """Give what stands at this moment; the server's thread asks."""
        turn = self._turn
        yield _total("submissions_seen", "New submissions taken in", turn.seen)
        yield _total("submissions_known", "Submissions listed that were seen before", turn.known)
        yield _total("images_fetched", "Candidates fetched, or found to have no image", turn.fetched)
        yield _total("bytes_fetched", "Bytes fetched", turn.fetched_bytes)
        yield _total("deferred", "Tries that were put off", turn.deferred)
        yield _gauge("put_off", "Candidates that wait to be asked for again", turn.put_off)
        yield _gauge("submissions_crawling", "Submissions on their way to a window", turn.crawling)
        yield _gauge("windows_in_flight", "Windows between manifest and commit", turn.in_flight)
        yield _gauge("ledger_submissions", "Submissions that the ledger knows", turn.ledger)
        yield _gauge("turn_age_seconds", "Since the run's last turn", time.monotonic() - self._turned)
        state = GaugeMetricFamily("goldpan_state", "1 for what the run is at", labels=["state"])
        for each in State:
            state.add_metric([each.value], each is turn.state)
        yield state
        yield from _crawl(list(self._crawlers.values()))


def _total(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"goldpan_{name}", text, value=value)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"goldpan_{name}", text, value=value)


def _kind(actor: str) -> str:
    """Give what an actor is, without its number."""
    return actor.rpartition(" ")[0] or actor


def _crawl(crawlers: Iterable[CrawlFigures]) -> Iterator[Metric]:
    """Give the queues and hosts of all crawlers together."""
    pending: dict[str, int] = {}
    hosts: dict[str, HostFigures] = {}
    for crawler in crawlers:
        for name, count in crawler.pending.items():
            pending[name] = pending.get(name, 0) + count
        for name, host in crawler.hosts.items():
            hosts[name] = _both(hosts.get(name, HostFigures()), host)
    queues = GaugeMetricFamily("goldpan_crawl_candidates", "What the crawlers are at", labels=["at"])
    held = GaugeMetricFamily("goldpan_crawl_bytes", "Bytes that are held or promised", labels=["of"])
    for name, count in pending.items():
        family = held if name.endswith("_bytes") else queues
        family.add_metric([name.removesuffix("_bytes")], count)
    yield queues
    yield held
    yield from _hosts(_busiest(hosts))


def _hosts(hosts: dict[str, HostFigures]) -> Iterator[Metric]:
    requests = GaugeMetricFamily("goldpan_host_requests", "Requests to a host", labels=["host", "at"])
    allowed = GaugeMetricFamily("goldpan_host_connections", "Connections allowed to a host", labels=["host"])
    holds = GaugeMetricFamily(
        "goldpan_host_hold_seconds", "Left until a host is asked again; why: it keeps failing, or asks for it",
        labels=["host", "why"],
    )  # fmt: skip
    for name, host in hosts.items():
        requests.add_metric([name, "open"], host.open)
        requests.add_metric([name, "waiting"], host.waiting)
        allowed.add_metric([name], host.connections)
        if host.hold_seconds > 0:
            holds.add_metric([name, "circuit_open" if host.circuit else "back_off"], host.hold_seconds)
    yield from (requests, allowed, holds)


def _busiest(hosts: dict[str, HostFigures]) -> dict[str, HostFigures]:
    if len(hosts) <= MOST_HOSTS:
        return hosts
    named = heapq.nlargest(
        MOST_HOSTS,
        hosts,
        key=lambda name: (hosts[name].hold_seconds > 0, hosts[name].open + hosts[name].waiting),
    )
    others = HostFigures()
    for name in hosts.keys() - set(named):
        others = _both(others, hosts[name])
    return {name: hosts[name] for name in named} | {_OTHERS: others}


def _both(one: HostFigures, other: HostFigures) -> HostFigures:
    return HostFigures(
        one.open + other.open,
        one.waiting + other.waiting,
        one.connections + other.connections,
        max(one.hold_seconds, other.hold_seconds),
        one.circuit or other.circuit,
    )
