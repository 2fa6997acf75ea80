from __future__ import annotations

from itertools import accumulate
from pathlib import Path

import numpy as np

from models.batch_size import quickest_batch
from models.session import Session, run_bound
from tests.models.graphs import mean_colour, tiny_row


def test_the_batch_is_doubled_while_that_pays(tmp_path: Path) -> None:
    session = Session(mean_colour(tmp_path / "tiny.onnx"), tiny_row(), threads=1)
    # Three rounds each, started and ended: 8 pictures in 1 s, 16 in 1 s, 32 in 2 s.
    ticks = accumulate(step for took in (1, 1, 2) for _ in range(3) for step in (0, took))
    assert quickest_batch(session, clock=lambda: float(next(ticks))) == 16


def test_a_model_of_one_batch_gets_that(tmp_path: Path) -> None:
    session = Session(mean_colour(tmp_path / "tiny.onnx", batch=4), tiny_row(), threads=1)
    assert quickest_batch(session) == 4


def test_a_bound_run_answers_as_a_plain_one(tmp_path: Path) -> None:
    session = Session(mean_colour(tmp_path / "tiny.onnx"), tiny_row(), threads=1)
    batch = np.random.default_rng(0).random((3, 3, 8, 8), np.float32)
    bound = run_bound(session._session, "input", batch, "means", "cpu")
    np.testing.assert_array_equal(bound, session.run(batch))
