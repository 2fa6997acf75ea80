"""What Prometheus finds, by a real scrape, read with its own parser."""

from __future__ import annotations

import re
import socket
from pathlib import Path
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from actors.crawler.figures import CrawlFigures, HostFigures
from flows.exits import PreflightError
from flows.settings import WatchSettings
from flows.watching import events
from flows.watching.events import (
    ActorHung,
    ActorRestarted,
    Kind,
    ShardsCompacted,
    SourceEnded,
    SourceFailed,
    State,
    Turn,
    Vitals,
)
from flows.watching.metrics import MOST_HOSTS, Metrics
from tests.flows.watching.telling import committed

Samples = dict[tuple[str, tuple[str, ...]], float]


def scraped(address: str) -> Samples:
    """Give every sample by name and the values of its labels, in the order of the labels' names."""
    with urlopen(address, timeout=10) as answer:
        families = text_string_to_metric_families(answer.read().decode())
        return {
            (one.name, tuple(one.labels.values())): one.value for family in families for one in family.samples
        }


def serving() -> Metrics:
    return Metrics(WatchSettings(metrics_port=0))


def test_what_was_told_is_counted() -> None:
    with serving() as metrics:
        metrics.told(committed(1, 2.0, fits=2, too_small=3))
        metrics.told(committed(2, 40.0, fits=1, timeout=1))
        metrics.told(Turn(seen=9, known=4, fetched=7, fetched_bytes=70, crawling=5, in_flight=2, put_off=3,
                          deferred=6, ledger=100, state=State.RUNNING))  # fmt: skip
        for event in (ActorHung("gate cats 2", 300), ActorRestarted("sink 1"), ShardsCompacted(2, 1.0)):
            metrics.told(event)
        metrics.told(SourceEnded("urls:a"))
        metrics.told(SourceFailed("urls:b", "gone"))
        found = scraped(metrics.address)
    assert found["goldpan_verdicts_total", ("fits", "accepted")] == 3
    assert found["goldpan_verdicts_total", ("timeout", "failed")] == 1
    assert found["goldpan_windows_total", ()] == 2 and found["goldpan_files_written_total", ()] == 3
    assert found["goldpan_file_bytes_written_total", ()] == 30
    assert found["goldpan_submissions_seen_total", ()] == 9 and found["goldpan_deferred_total", ()] == 6
    assert found["goldpan_ledger_submissions", ()] == 100 and found["goldpan_windows_in_flight", ()] == 2
    assert found["goldpan_state", ("running",)] == 1 and found["goldpan_state", ("ending",)] == 0
    assert found["goldpan_stage_seconds_count", ("fetch",)] == 4
    assert found["goldpan_stage_seconds_bucket", ("0.25", "fetch")] == 2
    assert found["goldpan_window_seconds_sum", ()] == 42
    assert found["goldpan_actors_hung_total", ("gate cats",)] == 1
    assert found["goldpan_actors_restarted_total", ("sink",)] == 1
    assert found["goldpan_sources_ended_total", ("failed",)] == 1
    assert found["goldpan_turn_age_seconds", ()] < 60
    assert found["process_resident_memory_bytes", ()] > 1e6


def test_the_crawlers_are_told_together_and_the_busiest_hosts_alone() -> None:
    hosts = {f"h{n}.example": HostFigures(1, 0, 1) for n in range(MOST_HOSTS + 10)}
    one = {"i.redd.it": HostFigures(2, 30, 8), "slow.example": HostFigures(0, 5, 0, 90.0, circuit=True)}
    other = {"i.redd.it": HostFigures(1, 10, 8), "busy.example": HostFigures(0, 2, 0, 20.0)}
    with serving() as metrics:
        metrics.told(Vitals("crawler 1", CrawlFigures({"queued": 3, "held_bytes": 10}, one | hosts)))
        metrics.told(Vitals("crawler 2", CrawlFigures({"queued": 4, "held_bytes": 5}, other)))
        found = scraped(metrics.address)
    assert (
        found["goldpan_crawl_candidates", ("queued",)] == 7 and found["goldpan_crawl_bytes", ("held",)] == 15
    )
    assert found["goldpan_host_requests", ("waiting", "i.redd.it")] == 40
    assert found["goldpan_host_connections", ("i.redd.it",)] == 16
    assert found["goldpan_host_hold_seconds", ("slow.example", "circuit_open")] == 90
    assert found["goldpan_host_hold_seconds", ("busy.example", "back_off")] == 20
    named = {labels[1] for name, labels in found if name == "goldpan_host_requests"}
    assert len(named) == MOST_HOSTS + 1 and "others" in named
    assert sum(value for (name, labels), value in found.items() if labels[:1] == ("open",)) == MOST_HOSTS + 13


def test_a_port_in_use_is_said_before_anything_starts() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PreflightError, match=f"--metrics-port {port}: .*in use; name another port"):
            Metrics(WatchSettings(metrics_port=port))
    with serving() as metrics:
        assert metrics.address.startswith("http://127.0.0.1:")
        with pytest.raises(PreflightError, match="in use"):
            Metrics(WatchSettings(metrics_port=metrics.port))


def test_every_metric_and_event_is_on_the_page() -> None:
    page = (Path(__file__).parents[3] / "docs/watching.md").read_text()
    with serving() as metrics:
        metrics.told(Vitals("crawler 1", CrawlFigures()))
        with urlopen(metrics.address, timeout=10) as answer:
            families = list(text_string_to_metric_families(answer.read().decode()))
    names = [one.name + ("_total" if one.type == "counter" else "") for one in families]
    ours = {name for name in names if name.startswith("goldpan_")}
    assert set(re.findall(r"`(goldpan_\w+)`", page)) == ours
    rows = re.findall(r"^\| `(\w+)` \|.*\|$", page.split("## Logs")[0], flags=re.MULTILINE)
    assert rows == [kind.value for kind in Kind]
    assert re.findall(r"^    (\w+) {2,}", events.__doc__ or "", flags=re.MULTILINE) == [
        kind.value for kind in Kind
    ]
