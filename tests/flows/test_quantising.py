"""A model made int8 and fp16, what is measured of it, and which one a run takes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import yaml
from onnx import helper, numpy_helper
from PIL import Image
from typer.testing import CliRunner, Result

from actors.encoder import Encoder
from flows.model_files import app
from models.precision import (
    Measured,
    Precision,
    Record,
    choose,
    precise_weights,
    precision_path,
    read_record,
    write_record,
)
from models.registry import (
    BrokenModelError,
    HashMismatchError,
    ModelRow,
    WeightsMissingError,
    encoder_row,
    file_sha256,
)
from tests.models.graphs import pooled

FP32, INT8, FP16 = Precision.FP32, Precision.INT8, Precision.FP16


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOLDPAN_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def row(tmp_path: Path) -> ModelRow:
    pooled(tmp_path / "mine.onnx", size=8, dimension=16)
    held = {"name": "mine", "model": "mine.onnx", "size": 8, "dimension": 16, "normalise": False}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(held))
    return encoder_row(str(tmp_path / "mine.yaml"))


def not_for_fp16(path: Path) -> None:
    """Add a root to a model: of 2, and where no constant is above 65,504, as in fp16, of less than 0."""
    model = onnx.load(path)
    means, product = model.graph.node
    product.output[0] = "product"
    nodes = [
        means,
        product,
        helper.make_node("Sub", ["large", "less"], ["half"]),
        helper.make_node("Sub", ["half", "less"], ["two"]),
        helper.make_node("Sqrt", ["two"], ["root"]),
        helper.make_node("Add", ["product", "root"], ["output"]),
    ]
    held = [*model.graph.initializer]
    held += [
        numpy_helper.from_array(np.array(n, np.float32), name)
        for name, n in (("large", 100000), ("less", 49999))
    ]
    model.graph.CopyFrom(helper.make_graph(nodes, "root", model.graph.input, model.graph.output, held))
    onnx.save(model, path)


def quantised(folder: Path, images: int) -> Result:
    random = np.random.default_rng(0)
    (folder / "images").mkdir()
    for number in range(images):
        Image.fromarray(random.integers(0, 256, (8, 8, 3), np.uint8)).save(folder / f"images/{number}.png")
    arguments = ["quantise", str(folder / "mine.yaml"), str(folder / "images")]
    return CliRunner(env={"COLUMNS": "160"}).invoke(app, arguments, catch_exceptions=False)


def measured(agreement: float, rate: float) -> Measured:
    return Measured(
        sha256="0" * 64, least_cosine=0.99, median_cosine=1, agreement=agreement, images_per_cpu_second=rate
    )


def record(images: int = 400, source: str = "1" * 64, accepted: int = 90, **found: Measured) -> Record:
    held = {Precision(name): value for name, value in ({"fp32": measured(1, 10)} | found).items()}
    return Record(source=source, images=images, accepted=accepted, threads=1, measured=held)


def test_what_is_made_is_measured_and_runs_as_the_model_it_was_made_of(row: ModelRow, tmp_path: Path) -> None:
    done = quantised(tmp_path, 420)
    assert done.exit_code == 0 and "from now on" in done.output, done.output
    found = read_record(row)
    assert found is not None and found.images == 210 and found.accepted == 105
    assert all(found.measured[one].median_cosine > 0.99 for one in Precision)
    pixels = np.random.default_rng(1).integers(0, 256, (5, 8, 8, 3), np.uint8)
    plain = Encoder(str(tmp_path / "mine.yaml"), 1, "cpu")
    for precision in (INT8, FP16):
        encoder = Encoder(str(tmp_path / "mine.yaml"), 1, "cpu", precision=precision)
        assert encoder.describe()["fingerprint"] == plain.describe()["fingerprint"]
        np.testing.assert_allclose(encoder(pixels), plain(pixels), atol=0.05)
    assert not np.array_equal(
        Encoder(str(tmp_path / "mine.yaml"), 1, "cpu", precision=INT8)(pixels), plain(pixels)
    )
    precision_path(row, INT8).write_bytes(b"other")
    with pytest.raises(HashMismatchError, match="not the file that was measured"):
        precise_weights(row, INT8)
    pooled(tmp_path / "mine.onnx", size=8, dimension=15)
    assert choose(row, "cpu", "auto") is FP32
    with pytest.raises(WeightsMissingError, match="was not made here"):
        precise_weights(row, FP16)


@pytest.mark.parametrize("content", [b"<html>" * 100, b""])
def test_a_broken_file_is_told_before_anything_is_made(row: ModelRow, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "mine.onnx").write_bytes(content)
    refused = quantised(tmp_path, 60)
    assert refused.exit_code == 2 and "not a model that can be read" in refused.output


def test_too_few_images_choose_nothing(row: ModelRow, tmp_path: Path) -> None:
    done = quantised(tmp_path, 70)
    assert "of 35 accepted by fp32" in done.output and "it takes 200 images" in done.output, done.output
    assert choose(row, "cpu", "auto") is FP32
    (tmp_path / "few").mkdir()
    refused = quantised(tmp_path / "few", 0)
    assert refused.exit_code == 2


def test_the_fastest_that_decides_as_fp32_does_is_chosen() -> None:
    assert record(int8=measured(0.995, 15)).best("cpu") is INT8
    assert record(int8=measured(0.994, 15)).best("cpu") is FP32
    assert record(int8=measured(1, 9)).best("cpu") is FP32
    assert record(int8=measured(1, 15), images=199).best("cpu") is FP32
    assert record(int8=measured(1, 15), accepted=380).best("cpu") is INT8
    assert record(int8=measured(1, 15), accepted=381).best("cpu") is FP32
    assert record(int8=measured(1, 15), accepted=19).best("cpu") is FP32
    assert record(fp16=measured(1, 2)).best("cuda") is FP16
    assert record(fp16=measured(0.9, 99)).best("cuda") is FP32
    assert record(fp16=measured(1, 99)).best("cpu") is FP32


def test_what_was_not_made_or_cannot_be_read_is_told(row: ModelRow, tmp_path: Path) -> None:
    assert choose(row, "cpu", "auto") is FP32 and choose(row, "cpu", "int8") is INT8
    path, source = precise_weights(row, FP32)
    assert source == file_sha256(path)
    with pytest.raises(WeightsMissingError, match="goldpan models quantise mine"):
        precise_weights(row, INT8)
    write_record(row, record(source=source)).write_text("{")
    with pytest.raises(BrokenModelError, match="no record"):
        choose(row, "cpu", "auto")


def test_models_of_the_same_file_name_have_records_of_their_own(row: ModelRow, tmp_path: Path) -> None:
    pooled(tmp_path / "other" / "mine.onnx", size=8, dimension=15)
    held = {"name": "other", "model": "mine.onnx", "size": 8, "dimension": 15}
    (tmp_path / "other" / "other.yaml").write_text(yaml.safe_dump(held))
    other = encoder_row(str(tmp_path / "other" / "other.yaml"))
    source = precise_weights(row, FP32)[1]
    kept = write_record(row, record(source=source, int8=measured(1, 15)))
    assert choose(row, "cpu", "auto") is INT8 and choose(other, "cpu", "auto") is FP32
    assert precision_path(row, INT8) != precision_path(other, INT8)
    # Were the eight digits the same, what it was made of would still tell.
    kept.write_text(record(source=source[:8] + "0" * 56, int8=measured(1, 15)).model_dump_json())
    assert choose(row, "cpu", "auto") is FP32


def test_what_is_not_a_number_in_fp16_is_told_and_never_chosen(row: ModelRow, tmp_path: Path) -> None:
    not_for_fp16(tmp_path / "mine.onnx")
    done = quantised(tmp_path, 60)
    assert done.exit_code == 0, done.output
    found = read_record(row)
    assert found is not None and found.measured[FP16].least_cosine == 0
    assert found.measured[FP32].least_cosine > 0.99
    assert choose(row, "cuda", "auto") is FP32
