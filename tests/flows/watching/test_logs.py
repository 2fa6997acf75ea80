"""What goldpan says as records: every line an object, no secret, no disk filled."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from rich.table import Table

from actors.lock import OutputLock
from actors.storage import Output
from flows.exits import PreflightError
from flows.settings import Settings, load_settings
from flows.watching.events import ActorRestarted, Turn
from flows.watching.logs import EventLog, speaking
from flows.watching.masking import Mask
from flows.watching.totals import Totals
from flows.watching.watch import Watch
from tests.flows.watching.telling import committed


def settings(**watch: Any) -> Settings:
    return load_settings({"sources": ("demo",), "out": "-", "watch": watch})


def speaking_of(asked: Settings) -> Any:
    return speaking(asked, Mask(asked))


def records(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_every_line_is_an_object_with_a_time_a_level_and_a_message(capfd: pytest.CaptureFixture[str]) -> None:
    before = list(logging.getLogger().handlers)
    with speaking_of(settings(log_format="json")) as console:
        console.print("goldpan: [b]two[/b]\nlines " + 300 * "x", highlight=False)
        table = Table("subreddit", "yield", box=None)
        table.add_row("Pics", "1%")
        console.print(table)
        print("finishing what is in flight", file=sys.stderr)
        logging.getLogger("actors.lock").warning("a beat was missed")
        logging.getLogger("elsewhere").info("of no interest")
        log = EventLog("r", Totals())
        log.told(committed(3, fits=1))
        log.told(ActorRestarted("crawler 1"))
        log.told(Turn())
    found = records(capfd.readouterr().err)
    assert [one["message"].split()[0] for one in found] == [
        "two", "lines", "subreddit", "Pics", "finishing", "a", "window", "the",
    ]  # fmt: skip
    assert all({"time", "level", "logger", "message"} <= one.keys() for one in found)
    assert found[5]["level"] == "warning" and found[5]["logger"] == "actors.lock"
    assert found[6]["event"] == "window_committed" and found[6]["window"] == 3 and found[6]["run"] == "r"
    assert found[7]["level"] == "warning" and found[7]["actor"] == "crawler 1"
    assert logging.getLogger().handlers == before


def test_what_ends_the_command_is_an_object_too(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended, speaking_of(settings(log_format="json")):
        raise PreflightError("no way; this is the way out")
    assert ended.value.exit_code == 2
    with pytest.raises(typer.Exit) as ended, speaking_of(settings(log_format="json")):
        raise KeyError("a defect of ours")
    assert ended.value.exit_code == 1
    told, defect = records(capfd.readouterr().err)
    assert told["level"] == "error" and told["message"] == "no way; this is the way out"
    assert defect["message"] == "KeyError" and "a defect of ours" in defect["exception"]


def test_a_log_file_is_begun_anew_and_few_are_kept(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    asked = settings(log_file=str(tmp_path / "run.log"), log_bytes=5000, log_files=2)
    with speaking_of(asked):
        log = EventLog("r", Totals())
        for number in range(200):
            log.told(committed(number, fits=1))
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == ["run.log", "run.log.1", "run.log.2"]
    assert all(path.stat().st_size <= 5000 for path in tmp_path.iterdir())
    assert (
        "goldpan: window committed event=window_committed run=r window=199"
        in (tmp_path / "run.log").read_text()
    )
    assert capfd.readouterr().err == "", "the console has it already"


def test_what_is_printed_is_in_a_text_log_too_and_what_happens_is_there_once(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    asked = settings(log_file=str(tmp_path / "run.log"))
    output = Output(str(tmp_path / "out"))
    with speaking_of(asked) as console:
        console.print("fitting a taste on [b]liked[/b]", highlight=False)
        with OutputLock(output, "r") as lock, Watch("r", asked, output, lock, console) as watch:
            watch.say(["cluster   1 node(s)"])
            watch.told(ActorRestarted("crawler 1"))
    said = (tmp_path / "run.log").read_text()
    for one in (
        "goldpan: fitting a taste on liked\n",
        "goldpan: cluster   1 node(s)\n",
        "the crawler 1 died",
    ):
        assert said.count(one) == 1, said
    assert capfd.readouterr().err.splitlines()[:2] == ["fitting a taste on liked", "cluster   1 node(s)"]


def test_an_error_is_in_the_log_file_and_where_it_was(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(PreflightError), speaking_of(settings(log_file=str(tmp_path / "run.log"))):
        logging.getLogger("actors.lock").warning("a beat was missed")
        raise PreflightError("no way")
    assert "ERROR   goldpan: no way" in (tmp_path / "run.log").read_text()
    assert capfd.readouterr().err == "a beat was missed\n"


def test_an_error_is_left_to_who_prints_it_where_nothing_is_logged(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(PreflightError), speaking_of(settings()):
        raise PreflightError("no way")
    assert capfd.readouterr().err == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_stderr_that_is_full_ends_nothing() -> None:
    telling = (
        "from tests.flows.watching.test_logs import *\n"
        "with speaking_of(settings(log_format='json')) as console:\n"
        "    EventLog('r', Totals()).told(committed(1)); console.print('still here')\n"
        "print('to its end')"
    )
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", telling], stdout=subprocess.PIPE, stderr=full, check=False
        )
    assert done.stdout == b"to its end\n"


def test_what_is_learnt_later_is_hidden_too_and_so_is_who_is_named_in_a_url(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    mask = Mask()
    with speaking(settings(log_format="json"), mask):
        monkeypatch.setenv("GOLDPAN_CRAWL__REDDIT__PASSWORD", "hush")
        mask.learn(settings())
        logging.getLogger("actors.x").warning("hush at https://me:PASS@host.example/x")
    said = capfd.readouterr().err
    assert "hush" not in said and "PASS" not in said and "https://host.example/x" in said


def test_a_log_file_that_cannot_be_opened_is_said_before_anything_starts(tmp_path: Path) -> None:
    asked = settings(log_file=str(tmp_path / "none/run.log"))
    with pytest.raises(PreflightError, match="name a file in a folder that is there"), speaking_of(asked):
        pass


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_said_once_and_ends_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    with speaking_of(settings(log_file="/dev/full")):
        for number in range(3):
            EventLog("r", Totals()).told(committed(number))
    (said,) = capfd.readouterr().err.splitlines()
    assert (
        said == "goldpan: the log file /dev/full cannot be written: No space left on device; the run goes on"
    )


def test_no_secret_is_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in ("CLIENT_ID", "CLIENT_SECRET", "PASSWORD"):
        monkeypatch.setenv(f"GOLDPAN_CRAWL__REDDIT__{name}", f'SECRET"{name}')
    asked = settings(log_format="json", log_file=str(tmp_path / "log"))
    with pytest.raises(typer.Exit), speaking_of(asked) as console:
        console.print('the server said SECRET"PASSWORD')
        logging.getLogger("actors.x").warning("refused: %s", 'SECRET"CLIENT_ID')
        raise KeyError('of SECRET"CLIENT_SECRET')
    for text in (capfd.readouterr().err, (tmp_path / "log").read_text()):
        assert len(records(text)) == 3 and "SECRET" not in text and "**********" in text
