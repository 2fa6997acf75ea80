from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from models.session import Session
from models.vit import VIT_B32, VitShape, build_vit
from tests.models.graphs import tiny_row

TINY = VitShape(size=32, patch=8, width=24, heads=3, layers=2, out=16)


def test_a_small_one_runs_and_rows_do_not_see_each_other(tmp_path: Path) -> None:
    path = tmp_path / "vit.onnx"
    path.write_bytes(build_vit(TINY))
    session = Session(path, tiny_row(size=32, dimension=16), threads=1)
    batch = np.random.default_rng(0).normal(size=(3, 3, 32, 32)).astype(np.float32)
    together = session.run(batch)
    assert np.isfinite(together).all()
    assert together.std(axis=0).min() > 0
    for picture, row in zip(batch, together, strict=True):
        np.testing.assert_allclose(session.run(picture[None])[0], row, atol=1e-4)


def test_position_matters_in_a_picture(tmp_path: Path) -> None:
    path = tmp_path / "vit.onnx"
    path.write_bytes(build_vit(TINY))
    session = Session(path, tiny_row(size=32, dimension=16), threads=1)
    picture = np.random.default_rng(0).normal(size=(1, 3, 32, 32)).astype(np.float32)
    moved = np.roll(picture, 8, axis=3)
    assert np.abs(session.run(picture) - session.run(moved)).max() > 1e-3


def test_the_weights_are_seeded_and_the_recipe_names_the_shape() -> None:
    assert build_vit(TINY) == build_vit(TINY)
    assert TINY.recipe != replace(TINY, layers=3).recipe
    assert len(VIT_B32.recipe) == 16


def test_the_structure_has_the_number_of_weights_of_clips_visual_tower() -> None:
    import onnx

    def numbers(layers: int) -> int:
        # Width is what costs: the depth's share is linear, so two shallow ones tell of twelve.
        model = onnx.load_from_string(build_vit(replace(VIT_B32, layers=layers)))
        return sum(
            int(np.prod(w.dims)) for w in model.graph.initializer if w.data_type == onnx.TensorProto.FLOAT
        )

    none, one = numbers(0), numbers(1)
    # 87,849,216 in OpenAI's ViT-B/32; ours keeps two scalars a block as weights, and the class token as a position.
    assert abs(none + VIT_B32.layers * (one - none) - 87_849_216) < 1000
