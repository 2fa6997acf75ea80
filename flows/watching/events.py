"""What happens in a run, as one stream: the driver tells it, and everything that shows or keeps it is a watcher.

The kinds of events are closed. A line of ``--events`` has the fields of ``line``; its ``v`` changes when a field
changes its meaning or goes, not when one is added::

    run_started        run, out, sources, settings (a hash), version, host, pid
    window_committed   window, candidates, verdicts, reasons, accepted, bytes_fetched, bytes_kept, seconds, replayed
    shards_compacted   shards, seconds
    actor_hung         actor, seconds
    actor_restarted    actor
    source_ended       source
    source_failed      source, text
    note               text
    events_dropped     lines
    run_ended          how, code, why, seconds, windows, verdicts, reasons
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar, Protocol

from actors.crawler.figures import CrawlFigures
from actors.sink import Committed
from models.reasons import Reason, Verdict

VERSION = 1


class Kind(StrEnum):
    """What can happen."""

    RUN_STARTED = "run_started"
    WINDOW_COMMITTED = "window_committed"
    SHARDS_COMPACTED = "shards_compacted"
    ACTOR_HUNG = "actor_hung"
    ACTOR_RESTARTED = "actor_restarted"
    SOURCE_ENDED = "source_ended"
    SOURCE_FAILED = "source_failed"
    NOTE = "note"
    EVENTS_DROPPED = "events_dropped"
    RUN_ENDED = "run_ended"


class State(StrEnum):
    """What a run is at: its actors start, it judges, it waits for its sources or for its time, it finishes."""

    STARTING = "starting"
    RUNNING = "running"
    WAITING = "waiting"
    ENDING = "ending"


@dataclass(frozen=True, slots=True)
class Turn:
    """Where the run is: told ten times a second, and no event.

    ``crawling`` are submissions on their way, ``put_off`` candidates that are asked for again later, the next in
    ``pause`` seconds; ``ledger`` counts the submissions that are known, ``deferred`` what was put off so far.
    """

    seen: int = 0
    known: int = 0
    fetched: int = 0
    fetched_bytes: int = 0
    crawling: int = 0
    in_flight: int = 0
    put_off: int = 0
    pause: float | None = None
    deferred: int = 0
    ledger: int = 0
    state: State = State.STARTING


@dataclass(frozen=True, slots=True)
class Vitals:
    """A crawler's figures, as they came with its sign of life; no event either."""

    actor: str
    figures: CrawlFigures


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened; ``text`` says it to the user where it is the user's to know."""

    kind: ClassVar[Kind]

    @property
    def text(self) -> str | None:
        """One sentence, or None for what is told in other ways."""
        return None

    def fields(self) -> dict[str, Any]:
        """Give what there is to know of it, as JSON can hold it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class RunStarted(Event):
    """A run has its output; ``settings`` is a hash of them that knows no secrets."""

    out: str
    sources: tuple[str, ...]
    settings: str
    version: str
    host: str
    pid: int
    kind = Kind.RUN_STARTED


@dataclass(frozen=True, slots=True)
class WindowCommitted(Event):
    """A window's verdicts are on disk; ``seconds`` since its manifest was."""

    report: Committed
    seconds: float = 0.0
    replayed: bool = False
    kind = Kind.WINDOW_COMMITTED

    def fields(self) -> dict[str, Any]:
        """Give its counts."""
        report = self.report
        return {
            "window": int(report.window),
            "candidates": report.reasons.total(),
            "verdicts": by_verdict(report.reasons),
            "reasons": dict(report.reasons),
            "accepted": len(report.files),
            "bytes_fetched": report.bytes_fetched,
            "bytes_kept": report.bytes_kept,
            "seconds": round(self.seconds, 3),
            "replayed": self.replayed,
        }


@dataclass(frozen=True, slots=True)
class ShardsCompacted(Event):
    """So many shards were made of small ones."""

    shards: int
    seconds: float
    kind = Kind.SHARDS_COMPACTED


