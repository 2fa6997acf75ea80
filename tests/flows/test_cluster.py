"""The script joins a Ray that runs already, copied alone into another folder; folders and lists are mined there."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from flows.demo.paint import LANDSCAPES, jpeg, paint
from flows.demo.studio import liked_folder
from tests.flows.outputs import check_files, rows

MINE = Path(__file__).parents[2] / "flows" / "mine.py"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@pytest.fixture
def head(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A cluster of one node, as `ray start --head` makes it; gives its address."""
    port = free_port()
    # Ray's sockets want a short path; a folder of its own keeps it out of other runs' sight.
    folder = Path(f"/tmp/goldpan-ray-{port}")
    arguments = ["start", "--head", f"--port={port}", "--num-cpus=2", "--include-dashboard=false", "--block"]
    ray = [str(Path(sys.executable).parent / "ray"), *arguments, f"--temp-dir={folder}"]
    subprocess.run([ray[0], "get-auth-token", "--generate"], stdout=subprocess.DEVNULL, check=True)
    environment = {
        **os.environ,
        "RAY_AUTH_MODE": "token",
        "RAY_enable_metrics_collection": "0",
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    with subprocess.Popen(
        ray, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        deadline = time.monotonic() + 60
        while not (folder / "ray_current_cluster").exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        yield (folder / "ray_current_cluster").read_text().strip()
        process.terminate()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files of every kind, in folders with awkward names."""
    made = tmp_path / "my pictures" / "ü"
    made.mkdir(parents=True)
    (made / "good.jpg").write_bytes(jpeg(paint(LANDSCAPES[0], 5)))
    Image.new("RGB", (64, 64)).save(made / "small.png")
    (made / "empty.jpg").write_bytes(b"")
    (made / "notes.txt").write_text("not an image")
    (made / "cut.jpg").write_bytes((made / "good.jpg").read_bytes()[:5000])
    return tmp_path / "my pictures"


def test_the_script_alone_runs_on_a_cluster_that_is_there(head: str, folder: Path, tmp_path: Path) -> None:
    alone = tmp_path / "elsewhere" / "mine.py"
    alone.parent.mkdir()
    shutil.copy(MINE, alone)
    links = tmp_path / "links.txt"
    links.write_text(
        "# mine\nnot a url\nhttp://127.0.0.1:9/a.jpg\nhttp://127.0.0.1:9/a.jpg\nftp://x.test/a.jpg\n"
    )
    out = tmp_path / "out"
    sources = [f"folder:{folder}", f"urls:{links}"]
    done = subprocess.run(
        [sys.executable, alone, *sources, "--taste", str(liked_folder(1)), "--out", str(out)],
        cwd=alone.parent,
        env={**os.environ, "RAY_ADDRESS": head, "RAY_AUTH_MODE": "token"},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = {row["key"]: row["reason"] for row in rows(out)}
    named = {key: reason for key, reason in found.items() if key.startswith("folder:")}
    assert named.pop("folder:ü/good.jpg/0") in {"fits", "unlike_taste"}
    assert named == {
        "folder:ü/cut.jpg/0": "truncated",
        "folder:ü/empty.jpg/0": "empty",
        "folder:ü/notes.txt/0": "not_an_image",
        "folder:ü/small.png/0": "too_small",
    }
    listed = sorted(reason for key, reason in found.items() if key.startswith("url:"))
    assert listed == ["bad_url", "bad_url", "private_address"]
    check_files(out)
