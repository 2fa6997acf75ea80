"""What the user has already: folders and outputs are hashed for the duplicate index."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from PIL import Image
from rich.console import Console

from actors.duplicates import DuplicateIndex
from actors.storage import Output
from flows.exits import PreflightError
from flows.known import hash_known
from flows.settings import Settings, load_settings
from models.decode import open_rgb
from models.hashes import perceptual_hash
from models.reasons import Reason

CONSOLE = Console(quiet=True)


def settings(tmp_path: Path, *known: Path | str, **flags: Any) -> Settings:
    out = str(tmp_path / "out")
    return load_settings({"sources": (), "out": out, "known": [str(one) for one in known], **flags})


def picture(path: Path, seed: int) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.effect_mandelbrot((640, 480), (-2 + seed / 3, -1, 1, 1), 60).save(path, quality=90)
    return path.read_bytes()


def test_a_folder_and_another_output_are_known(tmp_path: Path) -> None:
    mine = picture(tmp_path / "mine/a/1.jpg", 0)
    (tmp_path / "mine/broken.jpg").write_bytes(b"\xff\xd8\xff broken")
    other = Output(str(tmp_path / "other"))
    rows = [
        {"key": "t3_a/0", "sha256": "ab" * 32, "phash": "f" * 16, "verdict": "accepted"},
        {"key": "t3_b/0", "sha256": "cd" * 32, "phash": "0" * 16, "verdict": "rejected"},
    ]
    other.write_table("verdicts/date=2026-01-01/1.parquet", pa.Table.from_pylist(rows))
    chosen = settings(tmp_path, tmp_path / "mine", tmp_path / "other")
    output = Output(chosen.out)
    path = hash_known(chosen, output, CONSOLE)
    assert path is not None and hash_known(chosen, output, CONSOLE) == path
    index = DuplicateIndex(chosen.out, known=path)
    assert len(index) == 2
    again = picture(tmp_path / "again.png", 0)
    phash = f"{perceptual_hash(open_rgb(again, shortest=256)):016x}"
    found = index.find(
        [("t3_x/0", "0" * 64, phash), ("t3_a/0", "ab" * 32, None), ("t3_y/0", "cd" * 32, None)]
    )
    assert found[0] is not None and found[0] == (Reason.NEAR_DUPLICATE, "known:a/1.jpg")
    assert found[1] == (Reason.DUPLICATE, "known:t3_a/0") and found[2] is None
    assert len(mine) != len(again)


def test_nothing_known_is_no_table(tmp_path: Path) -> None:
    assert hash_known(settings(tmp_path), Output(str(tmp_path / "out")), CONSOLE) is None


def test_what_cannot_be_known_is_said(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for place, problem in (
        (tmp_path / "out", "it is --out itself"),
        (tmp_path / "absent", "no such folder"),
        (tmp_path / "empty", "neither images nor a run's output"),
    ):
        with pytest.raises(PreflightError, match=problem):
            hash_known(settings(tmp_path, place), Output(str(tmp_path / "out")), CONSOLE)
