"""Detectors are trained end to end on a small set, and get better than chance; what needs torch says so."""

from __future__ import annotations

import csv
import math
import signal
from contextlib import redirect_stdout
from importlib.util import find_spec
from io import StringIO
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from actors.encoder import Encoder
from flows.exits import PreflightError
from flows.train_watermark import System, train_watermark, write_curves
from flows.watermarks.backbone import PACKAGE
from flows.watermarks.backgrounds import Background
from flows.watermarks.examples import CELLS, made
from flows.watermarks.layout import read_layout
from flows.watermarks.quadrant_head import embedded
from models.quadrants import QuadrantHead
from models.registry import BrokenModelError
from models.taste import EncoderMismatchError
from models.watermark import to_input
from tests.flows.watermarks.pictures import examples, write_layout

CHANCE, MARGIN = 0.5, 0.2
CHANCES_LOSS = math.log(2)
WHY = "needs torch: make train-test installs it"
grows = pytest.mark.skipif(
    find_spec("torch") is None or find_spec(PACKAGE) is None,
    reason=f"needs torch and {PACKAGE}: make train-test installs them",
)


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_layout(tmp_path_factory.mktemp("layout"), 32)


def test_the_quadrants_head_learns_and_is_kept_whole(layout: Path, tmp_path: Path) -> None:
    out = tmp_path / "head.npz"
    train_watermark(layout, out, System.QUADRANTS, encoder="gist", threads=1)
    with out.with_suffix(".csv").open() as file:
        curves = list(csv.DictReader(file))
    assert float(curves[-1]["train"]) < float(curves[0]["train"])
    assert max(float(line["accuracy"]) for line in curves) > CHANCE + MARGIN
    assert out.with_suffix(".png").stat().st_size > 1000
    head, encoder = QuadrantHead.from_bytes(out.read_bytes()), Encoder("gist", 1, "cpu")
    head.check_encoder(encoder.describe()["fingerprint"])
    with pytest.raises(EncoderMismatchError, match="trained on gist"):
        head.check_encoder("0" * 64)
    tested = [one for one in read_layout(layout) if one.is_test]
    right = (head.logits(embedded(tested, encoder)) > 0) == [one.marked for one in tested]
    assert right.mean() > CHANCE + MARGIN
    with pytest.raises(BrokenModelError, match="no quadrants head"):
        QuadrantHead.from_bytes(b"PK")


def test_a_folder_without_both_kinds_is_refused(tmp_path: Path) -> None:
    (tmp_path / "watermark").mkdir()
    with pytest.raises(PreflightError, match="no folder no_watermark"):
        train_watermark(tmp_path, tmp_path / "head.npz", System.QUADRANTS, encoder="gist")


def test_examples_of_other_pictures_are_not_taken_for_these(tmp_path: Path) -> None:
    assert made([], 2, (), 1, tmp_path).cells.shape == (0, CELLS, CELLS)
    with pytest.raises(PreflightError, match="examples of other pictures"):
        made([Background(1, photo=tmp_path / "a.jpg")], 2, (), 1, tmp_path)
    assert len(made([], 2, (), 1, tmp_path).pictures) == 0


@grows
def test_the_built_in_detector_learns_and_is_exported_as_it_is(tmp_path: Path) -> None:
    import torch

    from flows.watermarks.heads import refit
    from flows.watermarks.network import AGREEING, export, network
    from flows.watermarks.training import Phase, Recipe, train

    taught, asked = examples(range(18)), examples(range(100, 112))
    detector = network()
    held = np.arange(18) % 6 == 0
    recipe = Recipe(phases=(Phase(256, 8, 30, 1e-3), Phase(512, 2, 2, 1e-4)))
    trained = train(recipe, detector, taught, held, 2)
    assert trained.whole
    # It is asked about the mean of the weights, with scenes that it was not taught.
    assert trained.curves[-1].test < CHANCES_LOSS - MARGIN
    detector = trained.detector
    assert "AUC" in refit(detector, taught, np.repeat(held, 2))
    assert export(detector, tmp_path / "marks.onnx") <= AGREEING
    session = ort.InferenceSession(str(tmp_path / "marks.onnx"), providers=["CPUExecutionProvider"])
    inputs = to_input(asked.pictures)
    logits = session.run(None, {"input": inputs})[0][:, 0]
    for whole in (detector, network(tmp_path / "marks.onnx").eval()):
        with torch.no_grad():
            expected = whole(torch.from_numpy(inputs[:2]))[0].numpy()[:, 0]
        np.testing.assert_allclose(logits[:2], expected, atol=1e-3)
    # A mark makes a picture of the same scene likelier to have one.
    assert (logits[1::2] > logits[::2]).mean() > CHANCE + MARGIN


class CtrlC(StringIO):
    """What is printed to, by somebody who presses Ctrl-C at the first line of the curves."""

    def write(self, text: str) -> int:
        if text.startswith("Progress"):
            signal.raise_signal(signal.SIGINT)
        return super().write(text)


@grows
def test_an_interrupted_training_keeps_what_was_learnt() -> None:
    from flows.watermarks.network import network
    from flows.watermarks.training import Phase, Recipe, train

    recipe = Recipe(phases=(Phase(256, 2, 2, 1e-3), Phase(256, 2, 10_000, 1e-3)))
    with redirect_stdout(CtrlC()) as said:
        trained = train(recipe, network(), examples(range(2)), np.zeros(2, bool), 2)
    assert not trained.whole
    assert [line.step for line in trained.curves] == [2]
    assert "interrupted" in said.getvalue()
    start = dict(network().named_parameters())
    assert any((one != start[name]).any() for name, one in trained.detector.named_parameters())


def test_efficientnet_learns_and_is_exported_as_it_is(layout: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason=WHY)
    if find_spec("timm") is None:
        pytest.skip("needs timm: make train-test installs it")
    from flows.watermarks import efficientnet

    out = tmp_path / "model.onnx"
    curves = efficientnet.trained(layout, 2, out, 0.5, pretrained=False, side=96)
    write_curves(out, curves)
    assert curves[-1].train < curves[0].train
    session = ort.InferenceSession(str(out), providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    assert (given.name, given.shape[1:]) == ("input", [3, 512, 512])
    assert session.run(None, {"input": np.zeros((3, 3, 512, 512), np.float32)})[0].shape == (3, 1)
