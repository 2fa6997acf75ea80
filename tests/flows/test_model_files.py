"""goldpan models: published rows through a mirror that holds stand-ins of their signature, and rows of one's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
import yaml
from PIL import Image
from typer.testing import CliRunner, Result

from actors.encoder import Encoder
from flows.liked import taste_from_folder
from flows.model_files import app
from models.registry import ROWS, ModelRow, RowError, UnknownModelError, Weights, encoder_row
from models.taste import EncoderMismatchError
from tests.actors.weights_server import Publisher, publishing
from tests.models.graphs import mean_colour, pooled, square_root

PUBLISHED = [row for row in ROWS if row.weights is Weights.RELEASE]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GOLDPAN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def mirror() -> Iterator[Publisher]:
    with publishing() as found:
        yield found


def models(*arguments: str | Path) -> Result:
    return CliRunner(env={"COLUMNS": "240"}).invoke(app, [*map(str, arguments)], catch_exceptions=False)


def stand_in(row: ModelRow, path: Path) -> bytes:
    output = row.output_name or "output"
    pooled(
        path,
        size=row.size,
        dimension=row.dimension,
        name=row.input_name,
        output=output,
        first=output == "output",
    )
    return path.read_bytes()


def own(folder: Path, **changes: object) -> Path:
    """Write a row file for mean_colour's model."""
    held = {"name": "mine", "model": "tiny.onnx", "size": 8, "dimension": 3, "normalise": False} | changes
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump(held))
    return path


def test_every_published_row_is_pulled_verified_and_embeds(mirror: Publisher, tmp_path: Path) -> None:
    for row in PUBLISHED:
        mirror.files[urlsplit(row.url or "").path] = stand_in(row, tmp_path / row.file)
    names = [row.name for row in PUBLISHED]
    pulled = models("pull", *names, "--mirror", mirror.url)
    assert pulled.exit_code == 0, pulled.output
    assert pulled.output.count("locked on first use") == len(names)
    verified = models("verify", *names)
    assert verified.exit_code == 0 and verified.output.count("ok") == len(names)
    for name in ("clip", "clip-vit-b32", "clip-vit-l14", "siglip-b16"):
        row = encoder_row(name)
        pixels = np.random.default_rng(0).integers(1, 256, (3, row.size, row.size, 3), np.uint8)
        vectors = Encoder(name, 1, "cpu")(pixels).astype(np.float64)
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
    listed = models("list")
    assert all(name in listed.output for name in names) and "not here" not in listed.output


def test_what_is_not_as_its_row_says_is_told_and_ends_with_2(
    mirror: Publisher, tmp_path: Path, cache: Path
) -> None:
    row = encoder_row("siglip-b16")
    path = mean_colour(tmp_path / "other.onnx", size=224)
    mirror.files[urlsplit(row.url or "").path] = path.read_bytes()
    refused = models("pull", row.name, "--mirror", mirror.url)
    assert refused.exit_code == 2 and "should have an input 'pixel_values'" in refused.output
    mirror.files[urlsplit(row.url or "").path] = stand_in(row, path)
    assert models("pull", row.name, "--mirror", mirror.url).exit_code == 0
    (cache / "models" / row.file).write_bytes(b"<html>")
    verified = models("verify")
    assert verified.exit_code == 2 and "wrong  siglip-b16" in verified.output
    assert "its sha256 is" in verified.output and "ok     gist" in verified.output


def test_a_model_by_the_path_of_its_row_or_its_own_fits_a_taste(tmp_path: Path) -> None:
    mean_colour(tmp_path / "mine.onnx")
    path = own(tmp_path, model="mine.onnx")
    for number in range(36):
        colour = np.random.default_rng(number).integers(0, 256, 3, np.uint8)
        Image.fromarray(np.broadcast_to(colour, (20, 30, 3)).copy()).save(tmp_path / f"{number}.png")
    for named in (path, tmp_path / "mine.onnx"):
        taste = taste_from_folder(
            tmp_path,
            encoder=str(named),
            keep=0.9,
            cache=tmp_path / "tastes",
            threads=1,
            on_progress=None,
        )
        assert taste.encoder == "mine"


