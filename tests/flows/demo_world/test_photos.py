from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from flows.demo.photos import PhotosError
from flows.demo.server import DemoServer
from flows.demo.world import World
from models.reasons import Reason
from tests.flows.demo_world.asking import ask

LABELS = """file,width,height,scenery,kind
hill.jpg,1600,1000,1,original
copy.jpg,1600,1000,1,original
cup.png,1500,1000,0,original
tiny.jpg,300,200,1,resized
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    Image.new("RGB", (1600, 1000), "green").save(tmp_path / "hill.jpg")
    (tmp_path / "copy.jpg").write_bytes((tmp_path / "hill.jpg").read_bytes())
    Image.new("RGB", (1500, 1000), "white").save(tmp_path / "cup.png")
    Image.new("RGB", (300, 200), "green").save(tmp_path / "tiny.jpg")
    (tmp_path / "labels.csv").write_text(LABELS)
    return tmp_path


def test_serves_the_files_as_they_are(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    world = World.build(1, photos=folder)
    with DemoServer(world, cache=tmp_path_factory.mktemp("none")) as server:
        served = sorted(ask(server, f"https://{address}").content for address in world.answers)
    files = sorted(path.read_bytes() for path in folder.iterdir() if path.suffix != ".csv")
    assert served == files
    assert not world.paint_order


def test_knows_which_are_wanted(folder: Path) -> None:
    truth = World.build(1, photos=folder).truth
    assert truth.counts() == {
        Reason.FITS: 1,
        Reason.DUPLICATE: 1,
        Reason.UNLIKE_TASTE: 1,
        Reason.TOO_SMALL: 1,
    }
    assert len(truth.wanted()) == 1
    assert sum(row.acceptable for row in truth.rows) == 2


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        (None, "has no labels.csv"),
        ("file,width\nhill.jpg,3\n", "lacks the column height, scenery"),
        ("file,width,height,scenery\n", "names no photograph"),
        ("file,width,height,scenery\nno.jpg,1,1,1\n", "names no.jpg, which is not there"),
        ("file,width,height,scenery\nhill.jpg,wide,1,1\n", "whole numbers"),
    ],
)
def test_tells_what_is_wrong(folder: Path, labels: str | None, told: str) -> None:
    (folder / "labels.csv").unlink()
    if labels is not None:
        (folder / "labels.csv").write_text(labels)
    with pytest.raises(PhotosError, match=told):
        World.build(1, photos=folder)
