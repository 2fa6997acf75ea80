from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from actors.crawler.settings import CrawlSettings, RedditAccess
from tests.actors.sources.reddit_server import World, make_server


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def settings(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[CrawlSettings]:
    """Settings that lead PRAW to a local server; the environment may name a proxy, which loopback must not use."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = make_server(world)
    yield CrawlSettings(
        reddit=RedditAccess(
            client_id=SecretStr("id"),
            client_secret=SecretStr("hush"),
            reddit_url=f"http://127.0.0.1:{server.server_port}",
        )
    )
    server.shutdown()
    server.server_close()
