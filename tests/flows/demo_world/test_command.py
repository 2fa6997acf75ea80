from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import requests
from PIL import Image

from actors.crawler.settings import CrawlSettings
from flows.demo.studio import liked_folder
from flows.demo.truth import Truth
from flows.demo.world import World

COMMAND = [sys.executable, "-m", "flows.demo", "serve", "--seed", "7", "--scale", "0.05", "--liked", "2"]


def test_serves_until_its_stdin_closes(cache: Path, tmp_path: Path) -> None:
    told = [*COMMAND, "--cache", str(cache), "--truth", str(tmp_path / "truth.json")]
    with subprocess.Popen(told, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None and process.stdout is not None
        ready = json.loads(process.stdout.readline())
        settings = CrawlSettings(**ready["settings"])
        assert requests.get(f"{settings.reddit.reddit_url}/demo/progress", timeout=30).json()["painted"] >= 2
        process.stdin.close()
        assert process.wait(30) == 0
        assert process.stdout.read() == b""
    assert settings.host_map["i.redd.it"] == f"http://127.0.0.1:{ready['port']}"
    assert settings.budget_entry("i.redd.it")[1].per_second > 1000
    assert ready["source"] == "reddit:r/all,sort=new"
    assert Truth.load(tmp_path / "truth.json") == World.build(7, scale=0.05).truth
    liked = sorted(Path(ready["liked"]).iterdir())
    assert [Image.open(path).format for path in liked] == ["JPEG", "JPEG"]
    assert liked_folder(7, 2, cache) == Path(ready["liked"])


def test_a_folder_that_cannot_be_shown_ends_it(tmp_path: Path) -> None:
    ended = subprocess.run([*COMMAND, "--photos", str(tmp_path)], capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "has no labels.csv" in ended.stderr
    assert "Traceback" not in ended.stderr
