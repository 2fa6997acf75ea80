from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner, Result

from actors.encoder import Encoder
from flows.fit import fit, taste_from_folder
from flows.liked import Skipped, distinct, fit_images, image_files
from models.registry import UnknownModelError
from models.taste import Taste, TasteError

SCRIPT = Path(__file__).parents[2] / "flows" / "fit.py"


def _paint(path: Path, seed: int, *, grey: bool = False) -> None:
    """A sky over a dark ground with a ragged horizon, or noise without either."""
    rng = np.random.default_rng(seed)
    height, width = 120, 160
    horizon = height * 0.5 + np.cumsum(rng.normal(size=width)) * 1.5 + rng.normal() * 4
    ground = np.arange(height)[:, None] > horizon
    picture = (
        np.where(ground[..., None], [60, 90, 40], [150, 190, 230]) + rng.normal(size=(height, width, 3)) * 12
    )
    if grey:
        picture = picture.mean(axis=2, keepdims=True).repeat(3, axis=2)
    Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).save(path)


@pytest.fixture(scope="module")
def liked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("liked")
    (folder / "below").mkdir()
    for seed in range(36):
        _paint(folder / ("below" if seed % 3 else ".") / f"{seed}.png", seed)
    return folder


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.getbasetemp() / "goldpan-cache"
    monkeypatch.setenv("GOLDPAN_CACHE", str(folder))
    return folder


def _fit(*arguments: str | Path) -> Result:
    # A wide terminal: the card's lines are then not broken.
    app = typer.Typer()
    app.command()(fit)
    return CliRunner(env={"COLUMNS": "160"}).invoke(app, [*map(str, arguments)], catch_exceptions=False)


def test_the_script_leaves_a_taste_a_card_and_a_histogram(liked: Path, tmp_path: Path) -> None:
    command: list[str | Path] = [sys.executable, SCRIPT, liked, "--out", tmp_path / "taste", "--keep", "0.9"]
    environment = os.environ | {"COLUMNS": "160"}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment, timeout=120)
    taste = Taste.load(tmp_path / "taste")
    assert (taste.liked, taste.rule, taste.encoder) == (36, "keep 0.9 of liked images", "gist")
    assert taste.fingerprint[:16] in done.stdout
    assert f"{taste.threshold:.2f}" in done.stdout
    assert json.loads((tmp_path / "taste" / "taste.json").read_text())["fingerprint"] == taste.fingerprint
    with Image.open(tmp_path / "taste" / "histogram.png") as histogram:
        assert histogram.format == "PNG"
        assert len(np.unique(np.asarray(histogram.convert("L")))) > 3