def test_another_row_is_another_encoder(tmp_path: Path) -> None:
    mean_colour(tmp_path / "tiny.onnx")

    def fingerprint(**changes: object) -> str:
        return str(Encoder(str(own(tmp_path, **changes)), 1, "cpu").describe()["fingerprint"])

    plain = fingerprint()
    changes: list[dict[str, object]] = [
        {"mean": [0.5, 0.5, 0.5]},
        {"std": [0.5, 0.5, 0.5]},
        {"resize": "crop_bicubic"},
        {"normalise": True},
        {"output": "means"},
    ]
    assert len({plain, *(fingerprint(**change) for change in changes)}) == 1 + len(changes)
    # A copy with the same fields is the same encoder, whatever it is called and wherever it lies.
    models("add", own(tmp_path, name="other", licence="MIT"))
    assert Encoder("other", 1, "cpu").describe()["fingerprint"] == plain == fingerprint()


def test_the_taste_of_a_folder_is_fitted_again_for_another_row(tmp_path: Path) -> None:
    mean_colour(tmp_path / "tiny.onnx")
    for number in range(36):
        colour = np.random.default_rng(number).integers(0, 256, 3, np.uint8)
        Image.fromarray(np.broadcast_to(colour, (20, 30, 3)).copy()).save(tmp_path / f"{number}.png")
    tastes = [
        taste_from_folder(
            tmp_path,
            encoder=str(own(tmp_path, mean=[mean] * 3)),
            keep=0.9,
            cache=tmp_path / "tastes",
            threads=1,
            on_progress=None,
        )
        for mean in (0.0, 0.5)
    ]
    with pytest.raises(EncoderMismatchError):
        tastes[0].check_encoder(tastes[1].encoder_fingerprint)


def test_an_added_model_is_found_by_its_name_wherever_the_file_went(tmp_path: Path) -> None:
    mean_colour(tmp_path / "tiny.onnx")
    assert "--encoder mine" in models("add", own(tmp_path)).output
    (tmp_path / "tiny.onnx").unlink()
    assert Encoder("mine", 1, "cpu")(np.full((2, 8, 8, 3), 255, np.uint8)).tolist() == [[1, 1, 1]] * 2
    assert models("verify", "mine").exit_code == 0 and "mine" in models("list").output
    with pytest.raises(UnknownModelError, match=r"gist.*mine"):
        encoder_row("mien")


def test_an_added_url_is_pulled(mirror: Publisher, tmp_path: Path) -> None:
    mirror.files["/tiny.onnx"] = mean_colour(tmp_path / "tiny.onnx", batch=1).read_bytes()
    assert "models pull mine" in models("add", own(tmp_path, model=f"{mirror.url}/tiny.onnx")).output
    assert models("pull", "mine").exit_code == 0
    # The file that is here is not from there.
    moved = models("add", own(tmp_path, model=f"{mirror.url}/other.onnx"))
    assert moved.exit_code == 2 and "take another name, or remove" in moved.output
    # A model that takes one picture at a time.
    assert Encoder("mine", 1, "cpu")(np.zeros((3, 8, 8, 3), np.uint8)).shape == (3, 3)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"size": 4}, r"size: .*greater than or equal to 8"),
        ({"std": [1, 0, 1]}, "std must be above 0"),
        ({"std": [1, float("inf"), 1]}, "std.1: .*finite"),
        ({"sizes": 8}, "sizes: "),
        ({"resize": "fit"}, "stretch_bicubic"),
    ],
)
def test_a_row_that_says_what_cannot_be_names_the_field(
    tmp_path: Path, changes: dict[str, object], said: str
) -> None:
    with pytest.raises(RowError, match=said):
        encoder_row(str(own(tmp_path, **changes)))


def test_a_row_that_is_none_is_told(tmp_path: Path) -> None:
    for text, said in (("[1", "is not YAML"), ("7", "holds no row"), ("1: 2", "every field's name")):
        (tmp_path / "mine.yaml").write_text(text)
        with pytest.raises(RowError, match=said):
            encoder_row(str(tmp_path / "mine.yaml"))
    with pytest.raises(RowError, match=r"no row file .*none\.yaml; write name"):
        encoder_row(str(tmp_path / "none.onnx"))


def test_what_does_not_do_is_not_added(tmp_path: Path) -> None:
    mean_colour(tmp_path / "tiny.onnx", size=16)
    square_root(tmp_path / "nan.onnx")
    for changes, said in (
        ({}, "should take"),
        ({"model": "nan.onnx", "dimension": 1}, "not a number"),
        ({"model": "none.onnx"}, "which is not there; correct its row"),
        ({"name": "clip"}, "take another name"),
        # Its file would be clip's.
        ({"name": "clip_visual"}, "take another name"),
    ):
        refused = models("add", own(tmp_path, **changes))
        assert refused.exit_code == 2 and said in refused.output, refused.output
    assert "mine" not in models("list").output
