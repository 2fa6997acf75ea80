from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from models.preprocess import resize, shortest_side, to_input
from models.registry import ROWS, Layout, ModelRow, ResizeRule, encoder_row
from tests.models.graphs import tiny_row


def _picture(width: int, height: int) -> Image.Image:
    noise = np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(noise)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
@pytest.mark.parametrize("size", [(640, 480), (480, 640), (1, 1), (3000, 2)])
def test_any_shape_becomes_the_rows_square(row: ModelRow, size: tuple[int, int]) -> None:
    pixels = resize(_picture(*size), row)
    assert pixels.shape == (row.size, row.size, 3)
    assert pixels.dtype == np.uint8


def test_clip_goes_by_512_as_the_ancestors_did() -> None:
    picture = _picture(900, 700)
    lanczos = Image.Resampling.LANCZOS
    expected = picture.resize((512, 512), lanczos).resize((224, 224), lanczos)
    np.testing.assert_array_equal(resize(picture, encoder_row("clip")), np.asarray(expected))


@pytest.mark.parametrize("rule", set(ResizeRule) - {ResizeRule.CROP_BICUBIC})
def test_the_whole_picture_is_seen(rule: ResizeRule) -> None:
    halves = np.zeros((300, 900, 3), np.uint8)
    halves[:, 450:] = 255
    pixels = resize(Image.fromarray(halves), tiny_row(size=64, resize=rule))
    assert pixels[:, :28].max() == 0
    assert pixels[:, 36:].min() == 255


def test_the_input_is_scaled_by_mean_and_std_in_the_rows_layout() -> None:
    batch = np.random.default_rng(2).integers(0, 256, (3, 8, 8, 3), np.uint8)
    row = tiny_row(mean=(0.1, 0.2, 0.3), std=(0.5, 0.25, 2.0))
    expected = (batch / 255 - row.mean) / row.std
    nchw = to_input(batch, row)
    np.testing.assert_allclose(nchw, expected.transpose(0, 3, 1, 2), atol=1e-6)
    assert nchw.dtype == np.float32
    assert nchw.flags.c_contiguous
    nhwc = to_input(batch, tiny_row(mean=row.mean, std=row.std, layout=Layout.NHWC))
    np.testing.assert_array_equal(nhwc.transpose(0, 3, 1, 2), nchw)


def test_the_decoder_is_asked_for_twice_the_first_size() -> None:
    assert shortest_side(encoder_row("gist")) == 256
    assert shortest_side(encoder_row("clip")) == 1024
