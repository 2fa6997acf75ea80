"""What a run leaves about itself: what it was asked and how it went, without secrets."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from actors.storage import Output
from flows.run_file import RunFile
from flows.settings import Settings, load_settings
from models.fitting import fit_taste
from models.taste import Taste


@pytest.fixture(scope="module")
def taste() -> Taste:
    liked = np.random.default_rng(0).normal(size=(60, 8)).astype(np.float16)
    return fit_taste(liked, encoder="gist", encoder_fingerprint="a" * 64)


def settings(tmp_path: Path, **crawl: bool) -> Settings:
    return load_settings({"sources": ("urls:a.txt",), "out": str(tmp_path), "crawl": crawl})


def test_a_run_says_how_it_ended(tmp_path: Path, taste: Taste) -> None:
    output = Output(str(tmp_path))
    with RunFile("done", output, settings(tmp_path), taste) as file:
        assert output.read_json("runs/done.json")["how"] == "running"
        file.finish(Counter({"fits": 2}), interrupted=False)
    done = output.read_json("runs/done.json")
    assert (done["how"], done["reasons"], done["settings"]["sources"]) == (
        "done",
        {"fits": 2},
        ["urls:a.txt"],
    )
    with pytest.raises(KeyError), RunFile("failed", output, settings(tmp_path), taste):
        raise KeyError("x")
    assert output.read_json("runs/failed.json")["how"] == "failed: KeyError"


def test_a_run_says_whether_it_heeds_opt_outs(tmp_path: Path, taste: Taste) -> None:
    output = Output(str(tmp_path))
    for robots, told in ((True, "heeded"), (False, "not heeded")):
        with RunFile("r", output, settings(tmp_path, robots=robots), taste):
            pass
        assert output.read_json("runs/r.json")["x_robots_tag"] == told


def test_credentials_in_places_are_not_written_down(tmp_path: Path, taste: Taste) -> None:
    asked = load_settings(
        {
            "sources": ("urls:https://me:SECRET@a.test/list.txt", "urls:\udcff.txt"),
            "out": "s3://KEY:SECRET@bucket/x?region=eu-west-1",
            "taste": "s3://KEY:SECRET@bucket/taste",
        }
    )
    here = Output(str(tmp_path))
    with RunFile("r", here, asked, taste):
        pass
    text = here.read("runs/r.json").decode()
    assert "SECRET" not in text and "KEY" not in text
    told = here.read_json("runs/r.json")["settings"]
    assert told["sources"] == ["urls:https://a.test/list.txt", "urls:\\udcff.txt"]
    assert told["taste"] == "s3://bucket/taste"


def test_a_failure_is_not_hidden_by_a_second_one(tmp_path: Path, taste: Taste) -> None:
    output = Output(str(tmp_path))
    with pytest.raises(OSError, match="no space") as ended, RunFile("r", output, settings(tmp_path), taste):
        block(tmp_path)
        raise OSError("no space left")
    assert "runs/r.json could not be written either" in ended.value.__notes__[0]


def test_a_run_file_that_cannot_be_written_is_an_error_of_its_own(tmp_path: Path, taste: Taste) -> None:
    with pytest.raises(OSError), RunFile("r", Output(str(tmp_path)), settings(tmp_path), taste):
        block(tmp_path)


def block(root: Path) -> None:
    (root / "runs" / "r.json").unlink()
    (root / "runs").rmdir()
    (root / "runs").write_text("no folder")
