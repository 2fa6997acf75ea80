from __future__ import annotations

from functools import cache
from io import BytesIO

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
import pytest
from PIL import Image, ImageDraw

from flows.demo.paint import LANDSCAPES, jpeg, paint, watermark
from models.watermark import SIZE, THRESHOLD, prepare, probability, to_input, weights_path

# Training used seeds from 50,000,000, its report seeds from 60,000,000.
UNSEEN_SEEDS = 61_000_000


@cache
def session() -> ort.InferenceSession:
    return ort.InferenceSession(str(weights_path()), providers=["CPUExecutionProvider"])


def scored(batch: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    return probability(session().run(None, {"input": to_input(batch)})[0])


@pytest.mark.parametrize(
    ("mode", "size"), [("RGB", (1920, 1080)), ("L", (600, 900)), ("RGBA", (300, 200)), ("P", (512, 512))]
)
def test_prepare_makes_a_square_of_any_picture(mode: str, size: tuple[int, int]) -> None:
    prepared = prepare(Image.new(mode, size))
    assert prepared.shape == (SIZE, SIZE, 3)
    assert prepared.dtype == np.uint8


def test_prepare_sees_the_corners() -> None:
    wide = Image.new("RGB", (2000, 1000))
    ImageDraw.Draw(wide).rectangle((1960, 980, 2000, 1000), "white")
    prepared = prepare(wide)
    assert prepared[-4, -4].min() > 200
    assert prepared[4, 4].max() == 0


def test_input_is_planes_from_minus_one_to_one() -> None:
    batch = np.zeros((2, SIZE, SIZE, 3), np.uint8)
    batch[1, :, :, 2] = 255
    scaled = to_input(batch)
    assert scaled.shape == (2, 3, SIZE, SIZE)
    assert scaled.dtype == np.float32
    assert scaled[0].max() == pytest.approx(-1)
    assert scaled[1, 2].min() == pytest.approx(1)
    assert scaled[1, 0].max() == pytest.approx(-1)


@pytest.mark.parametrize("shape", [(5,), (5, 1)])
def test_probability_is_the_logistic_function_without_overflow(shape: tuple[int, ...]) -> None:
    logits = np.array([-1e4, -1, 0, 1, 1e4], np.float32)
    found = probability(logits.reshape(shape))
    assert found.shape == (5,)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [0, 1 / (1 + np.e), 0.5, 1 / (1 + 1 / np.e), 1], atol=1e-6)


def test_the_committed_network_keeps_the_contract() -> None:
    assert weights_path().stat().st_size <= 4 * 2**20
    (given,) = session().get_inputs()
    assert (given.name, given.shape[1:], given.type) == ("input", [3, SIZE, SIZE], "tensor(float)")
    assert not isinstance(given.shape[0], int)
    assert len(session().get_outputs()) == 1


def test_a_batch_scores_as_its_pictures_do() -> None:
    rng = np.random.default_rng(3)
    batch = rng.integers(0, 256, (3, SIZE, SIZE, 3), dtype=np.uint8)
    together = session().run(None, {"input": to_input(batch)})[0]
    assert together.shape == (3, 1)
    alone = [session().run(None, {"input": to_input(one[None])})[0] for one in batch]
    np.testing.assert_allclose(together, np.concatenate(alone), rtol=1e-4, atol=1e-4)


def test_it_catches_painted_marks_and_passes_clean_pictures() -> None:
    clean: list[npt.NDArray[np.uint8]] = []
    marked: list[npt.NDArray[np.uint8]] = []
    for i in range(2 * len(LANDSCAPES)):
        picture = paint(LANDSCAPES[i % len(LANDSCAPES)], UNSEEN_SEEDS + i)
        for image, group in ((picture, clean), (watermark(picture, UNSEEN_SEEDS + i), marked)):
            with Image.open(BytesIO(jpeg(image))) as served:
                group.append(prepare(served))
    # One in eighteen of either is room for another rounding of the same painting, not for a worse network.
    assert (scored(np.stack(clean)) > THRESHOLD).sum() <= 1
    assert (scored(np.stack(marked)) <= THRESHOLD).sum() <= 1
