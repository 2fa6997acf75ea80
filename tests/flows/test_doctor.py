"""The doctor looks at what a run would use: the settings of the environment, the folder of the cache."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.actors.sources.reddit_server import World, make_server, post
from tests.flows.outputs import goldpan


@pytest.fixture
def reddit_url() -> Iterator[str]:
    world = World()
    world.listings["/r/EarthPorn/new"] = [post(1)]
    server = make_server(world)
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_source_is_asked_with_the_credentials_of_the_environment(reddit_url: str) -> None:
    access = {"CLIENT_ID": "id", "CLIENT_SECRET": "hush", "REDDIT_URL": reddit_url}
    variables = {f"GOLDPAN_CRAWL__REDDIT__{name}": value for name, value in access.items()}
    done = goldpan("doctor", "--source", "reddit:r/EarthPorn", **variables, no_proxy="127.0.0.1")
    assert "source: reddit:r/EarthPorn answers" in done.stdout, done.stdout + done.stderr


def test_what_is_wrong_is_told_as_it_is_and_ends_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache, source = str(tmp_path / "file" / "cache"), f"urls:{tmp_path}/[/red] [bold].txt"
    done = goldpan("doctor", "--source", source, GOLDPAN_CACHE=cache)
    assert done.returncode == 2 and not done.stderr
    assert f"wrong  disk: the cache folder {cache} cannot be used" in done.stdout
    assert f"wrong  source: {source}: there is no such file" in done.stdout


def test_a_variable_that_is_no_setting_is_told() -> None:
    done = goldpan("doctor", "--source", "urls:x", GOLDPAN_LIMITT="3")
    assert done.returncode == 2
    assert "did you mean GOLDPAN_LIMIT" in done.stdout
