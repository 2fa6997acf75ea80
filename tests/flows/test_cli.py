"""The command: help that teaches, and one clear message where a run cannot start."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from tests.flows.outputs import goldpan


def refused(*arguments: str) -> str:
    done = goldpan(*arguments)
    assert done.returncode == 2, done.stderr + done.stdout
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.fixture(scope="module")
def urls(tmp_path_factory: pytest.TempPathFactory) -> str:
    listed = tmp_path_factory.mktemp("urls") / "urls.txt"
    listed.write_text("https://example.test/a.jpg\n")
    return f"urls:{listed}"


def test_help_names_every_command_and_teaches_sources() -> None:
    shown = goldpan("--help").stdout
    assert all(name in shown for name in ("mine", "fit", "yields", "resolve", "compact", "doctor"))
    shown = goldpan("mine", "--help").stdout
    assert "reddit:r/" in shown and "--allow-private" in shown and "130" in shown


def test_an_unknown_source_names_the_nearest(tmp_path: Path) -> None:
    said = refused("mine", "redit:r/x", "--out", str(tmp_path / "o"), "--taste", "t")
    assert "redit" in said and "reddit:r/" in said


def test_an_unknown_setting_names_the_nearest(tmp_path: Path, urls: str) -> None:
    said = refused("mine", urls, "--out", str(tmp_path / "o"), "--set", "crawl.patince=3")
    assert "crawl.patince" in said and "crawl.patience" in said


def test_no_taste_says_what_one_is(tmp_path: Path, urls: str) -> None:
    assert "at least 30 images" in refused("mine", urls, "--out", str(tmp_path / "o"))


def test_an_unreadable_taste_says_the_way_out(tmp_path: Path, urls: str) -> None:
    (tmp_path / "taste").mkdir()
    (tmp_path / "taste/taste.json").write_text("{")
    (tmp_path / "taste/taste.npz").write_bytes(b"no")
    said = refused("mine", urls, "--out", str(tmp_path / "o"), "--taste", str(tmp_path / "taste"))
    assert "goldpan fit" in said


def test_a_folder_of_too_few_images_says_how_many(tmp_path: Path, urls: str) -> None:
    for number in range(3):
        Image.new("RGB", (64, 64), (number, 0, 0)).save(tmp_path / f"{number}.png")
    assert "30" in refused("mine", urls, "--out", str(tmp_path / "o"), "--taste", str(tmp_path))


def test_clip_without_its_weights_says_how_to_get_them(tmp_path: Path, urls: str) -> None:
    said = refused("mine", urls, "--out", str(tmp_path / "o"), "--taste", str(tmp_path), "--encoder", "clip")
    assert "clip_visual.onnx" in said


def test_an_output_that_cannot_be_written(tmp_path: Path, urls: str) -> None:
    (tmp_path / "file").write_text("")
    assert "not writable" in refused("mine", urls, "--out", str(tmp_path / "file"), "--taste", "t")


def test_no_credentials_say_where_they_go(tmp_path: Path) -> None:
    said = refused("mine", "reddit:r/EarthPorn", "--out", str(tmp_path / "o"), "--taste", "t")
    assert "praw.ini" in said


def test_a_url_list_that_is_not_there(tmp_path: Path) -> None:
    assert "nowhere.txt" in refused("mine", "urls:/nowhere.txt", "--out", str(tmp_path / "o"), "--taste", "t")


def test_yields_of_nothing(tmp_path: Path) -> None:
    assert "no verdicts there" in refused("yields", str(tmp_path))


def test_photos_go_with_the_demo(tmp_path: Path, urls: str) -> None:
    said = refused("mine", urls, "--out", str(tmp_path / "o"), "--photos", str(tmp_path))
    assert "demo" in said


def test_the_doctor_finds_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = goldpan("doctor", str(tmp_path / "file"))
    assert done.returncode == 2 and "wrong" in done.stdout and "not writable" in done.stdout


@pytest.mark.parametrize("script", ["mine", "fit", "yields", "resolve", "compact", "doctor"])
def test_every_flow_runs_as_a_script(script: str, tmp_path: Path) -> None:
    import subprocess
    import sys

    path = Path(__file__).parents[2] / "flows" / f"{script}.py"
    done = subprocess.run(
        [sys.executable, str(path), "--help"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "Usage" in done.stdout


def test_a_dry_run_tells_what_would_be_fetched_and_refuses_what_never_ends(tmp_path: Path) -> None:
    (tmp_path / "links.txt").write_text("https://i.redd.it/a1.jpg\nhttps://v.redd.it/b2\n")
    source = f"urls:{tmp_path}/links.txt"
    done = goldpan("mine", source, "--out", str(tmp_path / "out"), "--dry-run")
    assert done.returncode == 0 and "2 submissions: 1 images to fetch" in done.stderr
    refused = goldpan("mine", "reddit:r/all", "--follow", "--out", str(tmp_path / "out"), "--dry-run")
    assert refused.returncode == 2 and "--dry-run" in refused.stderr
