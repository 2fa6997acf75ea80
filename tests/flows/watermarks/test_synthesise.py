from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image

from flows.demo.paint.noise import generator
from flows.watermarks.distractors import PAINTERS, Distractor
from flows.watermarks.fonts import find_faces
from flows.watermarks.ink import LEAST_SEEN, lay
from flows.watermarks.kinds import MarkKind, coverage
from flows.watermarks.lettering import Pen
from flows.watermarks.phrases import Script
from flows.watermarks.synthesise import (
    CLEAN,
    MARKED,
    TABLE,
    pairs_of,
    read_table,
    synthesise,
    synthesise_command,
)

FACES = find_faces()


def scene(width: int = 360, height: int = 240) -> Image.Image:
    sky = np.linspace(60, 200, height)[:, None, None] * np.array([0.7, 0.9, 1.0])
    grain = np.random.default_rng(4).normal(0, 6, (height, width, 1))
    return Image.fromarray(np.clip(sky + grain, 0, 255).astype(np.uint8))


def pen(seed: int) -> Pen:
    return Pen(generator("test", seed), FACES)


@pytest.fixture
def clean(tmp_path: Path) -> Path:
    folder = tmp_path / "clean" / "deeper"
    folder.mkdir(parents=True)
    scene().save(folder / "sky.png")
    return folder.parent


def test_pillows_own_font_and_matplotlibs_are_always_there() -> None:
    assert {Script.LATIN, Script.CYRILLIC, Script.GREEK} <= set(FACES.scripts)
    assert FACES.of_script[Script.LATIN][0].file is None


@pytest.mark.parametrize("kind", MarkKind)
def test_a_mark_changes_what_it_covers_and_nothing_far_from_it(kind: MarkKind) -> None:
    picture = scene()
    for seed in range(6):
        sheet = coverage(pen(seed), kind, picture.size)
        laid = lay(pen(seed), picture, sheet, 0.5)
        covered, change = np.asarray(sheet) > 128, np.asarray(laid.change, int)
        assert covered.any() and not covered.all()
        assert change[covered].mean() > LEAST_SEEN / 2
        left, top, right, bottom = sheet.getbbox() or (0, 0, 0, 0)
        outside = np.ones(covered.shape, bool)
        outside[max(0, top - 3) : bottom + 3, max(0, left - 3) : right + 3] = False
        assert change[outside].max(initial=0) == 0


@pytest.mark.parametrize("kind", Distractor)
def test_a_distractor_changes_the_scene_and_is_the_same_for_a_seed(kind: Distractor) -> None:
    picture = scene()
    seen = [PAINTERS[kind](pen(seed), picture) for seed in range(4)]
    assert seen == [PAINTERS[kind](pen(seed), picture) for seed in range(4)]
    assert any(image.tobytes() != picture.tobytes() for image in seen)


def test_the_folder_has_pairs_and_a_table_of_them(clean: Path, tmp_path: Path) -> None:
    out = tmp_path / "marked"
    synthesise(clean, out, each=2, workers=1)
    lines = read_table(out / TABLE)
    assert sorted(line.file for line in lines) == sorted(
        path.relative_to(out).as_posix() for path in out.glob("*/*.jpg")
    )
    assert [line.file.split("/")[0] for line in lines] == [CLEAN, MARKED] * 2
    assert {line.source for line in lines} == {"deeper/sky.png"}
    for line in lines:
        assert (line.kind in set(MarkKind)) == (line.opacity is not None) == line.file.startswith(MARKED)
        with Image.open(out / line.file) as image:
            image.load()


def test_a_seed_gives_the_same_bytes_and_another_one_others(clean: Path, tmp_path: Path) -> None:
    def written(name: str, seed: int) -> list[bytes]:
        out = tmp_path / name
        for folder in (CLEAN, MARKED):
            (out / folder).mkdir(parents=True)
        pairs_of(clean / "deeper/sky.png", root=clean, out=out, each=2, seed=seed, fonts=())
        return [path.read_bytes() for path in sorted(out.glob("*/*.jpg"))]

    first = written("a", 1)
    assert written("b", 1) == first
    assert written("c", 2) != first


def test_what_cannot_be_done_is_said(clean: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    (clean / "text.jpg").write_text("no picture")
    for pictures, out, says in (
        (tmp_path / "empty", tmp_path / "a", "no pictures"),
        (clean, clean, "is not empty"),
        (clean, tmp_path / "b", "text.jpg cannot be read"),
    ):
        with pytest.raises(typer.Exit) as raised:
            synthesise_command(pictures, out, workers=1)
        assert raised.value.exit_code == 2
        assert says in capsys.readouterr().err
