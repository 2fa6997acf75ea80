"""Readers of a simulated Reddit: goldpan's sources and PRAW's stream, on the simulation's clock.

``python -m tests.actors.sources.readers URL SOURCE FOLDER`` reads in a process of its own, to be killed: what a page
holds is written down first, then its cursor, as goldpan does.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import praw
import praw.models.util
import prawcore.auth
import prawcore.rate_limit
import prawcore.sessions
import requests
from pydantic import SecretStr

from actors.crawler.settings import CrawlSettings, RedditAccess
from actors.crawler.sources import Source, SourceSpec, parse_source
from actors.crawler.sources.client import RedditClient
from actors.crawler.sources.firehose import Firehose
from actors.crawler.sources.live import LiveListing

NAP = 1.0


class Clock(Protocol):
    """Simulated seconds."""

    def now(self) -> float: ...

    def sleep(self, seconds: float) -> None: ...


class RemoteClock:
    """The clock of a simulation in another process."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}/clock"
        self._session = requests.Session()

    def now(self) -> float:
        return float(self._session.get(self._url, timeout=30).json())

    def sleep(self, seconds: float) -> None:
        self._session.post(self._url, data=str(seconds), timeout=30)


class SimulatedTime:
    """As much of the module ``time`` as PRAW uses."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def sleep(self, seconds: float) -> None:
        self._clock.sleep(seconds)

    def time(self) -> float:
        return self._clock.now()

    def monotonic(self) -> float:
        return self._clock.now()

    def monotonic_ns(self) -> int:
        return int(self._clock.now() * 1_000_000_000)


@contextmanager
def simulated(clock: Clock) -> Iterator[None]:
    """Let PRAW live in simulated time: it sleeps between polls and to stay within the rate limit."""
    modules: list[Any] = [praw.models.util, prawcore.auth, prawcore.rate_limit, prawcore.sessions]
    kept = [module.time for module in modules]
    for module in modules:
        module.time = SimulatedTime(clock)
    try:
        yield
    finally:
        for module, was in zip(modules, kept, strict=True):
            module.time = was


def settings_for(url: str) -> CrawlSettings:
    """Settings that lead to a simulation."""
    access = RedditAccess(client_id=SecretStr("id"), client_secret=SecretStr("hush"), reddit_url=url)
    return CrawlSettings(reddit=access)


def source_for(url: str, text: str, clock: Clock) -> Source:
    """A followed source, on a clock of its own."""
    client = RedditClient(settings_for(url), clock.now)
    spec: SourceSpec = parse_source(text)
    return Firehose(spec, client) if spec.is_firehose else LiveListing(spec, client)


@dataclass
class Read:
    """What a reader was given."""

    names: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    largest_cursor: int = 0


def follow(url: str, text: str, clock: Clock, until: float) -> Read:
    """Follow a source to a moment."""
    read = Read()
    with simulated(clock):
        for page in source_for(url, text, clock).pages(None):
            read.names += [one.item for one in page.submissions]
            read.notes += page.notes
            read.largest_cursor = max(read.largest_cursor, len(json.dumps(page.cursor)))
            clock.sleep(page.pause)
            if clock.now() >= until:
                return read
    raise AssertionError("a followed source ended")


def stream(url: str, subreddit: str, clock: Clock, until: float) -> Read:
    """Follow a subreddit with PRAW's stream, begun anew when an error kills it."""
    reddit = praw.Reddit(
        client_id="id",
        client_secret="hush",
        user_agent="linux:goldpan-tests:1 (by /u/nobody)",
        reddit_url=url,
        oauth_url=url,
        short_url=url,
        check_for_updates=False,
        check_for_async=False,
    )
    read = Read()
    with simulated(clock):
        while clock.now() < until:
            try:
                for submission in reddit.subreddit(subreddit).stream.submissions(pause_after=0):
                    if submission is not None:
                        read.names.append(submission.fullname)
                    if clock.now() >= until:
                        break
            except prawcore.exceptions.PrawcoreException as error:
                read.notes.append(type(error).__name__)
                clock.sleep(NAP)
    return read


def kill_again_and_again(
    url: str, source: str, folder: Path, clock: Clock, until: float, kills: int = 4
) -> None:
    """Kill a reader after a little while of reading, a few times; then let it read to the end."""
    rng = random.Random(7)
    names = folder / "names.txt"
    command = [sys.executable, "-m", "tests.actors.sources.readers", url, source, str(folder)]
    for kill in range(kills + 1):
        written = names.stat().st_size if names.exists() else 0
        reader = subprocess.Popen(command)
        if kill < kills:
            wait_until(partial(_has_grown, names, written))
            time.sleep(rng.uniform(0, 0.4))
        else:
            wait_until(lambda: clock.now() > until)
        reader.send_signal(signal.SIGKILL)
        reader.wait()
        clock.sleep(rng.uniform(0, 20))


def _has_grown(path: Path, size: int) -> bool:
    return path.exists() and path.stat().st_size > size


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def read_on(url: str, text: str, folder: Path) -> None:
    """Go on behind the cursor in a folder, until killed."""
    clock = RemoteClock(url)
    kept = folder / "cursor.json"
    cursor = json.loads(kept.read_text()) if kept.exists() else None
    with simulated(clock), (folder / "names.txt").open("a") as names:
        for page in source_for(url, text, clock).pages(cursor):
            names.write("".join(f"{one.item}\n" for one in page.submissions))
            names.flush()
            (folder / "new.json").write_text(json.dumps(page.cursor))
            os.replace(folder / "new.json", kept)  # noqa: PTH105
            clock.sleep(page.pause)


if __name__ == "__main__":
    read_on(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