@dataclass(frozen=True, slots=True)
class ActorHung(Event):
    """An actor gave no sign of life for so long, and was killed."""

    actor: str
    seconds: float
    kind = Kind.ACTOR_HUNG

    @property
    def text(self) -> str:
        """Say it."""
        return f"the {self.actor} gave no answer for {self.seconds:g} s, and is started again"


@dataclass(frozen=True, slots=True)
class ActorRestarted(Event):
    """An actor lives again, and the calls it was at are repeated."""

    actor: str
    kind = Kind.ACTOR_RESTARTED

    @property
    def text(self) -> str:
        """Say it."""
        return f"the {self.actor} died, and was started again"


@dataclass(frozen=True, slots=True)
class SourceEnded(Event):
    """A source has given all there is."""

    source: str
    kind = Kind.SOURCE_ENDED


@dataclass(frozen=True, slots=True)
class SourceFailed(Event):
    """A source was given up; the others go on."""

    source: str
    message: str
    kind = Kind.SOURCE_FAILED

    @property
    def text(self) -> str:
        """Say it."""
        return self.message

    def fields(self) -> dict[str, Any]:
        """Give which, and why."""
        return {"source": self.source, "text": self.message}


@dataclass(frozen=True, slots=True)
class Note(Event):
    """Something that the user should know: a gap in a source, a key that a host refuses."""

    message: str
    kind = Kind.NOTE

    @property
    def text(self) -> str:
        """Say it."""
        return self.message

    def fields(self) -> dict[str, Any]:
        """Give what it says."""
        return {"text": self.message}


@dataclass(frozen=True, slots=True)
class EventsDropped(Event):
    """So many events came while whoever reads them did not, and more than are kept."""

    lines: int
    kind = Kind.EVENTS_DROPPED


@dataclass(frozen=True, slots=True)
class RunEnded(Event):
    """A run ended: ``done``, ``interrupted``, or ``failed``, and ``why``; with its totals."""

    how: str
    code: int
    why: str | None
    seconds: float
    windows: int
    reasons: Counter[str] = field(default_factory=Counter)
    kind = Kind.RUN_ENDED

    def fields(self) -> dict[str, Any]:
        """Give how, and the totals."""
        return {
            "how": self.how,
            "code": self.code,
            "why": self.why,
            "seconds": round(self.seconds, 3),
            "windows": self.windows,
            "verdicts": by_verdict(self.reasons),
            "reasons": dict(self.reasons),
        }


News = Event | Turn | Vitals


class Watcher(Protocol):
    """Is told what happens, as it happens, in the driver's thread; must not take long."""

    def told(self, news: News) -> None:
        """Something happened, or a turn was taken."""


class Watchers:
    """Tells several, in their order; what one of them tells in answer comes after what it was told."""

    def __init__(self, watchers: Iterable[Watcher] = ()) -> None:
        self._watchers = list(watchers)
        self._waiting: deque[News] = deque()
        self._is_telling = False

    def add(self, watcher: Watcher) -> None:
        """Tell one more, after the others."""
        self._watchers.append(watcher)

    def told(self, news: News) -> None:
        """Pass it on to all."""
        self._waiting.append(news)
        if self._is_telling:
            return
        self._is_telling = True
        try:
            while self._waiting:
                news = self._waiting.popleft()
                for watcher in self._watchers:
                    watcher.told(news)
        finally:
            self._is_telling = False


def by_verdict(reasons: Mapping[str, int]) -> dict[str, int]:
    """Count rows by verdict, every verdict named."""
    counts = dict.fromkeys((verdict.value for verdict in Verdict), 0)
    for reason, count in reasons.items():
        counts[Reason(reason).verdict.value] += count
    return counts


def now() -> datetime:
    """Give the time of day."""
    return datetime.now(UTC)


def line(run: str, event: Event, at: datetime) -> dict[str, Any]:
    """Make the object that stands for an event in a file."""
    return {"v": VERSION, "at": at.isoformat(), "run": run, "event": event.kind.value} | event.fields()
