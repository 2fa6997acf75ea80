"""The doctor looks at what a run would use: the settings of the environment, the folder of the cache."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from rich.console import Console

from actors.lock import OutputLock
from actors.storage import OutputError
from flows.doctor import doctor
from flows.soundness import is_sound
from tests.actors.sources.reddit_server import World, make_server, post
from tests.actors.upkeep.small_output import facts, small
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


def test_an_output_is_checked_and_mended(tmp_path: Path) -> None:
    output = small(str(tmp_path))
    before = facts(output)
    stray = f"images/Pics/t3_9_0_{hashlib.sha256(b'whose?').hexdigest()[:8]}.jpg"
    output.write(stray, b"whose?")
    console = Console(record=True, width=200)
    with OutputLock(output, "a run"), pytest.raises(OutputError, match="in use by run a run"):
        is_sound(output, console, repair=True)
    assert output.exists(stray)
    assert not is_sound(output, console, repair=False)
    assert f"file that no row names: {stray}" in console.export_text()
    assert is_sound(output, console, repair=True)
    said = console.export_text()
    assert f"{stray} is in aside/{stray}: no row names it" in said and said.rstrip().endswith("sound")
    assert facts(output) == before


def test_faults_have_an_exit_code_of_their_own(tmp_path: Path) -> None:
    small(str(tmp_path)).write("verdicts/date=2026-11-23/00000002.parquet", b"no")
    done = goldpan("doctor", str(tmp_path))
    assert done.returncode == 1, done.stderr
    assert "fault  unreadable shard: verdicts/date=2026-11-23/00000002.parquet (" in done.stdout
    assert "6 rows and 2 accepted images in 9 shards, 3 manifests: 1 fault\n" in done.stdout, done.stdout


def test_what_is_to_be_mended_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit):
        doctor(None, repair=True)
    assert "goldpan doctor OUT --repair" in capsys.readouterr().err


def test_an_output_that_is_not_there_is_not_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    doctor(str(tmp_path / "new" / "out"))
    assert "is not there yet" in " ".join(capsys.readouterr().out.split())
    assert not any(tmp_path.iterdir())
