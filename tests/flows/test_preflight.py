"""What is checked and settled before a run starts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from actors.ledger import write_state
from actors.manifest import read_manifest
from flows import preflight
from flows.exits import PreflightError
from flows.settings import Settings, load_settings
from models.registry import UnknownModelError, WeightsMissingError
from tests.actors.upkeep.small_output import small

INI = "[DEFAULT]\nclient_id=from-ini\nusername=ann\npassword=hush\n"
ASK = """
from flows import preflight
from flows.settings import load_settings
settings = load_settings({"sources": ("reddit:r/x",), "out": "o"})
reddit = preflight.with_credentials(settings).crawl.reddit
print(reddit.client_id.get_secret_value(), reddit.username, reddit.password.get_secret_value(), reddit)
"""


def settings(*sources: str, out: str = "out", **flags: Any) -> Settings:
    return load_settings({"sources": sources, "out": out, **flags})


def test_two_folders_go_into_two_runs(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.jpg").write_bytes(b"")
    (tmp_path / "urls.txt").write_text("https://example.test/1.jpg\n")
    both = [f"folder:{tmp_path}/{name}" for name in "ab"]
    with pytest.raises(PreflightError, match=r"one folder a run.*holds them all.*--out of its own"):
        preflight.sources(settings(*both))
    preflight.sources(settings(both[0], f"urls:{tmp_path}/urls.txt"))


@pytest.mark.parametrize("path", ["verdicts/date=2026-11-23/00000002.parquet", "windows/00000003.json"])
@pytest.mark.parametrize("data", [b"", b"[]", b"PAR1" + bytes(60) + b"PAR1"])
def test_what_is_damaged_in_an_output_is_said_with_the_way_out(
    tmp_path: Path, path: str, data: bytes
) -> None:
    output = small(str(tmp_path))
    assert preflight.ledger(output).next_window == 4
    output.write(path, data)
    with pytest.raises(PreflightError, match=r"cannot be read \(\w+: .*mend it: goldpan doctor OUT --repair"):
        preflight.ledger(output)


def test_a_manifest_that_is_gone_with_what_it_put_off_is_said_too(tmp_path: Path) -> None:
    output = small(str(tmp_path))
    write_state(output, read_manifest(output, "windows/00000003.json"), {"t3_x/0": 2})
    output.remove("windows/00000002.json")
    with pytest.raises(PreflightError, match=r"cannot be read \(FileNotFoundError: .*--repair"):
        preflight.ledger(output)


def test_a_detector_is_known_and_its_weights_are_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOLDPAN_CACHE", str(tmp_path))
    preflight.detector(settings("urls:a"))
    with pytest.raises(UnknownModelError, match="there are: watermark, watermark-anti-sus"):
        preflight.detector(settings("urls:a", watermark_detector="marks"))
    with pytest.raises(WeightsMissingError, match=r"model_wat\.onnx.*put it there"):
        preflight.detector(settings("urls:a", watermark_detector="watermark-anti-sus"))


def test_paths_become_absolute_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/ann")
    found = preflight.absolute(
        settings(
            "urls:a,b=c/list, new.csv",
            "folder:~/pictures",
            "reddit:r/x,sort=top",
            "dump:RS.zst,subreddit=A+B,after=2024",
        )
    )
    assert found.out == f"{tmp_path}/out"
    assert found.sources == (
        f"urls:{tmp_path}/a,b=c/list, new.csv",
        "folder:/home/ann/pictures",
        "reddit:r/x,sort=top",
        f"dump:{tmp_path}/RS.zst,subreddit=A+B,after=2024",
    )
    assert preflight.absolute(found) == found


def test_uris_are_absolute_as_they_are() -> None:
    given = settings("urls:s3://bucket/list.txt", out="s3://bucket/out")
    assert preflight.absolute(given) == given


def test_a_home_that_is_not_there_says_so() -> None:
    with pytest.raises(PreflightError, match="no such user; write the path in full"):
        preflight.absolute(settings("folder:~nobody-of-this-name/x"))


def test_credentials_come_from_where_praw_finds_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("praw_client_id", "from-environment")
    monkeypatch.setenv("praw_client_secret", "hush")
    given = settings("reddit:r/x", crawl={"reddit": {"client_id": "set-already"}})
    reddit = preflight.with_credentials(given).crawl.reddit
    assert reddit.client_id and reddit.client_id.get_secret_value() == "set-already"
    assert reddit.client_secret and reddit.client_secret.get_secret_value() == "hush"
    assert reddit.password is None and reddit.reddit_url is None
    assert "hush" not in repr(reddit) and "hush" not in reddit.model_dump_json()
    assert preflight.with_credentials(settings("urls:x")).crawl.reddit.client_secret, "links lead to Reddit"
    assert preflight.with_credentials(settings("folder:x")).crawl.reddit.client_secret is None


def test_credentials_come_from_praw_ini_too(tmp_path: Path) -> None:
    # PRAW reads the file once a process.
    (tmp_path / "praw.ini").write_text(INI)
    done = subprocess.run(
        [sys.executable, "-c", ASK], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.startswith("from-ini ann hush ")
    assert done.stdout.count("hush") == 1


def test_a_praw_ini_that_cannot_be_read_is_left_to_the_source(tmp_path: Path) -> None:
    (tmp_path / "praw.ini").write_text("client_id=outside of a section")
    ask = f"{ASK.rpartition('print')[0]}print(reddit.client_id)"
    done = subprocess.run(
        [sys.executable, "-c", ask], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "None\n"