def test_what_cannot_be_decoded_is_counted_and_named(
    liked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cut.png").write_bytes((liked / "0.png").read_bytes()[:900])
    (tmp_path / "page.jpg").write_text("<html>gone</html>")
    monkeypatch.chdir(tmp_path)
    done = _fit(liked, tmp_path, "--out", "[/x]:cat:")
    assert done.exit_code == 0, done.stderr
    assert "2 could not be used" in done.stdout
    assert "cut.png: truncated" in done.stdout
    assert "page.jpg: not_an_image" in done.stdout
    assert "[/x]:cat:" in done.stdout  # as it is, not as markup


def test_grey_likes_are_pointed_at_the_encoder_without_colour(tmp_path: Path) -> None:
    for seed in range(32):
        _paint(tmp_path / f"{seed}.png", seed, grey=True)
    done = _fit(tmp_path, "--out", tmp_path / "taste")
    assert "--encoder gist-grey" in done.stdout
    done = _fit(tmp_path, "--out", tmp_path / "taste", "--encoder", "gist-grey")
    assert done.exit_code == 0
    assert "--encoder gist-grey" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{liked}/none", "--out", "{out}"], "there is no file or folder"),
        (["{empty}", "--out", "{out}"], "no images in"),
        (["{liked}/below/1.png", "--out", "{out}"], "at least 30 liked images, not 1"),
        (["{liked}", "--out", "{out}", "--keep", "1.5"], "keep is a share"),
        (["{liked}", "--out", "{out}", "--encoder", "clap"], "no encoder is called 'clap'"),
        (["{liked}", "--out", "{out}", "--encoder", "clip"], "clip_visual.onnx"),
        (["{liked}", "--out", "{out}", "--components", "30"], "allow 1 to 3 components"),
        (["{liked}", "--out", "{out}", "--covariance", "round"], "--covariance is one of shared, full"),
        (["{liked}", "--out", "{out}", "--keep", "0.9", "--beta", "1"], "give one of them"),
        (["{liked}", "--out", "{out}", "--per-1000", "50"], "with --against"),
        (["{liked}", "--out", "{out}", "--against", "{liked}/none"], "there is no file or folder"),
        (["{liked}", "--out", "{out}", "--device", "tpu"], "cpu or cuda"),
        (["{liked}", "--out", "{out}", "--compare", "KNN"], "name one with --against"),
        (["{liked}", "--out", "{liked}/0.png/x"], "cannot be written"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    liked: Path, tmp_path: Path, arguments: list[str], message: str
) -> None:
    (tmp_path / "empty").mkdir()
    places = {"liked": liked, "out": tmp_path / "out", "empty": tmp_path / "empty"}
    done = _fit(*(argument.format(**places) for argument in arguments))
    assert done.exit_code == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_folder_is_fitted_once_for_each_set_of_contents(liked: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    for index, path in enumerate(image_files([liked])):
        (folder / f"{index:02}.png").write_bytes(path.read_bytes())
    (folder / "copy.png").write_bytes((liked / "0.png").read_bytes())
    steps: list[tuple[int, int]] = []

    def taste(keep: float = 0.95) -> Taste:
        return taste_from_folder(
            folder,
            encoder="gist",
            keep=keep,
            cache=tmp_path / "tastes",
            threads=2,
            on_progress=lambda done, total: steps.append((done, total)),
        )

    first = taste()
    assert first.liked == 36
    assert steps == [(32, 36), (36, 36)]
    (folder / "00.png").rename(folder / "renamed.png")
    os.utime(folder / "01.png", (1, 1))
    assert taste().fingerprint == first.fingerprint
    assert len(steps) == 2
    taste(keep=0.8)
    assert len(steps) == 4
    (folder / "02.png").unlink()
    assert taste().liked == 35
    assert len(steps) == 6


def test_of_many_images_some_are_fitted_and_the_others_only_calibrate(liked: Path) -> None:
    contents, encoder = distinct(image_files([liked])), Encoder("gist", 1, "cpu")
    fitted, tally = fit_images(contents, encoder, keep=0.9, threads=1, sample=30)
    assert (fitted.fitted["images"], fitted.liked, tally.usable) == (30, 36, 36)
    first = {key: contents[key] for key in sorted(contents)[:30]}
    alone, _ = fit_images(first, encoder, keep=0.9, threads=1)
    np.testing.assert_array_equal(fitted.density.projection, alone.density.projection)
    assert set(alone.calibration.liked) < set(fitted.calibration.liked)


def test_a_taste_on_the_spot_tells_what_it_left_out(liked: Path, tmp_path: Path) -> None:
    for path in image_files([liked]):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "bad.webp").write_bytes(b"RIFF\x00\x00\x00\x00WEBP")
    told: list[Skipped] = []
    taste_from_folder(
        tmp_path,
        encoder="gist",
        keep=0.95,
        cache=tmp_path / ".tastes",
        threads=1,
        on_progress=None,
        on_skipped=told.extend,
    )
    assert [(skipped.path.name, skipped.reason) for skipped in told] == [("bad.webp", "broken")]


def test_too_few_usable_images_and_unknown_encoders_are_errors(liked: Path, tmp_path: Path) -> None:
    options = {"keep": 0.95, "cache": tmp_path / "tastes", "threads": 1, "on_progress": None}
    with pytest.raises(UnknownModelError):
        taste_from_folder(liked, encoder="clap", **options)  # type: ignore[arg-type]
    for index in range(40):
        (tmp_path / f"{index}.jpg").write_bytes(b"%d" % index)
    with pytest.raises(TasteError, match=r"not 0.*40 could not be used"):
        taste_from_folder(tmp_path, encoder="gist", **options)  # type: ignore[arg-type]


def test_only_image_files_that_are_not_hidden_are_found(tmp_path: Path) -> None:
    for name in ("a.JPG", "b/c.webp", ".hidden.png", ".cache/d.png", "notes.txt", "e.heic"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
    found = image_files([tmp_path, tmp_path / "a.JPG"])
    assert [path.relative_to(tmp_path).as_posix() for path in found] == ["a.JPG", "b/c.webp", "e.heic"]
