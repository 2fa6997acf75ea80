from __future__ import annotations

from io import BytesIO
from itertools import combinations

import imagehash
import numpy as np
import pytest
from PIL import Image

from flows.demo.paint import CLUTTER, LANDSCAPES, Kind, jpeg, near_duplicate, paint, size_of, watermark

SMALLEST = 1280 * 1024
# What perceptual hashing calls a near-duplicate; different seeds must stay above it, copies below.
NEAR = 8


def distance(one: Image.Image, other: Image.Image) -> int:
    return int(imagehash.phash(one) - imagehash.phash(other))


def test_landscapes_and_clutter_share_out_all_kinds() -> None:
    assert set(LANDSCAPES) | set(CLUTTER) == set(Kind)
    assert not set(LANDSCAPES) & set(CLUTTER)
    assert len(LANDSCAPES) >= 6
    assert len(CLUTTER) >= 8


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_paints_the_size_it_said_with_something_on_it(kind: Kind) -> None:
    picture = paint(kind, 11)
    assert picture.mode == "RGB"
    assert picture.size == size_of(kind, 11)
    assert picture.width * picture.height >= SMALLEST
    assert np.asarray(picture.convert("L").resize((64, 64)), np.float32).std() > 4


@pytest.mark.parametrize("kind", [Kind.MOUNTAINS, Kind.FOREST, Kind.COMIC, Kind.FOOD])
def test_same_seed_gives_the_same_bytes(kind: Kind) -> None:
    assert jpeg(paint(kind, 7)) == jpeg(paint(kind, 7))


def test_sizes_vary_and_every_one_passes_the_gate() -> None:
    sizes = {size_of(kind, seed) for kind in Kind for seed in range(40)}
    assert len(sizes) >= 6
    assert all(width * height >= SMALLEST for width, height in sizes)
    assert any(height > width for width, height in sizes)


@pytest.mark.parametrize("kind", [Kind.COAST, Kind.SNOW, Kind.PRODUCT])
def test_different_seeds_do_not_look_like_copies(kind: Kind) -> None:
    pictures = [paint(kind, seed) for seed in range(300, 306)]
    assert min(distance(*pair) for pair in combinations(pictures, 2)) > NEAR


@pytest.mark.parametrize("kind", [Kind.LAKE, Kind.DUNES, Kind.CHAT])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_near_duplicate_is_another_file_that_hashes_alike(kind: Kind, seed: int) -> None:
    original = paint(kind, seed)
    copy = near_duplicate(original, seed)
    assert jpeg(copy) != jpeg(original)
    assert copy.width * copy.height >= SMALLEST
    assert copy.width / copy.height == pytest.approx(original.width / original.height, rel=0.01)
    assert distance(original, copy) <= NEAR


def test_a_picture_at_the_gate_is_copied_without_shrinking() -> None:
    original = paint(Kind.HILLS, 3).resize((1280, 1024))
    assert near_duplicate(original, 5).size == original.size


@pytest.mark.parametrize("seed", range(8))
def test_a_watermark_leaves_what_it_does_not_cover(seed: int) -> None:
    original = paint(Kind.SUNSET, 21)
    marked = watermark(original, seed)
    assert marked.size == original.size
    changed = (np.asarray(marked) != np.asarray(original)).any(axis=2).mean()
    assert 0.0005 < changed < 0.7
    assert watermark(original, seed) == marked


def test_most_watermarks_keep_the_hash_close() -> None:
    original = paint(Kind.MOUNTAINS, 5)
    distances = [distance(original, watermark(original, seed)) for seed in range(8)]
    assert np.median(distances) <= 12


def test_jpeg_is_a_baseline_file_of_the_same_size() -> None:
    picture = paint(Kind.POSTER, 2)
    data = jpeg(picture)
    with Image.open(BytesIO(data)) as decoded:
        assert (decoded.format, decoded.size) == ("JPEG", picture.size)
    assert len(jpeg(picture, 40)) < len(data)
