"""The arm of img2dataset: its own command, from PyPI, in an environment of its own."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
import venv
from collections.abc import Mapping
from pathlib import Path

from benchmarks.took import Keep, Took
from models.registry import cache_folder

CONSTRAINTS = Path(__file__).with_name("img2dataset.txt")
PROCESSES = 2
_FORMATS = {Keep.NOTHING: "dummy", Keep.FILES: "files"}


def installed() -> Path:
    """Give img2dataset's command, in an environment that is made where it is not there yet.

    It needs a Python that has ``imghdr``: 3.12 or earlier.
    """
    mark = f"{sys.version_info.minor} {CONSTRAINTS.read_text()}"
    folder = cache_folder() / f"img2dataset-{hashlib.sha256(mark.encode()).hexdigest()[:12]}"
    done = folder / "installed"
    if not done.exists():
        venv.create(folder, clear=True, with_pip=True)
        pip = [str(folder / "bin" / "pip"), "install", "-qq", "--constraint", str(CONSTRAINTS)]
        subprocess.run([*pip, "img2dataset"], check=True)
        done.touch()
    return folder / "bin" / "img2dataset"


# Nothing but what keeps it from working on the images: no decoding, no hashes, no EXIF.
LEAST = {
    "disable_all_reencoding": True,
    "extract_exif": False,
    "compute_hash": None,
    "retries": 0,
}


def download(listed: Path, out: Path, keep: Keep, threads: int, extra: Mapping[str, object] = LEAST) -> Took:
    """Download a list without resizing, one shard a process; ``extra`` are more of its settings."""
    count = len(listed.read_text().splitlines())
    settings = {
        "url_list": listed,
        "output_folder": out,
        "output_format": _FORMATS[keep],
        "processes_count": PROCESSES,
        "thread_count": threads,
        "number_sample_per_shard": -(-count // PROCESSES),
        "resize_mode": "no",
        **extra,
    }
    command = [str(installed()), *(f"--{name}={value}" for name, value in settings.items())]
    # One of its libraries would ask the network for a newer release of itself.
    environment = os.environ | {"NO_ALBUMENTATIONS_UPDATE": "1", "no_proxy": "127.0.0.1"}
    environment.pop("PYTHONPATH", None)
    started = time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    whole = time.perf_counter() - started
    if done.returncode:
        sys.exit(f"img2dataset failed:\n{done.stderr[-2000:]}")
    shards = [json.loads(path.read_text()) for path in out.glob("*_stats.json")]
    # As if its processes had started together: the time between them is start-up.
    seconds = max(shard["duration"] for shard in shards)
    return Took(sum(shard["successes"] for shard in shards), seconds, whole)
