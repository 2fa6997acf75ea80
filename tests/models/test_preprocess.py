from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from actors.encoder import Encoder
from models.decode import open_rgb
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


@pytest.mark.parametrize("rule", [rule for rule in ResizeRule if rule is not ResizeRule.CROP_BICUBIC])
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


def _reference(image: Image.Image, row: ModelRow) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Do step by step what the publishers do: nomad and anti_sus, and the hub's image processors."""
    side, bicubic, lanczos = (row.size, row.size), Image.Resampling.BICUBIC, Image.Resampling.LANCZOS
    if row.resize is ResizeRule.STRETCH_LANCZOS_VIA_512:
        pixels = np.asarray(image.resize((512, 512), lanczos).resize(side, lanczos))
    elif row.resize is ResizeRule.CROP_BICUBIC:
        long = int(row.size * max(image.size) / min(image.size))
        scaled = np.asarray(
            image.resize((long, row.size) if image.width > image.height else (row.size, long), bicubic)
        )
        top, left = (scaled.shape[0] - row.size) // 2, (scaled.shape[1] - row.size) // 2
        pixels = scaled[top : top + row.size, left : left + row.size]
    else:
        pixels = np.asarray(image.resize(side, bicubic))
    expected = (pixels / 255 - np.array(row.mean)) / np.array(row.std)
    return np.asarray(expected.transpose(2, 0, 1), np.float64)


def test_real_photographs_become_the_publishers_input(shared_data: Path) -> None:
    for number in ("002", "003"):
        data = (shared_data / "photos" / f"{number}.jpg").read_bytes()
        image = Image.open(BytesIO(data)).convert("RGB")
        for name in ("clip", "clip-vit-b32", "clip-vit-l14", "siglip-b16"):
            row = encoder_row(name)
            ours = to_input(resize(open_rgb(data, shortest=1 << 20), row)[None], row)[0]
            assert np.abs(ours - _reference(image, row)).max() < 1 / 255


def test_a_photograph_decoded_at_a_part_of_its_size_is_the_same_to_an_encoder(shared_data: Path) -> None:
    row, encoder = encoder_row("gist"), Encoder("gist", 1, "cpu")
    data = (shared_data / "photos" / "003.jpg").read_bytes()
    drafted, full = (open_rgb(data, shortest=shortest) for shortest in (shortest_side(row), 1 << 20))
    assert drafted.width < full.width
    by_draft, by_full = encoder(np.stack([resize(drafted, row), resize(full, row)])).astype(np.float64)
    assert by_draft @ by_full >= 0.995 * np.linalg.norm(by_draft) * np.linalg.norm(by_full)


def test_a_long_strip_is_cropped_before_it_is_scaled() -> None:
    strip = np.zeros((2, 3000, 3), np.uint8)
    strip[:, 1490:1510] = 255
    pixels = resize(Image.fromarray(strip), tiny_row(size=64, resize=ResizeRule.CROP_BICUBIC))
    assert pixels.shape == (64, 64, 3) and pixels.min() > 200


def test_the_decoder_is_asked_for_twice_the_square() -> None:
    assert shortest_side(encoder_row("gist")) == 256
    assert shortest_side(encoder_row("clip")) == 448
