"""The script joins a Ray that runs already, copied alone into another folder; folders and lists are mined there."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from PIL import Image

from flows.demo.paint import LANDSCAPES, jpeg, paint
from flows.demo.studio import liked_folder
from flows.placement import FOR_LONG_RUNS
from tests.chaos.processes import children, title, titled, was_signalled
from tests.flows.outputs import (
    SMALL_DEMO,
    SMALL_WINDOWS,
    assert_lawful,
    check_files,
    command,
    rows,
    shards,
    wait_until,
)

MINE = Path(__file__).parents[2] / "flows" / "mine.py"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


ENVIRONMENT = {
    **os.environ,
    "RAY_AUTH_MODE": "token",
    **FOR_LONG_RUNS,
}


@pytest.mark.parametrize("kind", ["head", "worker"])
def test_the_cluster_file_starts_ray_for_long_runs(kind: str) -> None:
    cluster = yaml.safe_load((MINE.parents[1] / "cluster.yaml").read_text())
    start = cluster[f"{kind}_start_ray_commands"][-1].split()
    told = start[: start.index("ray")]
    wanted = [f"{name}={value}" for name, value in FOR_LONG_RUNS.items()]
    assert told == wanted
    assert all(one in (MINE.parents[1] / "docs" / "cluster.md").read_text() for one in wanted)


@contextmanager
def node(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A node, as `ray start` makes it."""
    ray = str(Path(sys.executable).parent / "ray")
    starting = [ray, "start", "--num-cpus=2", "--object-store-memory=200000000", "--block", *arguments]
    with subprocess.Popen(
        starting, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


@pytest.fixture
def head(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A cluster of one node; gives its address."""
    port = free_port()
    # Ray's sockets want a short path; a folder of its own keeps it out of other runs' sight.
    folder = Path(f"/tmp/goldpan-ray-{port}")
    ray = str(Path(sys.executable).parent / "ray")
    subprocess.run([ray, "get-auth-token", "--generate"], stdout=subprocess.DEVNULL, check=True)
    with node("--head", f"--port={port}", "--include-dashboard=false", f"--temp-dir={folder}"):
        deadline = time.monotonic() + 60
        while not (folder / "ray_current_cluster").exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        yield (folder / "ray_current_cluster").read_text().strip()
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
        env={**ENVIRONMENT, "RAY_ADDRESS": head},
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


def test_a_node_that_is_lost_is_done_without(head: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    mining = command("mine", SMALL_DEMO, "--out", str(out), *SMALL_WINDOWS)
    with node(f"--address={head}") as other, (tmp_path / "log").open("wb") as log:
        # Its agents begin when it has joined; the run then places its actors on both.
        wait_until(lambda: bool(titled(other.pid, "ray::")), other)
        with subprocess.Popen(mining, env={**ENVIRONMENT, "RAY_ADDRESS": head}, stderr=log) as process:
            try:
                wait_until(lambda: shards(out) >= 2 and is_at_work(other.pid), process)
                for one in children(other.pid):
                    was_signalled(one, signal.SIGKILL)
                assert process.wait(240) == 0, (tmp_path / "log").read_text()
            finally:
                process.kill()
    assert_lawful(out)


def is_at_work(node: int) -> bool:
    """Tell whether anything of a run is on a node."""
    titles = [title(one) for one in titled(node, "ray::")]
    return any("IDLE" not in one and not one.endswith("Agent") for one in titles)
