"""Detectors are trained end to end on a small set, and get better than chance; what needs torch says so."""

from __future__ import annotations

import csv
import math
import signal
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from importlib.util import find_spec
from io import StringIO
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
from PIL import Image

from actors.encoder import Encoder
from flows.exits import PreflightError
from flows.train_watermark import System, train_watermark, write_curves
from flows.watermarks.backbone import PACKAGE
from flows.watermarks.backgrounds import Background, backgrounds
from flows.watermarks.examples import CELL, CELLS, UNKNOWN, Examples, made
from flows.watermarks.layout import read_layout
from flows.watermarks.quadrant_head import embedded
from models.quadrants import QuadrantHead
from models.registry import BrokenModelError
from models.taste import EncoderMismatchError
from models.watermark import to_input, weights_path
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


def test_training_goes_on_from_the_detector_that_goldpan_brings() -> None:
    torch = pytest.importorskip("torch", reason=WHY)
    from flows.watermarks.network import network

    inputs = to_input(examples(range(1)).pictures)
    session = ort.InferenceSession(str(weights_path()), providers=["CPUExecutionProvider"])
    logits = network(weights_path()).eval()(torch.from_numpy(inputs))[0].detach().numpy()
    np.testing.assert_allclose(logits, session.run(None, {"input": inputs})[0], atol=1e-3)


@pytest.mark.parametrize("count", [2, 3, 7])
def test_replicas_leave_the_gradients_of_the_whole_batch(count: int) -> None:
    pytest.importorskip("torch", reason=WHY)
    from flows.watermarks.network import network
    from flows.watermarks.replicas import Replicas
    from flows.watermarks.training import backward, judged

    data = examples(range(5))
    cells = data.cells[:, :8, :8].copy()
    cells[0] = UNKNOWN  # counts neither way
    batch = data.pictures[:, :128, :128], cells
    assert 0 < judged(cells)[1].sum() < len(cells)
    # In evaluation mode nothing is dropped out.
    detector = network(weights_path()).eval()
    detector.first[0].weight.requires_grad_(False)
    found = []
    for replicas in (1, count):
        with ThreadPoolExecutor(replicas) as pool:
            sums = Replicas(detector, replicas, pool).gradients(backward, batch)
        found.append([sums, *(one.grad.clone() for one in detector.parameters() if one.grad is not None)])
    for one, many in zip(*found, strict=True):
        np.testing.assert_allclose(many, one, atol=1e-5 * float(abs(one).max()))
    assert detector.first[0].weight.grad is None
    assert len(found[0]) > 100


def test_a_mirrored_crop_has_its_cells_mirrored_and_both_of_a_pair_the_same_crop() -> None:
    pytest.importorskip("torch", reason=WHY)
    from flows.watermarks.training import Phase, drawn_batches

    # A picture that shows which cell is which: 40 and more where a mark touches it.
    cells = (np.arange(2 * CELLS * CELLS).reshape(2, CELLS, CELLS) % 3).astype(np.uint8)
    shown = np.repeat(np.repeat(40 * cells, CELL, 1), CELL, 2)
    data = Examples(np.repeat(shown[..., None], 3, 3) + np.array([0, 1, 2], np.uint8), cells)
    orders, steps = set(), set()
    for crops, touched in drawn_batches((1, 0), data, np.arange(1), Phase(256, 2, 40, 1e-3), 40):
        np.testing.assert_array_equal(crops[:, ::CELL, ::CELL].min(3) // 40, touched)
        steps.add(int(touched[0, 0, 1]) - int(touched[0, 0, 0]))
        orders |= {tuple(int(level) % 40 for level in crops[i, 0, 0]) for i in (0, 1)}
        assert (crops[0, 0, 0] % 40 == crops[1, 0, 0] % 40).all()
    assert {1, -1} <= steps  # some are mirrored, and some are not
    assert len(orders) > 1


def test_a_large_photograph_gives_more_crops(tmp_path: Path) -> None:
    for name, size in (("a", (400, 300)), ("b", (1000, 500)), ("c", (1500, 1000))):
        Image.new("RGB", size).save(tmp_path / f"{name}.jpg")
    drawn = backgrounds(2, sorted(tmp_path.iterdir()))
    assert len({(one.seed, one.photo) for one in drawn if one.photo}) == 2 * (1 + 2 + 3)
    assert Counter(one.photo.name for one in drawn if one.photo) == {"a.jpg": 2, "b.jpg": 4, "c.jpg": 6}


def test_no_room_for_the_examples_is_told_before_any_is_made(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (
        tmp_path / "kept" / "pictures.npy"
    ).touch()  # of a making that was stopped: its room is there for this one
    many = 10_000_000_000_000 // (2 * 512 * 512)
    with pytest.raises(PreflightError, match=r"examples take \d+ GB, and .* has room for \d+: name another"):
        made([Background(1, photo=tmp_path / "a.jpg")], many, (), 1, tmp_path / "kept")
    assert list((tmp_path / "kept").iterdir()) == []


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
