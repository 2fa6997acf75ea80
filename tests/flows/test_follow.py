"""``goldpan mine --follow``: bursts, a deleted anchor and kill -9 lose no post, and Ctrl-C ends it well."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from actors.crawler.settings import CrawlSettings
from models.fitting import fit_taste
from models.reasons import Reason
from models.registry import encoder_row, file_sha256, resolve_weights
from tests.actors.sources.conftest import settings, world
from tests.actors.sources.reddit_server import World, post
from tests.flows.outputs import command, goldpan, rows

__all__ = ["settings", "world"]
LISTING = "/r/EarthPorn/new"
FIRST = 36**5


@pytest.fixture
def taste(tmp_path: Path) -> Path:
    """A taste that nothing here is ever scored by."""
    noise = np.random.default_rng(1).normal(size=(64, 560)).astype(np.float32)
    fingerprint = file_sha256(resolve_weights(encoder_row("gist")))
    fit_taste(noise, encoder="gist", encoder_fingerprint=fingerprint).save(tmp_path / "taste")
    return tmp_path / "taste"


class Follower:
    """The command, following a subreddit of text posts."""

    def __init__(self, out: Path, taste: Path, crawl: CrawlSettings) -> None:
        self.out = out
        access = crawl.reddit
        assert access.client_id and access.client_secret and access.reddit_url
        self._environment = {
            "GOLDPAN_CRAWL__REDDIT__CLIENT_ID": access.client_id.get_secret_value(),
            "GOLDPAN_CRAWL__REDDIT__CLIENT_SECRET": access.client_secret.get_secret_value(),
            "GOLDPAN_CRAWL__REDDIT__REDDIT_URL": access.reddit_url,
        }
        source = ("reddit:r/EarthPorn", "--follow", "--taste", str(taste), "--out", str(out))
        self._arguments = command("mine", *source, "--set", "window.seconds=1")

    def start(self) -> subprocess.Popen[str]:
        environment = os.environ | self._environment
        return subprocess.Popen(self._arguments, stderr=subprocess.PIPE, text=True, env=environment)

    def wait_for(self, process: subprocess.Popen[str], names: set[str]) -> None:
        deadline = time.monotonic() + 250
        while {row["submission"] for row in rows(self.out)} != names:
            assert process.poll() is None, process.stderr and process.stderr.read()
            assert time.monotonic() < deadline, f"{len(names)} posts, {len(rows(self.out))} rows"
            time.sleep(0.2)


def text_post(number: int) -> dict[str, Any]:
    name = np.base_repr(FIRST + number, 36).lower()
    return post(number, id=name, name=f"t3_{name}", is_self=True, url="", selftext_html=None)


@pytest.fixture
def posts(world: World) -> Iterator[list[dict[str, Any]]]:
    """The listing, newest first; more may be put in front."""
    world.listings[LISTING] = [text_post(number) for number in range(120, 0, -1)]
    yield world.listings[LISTING]


def burst(posts: list[dict[str, Any]], first: int, count: int) -> set[str]:
    new = [text_post(number) for number in range(first + count - 1, first - 1, -1)]
    posts[:0] = new
    return names_of(new)


def names_of(posts: list[dict[str, Any]]) -> set[str]:
    return {child["data"]["name"] for child in posts}


def test_no_post_is_lost(
    posts: list[dict[str, Any]], settings: CrawlSettings, taste: Path, tmp_path: Path
) -> None:
    follower = Follower(tmp_path / "out", taste, settings)
    names = names_of(posts)
    process = follower.start()
    follower.wait_for(process, names)
    del posts[:5]  # what a stream would hold on to
    names |= burst(posts, 121, 250)
    follower.wait_for(process, names)
    names |= burst(posts, 371, 100)
    time.sleep(1)
    process.kill()
    process.wait()
    names |= burst(posts, 471, 300)
    process = follower.start()
    follower.wait_for(process, names)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0, "what goes on until it is stopped was not interrupted"
    found = Counter(row["key"] for row in rows(follower.out))
    assert set(found.values()) == {1}
    assert {row["reason"] for row in rows(follower.out)} == {Reason.SELF_POST}
    ended = max((tmp_path / "out/runs").iterdir(), key=lambda path: path.stat().st_mtime)
    assert json.loads(ended.read_bytes())["notes"] == []


def test_a_gap_is_told_and_noted(
    posts: list[dict[str, Any]], settings: CrawlSettings, taste: Path, tmp_path: Path
) -> None:
    follower = Follower(tmp_path / "out", taste, settings)
    process = follower.start()
    follower.wait_for(process, names_of(posts))
    # More ids than are swept lie between what was seen and what is listed now.
    del posts[:]
    new = burst(posts, 50_000, 80)
    deadline = time.monotonic() + 60
    while not new <= {row["submission"] for row in rows(follower.out)}:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0
    assert process.stderr is not None
    assert "some may be missing" in process.stderr.read().replace("\n", " ")
    (run,) = (tmp_path / "out/runs").iterdir()
    (note,) = json.loads(run.read_bytes())["notes"]
    assert "some may be missing" in note["note"] and "arctic:" in note["note"]


def test_following_wants_something_to_follow(taste: Path, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("https://a.example/1.jpg")
    source = (f"urls:{tmp_path}/list.txt", "--follow", "--taste", str(taste))
    done = goldpan("mine", *source, "--out", str(tmp_path / "out"))
    assert done.returncode == 2 and "--follow" in done.stderr
