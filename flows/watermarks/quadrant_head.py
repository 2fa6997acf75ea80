"""How the quadrants head is trained: embeddings of quadrants, then a small classifier, epoch by epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from actors.encoder import Encoder
from flows.watermarks.layout import Labelled, read_layout
from flows.watermarks.synthesise import opened
from models.quadrants import QuadrantHead, quadrants
from models.registry import encoder_row, write_atomically

Vectors = npt.NDArray[np.float32]
HIDDEN = 64
EPOCHS = 60
BATCH = 64
RATE = 1e-3
DECAY = 1e-2
CHUNK = 16  # pictures embedded at a time


@dataclass(frozen=True)
class Epoch:
    """One line of the curves: the mean losses (nats) and the share of test pictures judged rightly."""

    epoch: int
    train: float
    test: float
    accuracy: float


def trained(folder: Path, name: str, threads: int, out: Path, quick: float) -> list[Epoch]:
    """Train a head on a folder of labelled pictures, write it, and return its curves."""
    pictures, encoder = read_layout(folder), Encoder(name, threads, "cpu")
    head, curves = train_head(
        pictures, embedded(pictures, encoder), encoder, epochs=max(2, round(EPOCHS * quick))
    )
    write_atomically(out, head.to_bytes())
    return curves


def embedded(pictures: Sequence[Labelled], encoder: Encoder) -> Vectors:
    """The concatenated embeddings of each picture's quadrants, float32 [n, 4 d]."""
    row = encoder_row(encoder.describe()["name"])
    found = []
    for start in range(0, len(pictures), CHUNK):
        parts = [quadrants(opened(one.file), row) for one in pictures[start : start + CHUNK]]
        found.append(encoder(np.concatenate(parts)).astype(np.float32).reshape(len(parts), -1))
    return np.concatenate(found)


def train_head(
    pictures: Sequence[Labelled], embeddings: Vectors, encoder: Encoder, seed: int = 1, epochs: int = EPOCHS
) -> tuple[QuadrantHead, list[Epoch]]:
    """The head of the epoch with the lowest test loss, and the curves."""
    from sklearn.neural_network import MLPClassifier

    marked, test = np.array([one.marked for one in pictures]), np.array([one.is_test for one in pictures])
    mean, scale = embeddings[~test].mean(0), embeddings[~test].std(0) + np.float32(1e-6)
    scaled = (embeddings - mean) / scale
    net = MLPClassifier(
        (HIDDEN,),
        alpha=DECAY,
        batch_size=min(BATCH, int((~test).sum())),
        learning_rate_init=RATE,
        random_state=seed,
    )
    described, curves, best = encoder.describe(), [], None
    for epoch in range(1, epochs + 1):
        net.partial_fit(scaled[~test], marked[~test], classes=[False, True])
        curves.append(_epoch(epoch, net.predict_proba(scaled)[:, 1], marked, test))
        if best is None or curves[-1].test <= min(line.test for line in curves):
            (hidden, output), (hidden_bias, output_bias) = net.coefs_, net.intercepts_
            arrays = (hidden, hidden_bias, output[:, 0], output_bias[0])
            best = QuadrantHead(
                described["name"], described["fingerprint"], mean, scale,
                *(np.array(array, np.float32) for array in arrays),
            )  # fmt: skip
    assert best is not None
    return best, curves


def _epoch(
    number: int,
    probabilities: npt.NDArray[np.float64],
    marked: npt.NDArray[np.bool_],
    test: npt.NDArray[np.bool_],
) -> Epoch:
    right = np.clip(np.where(marked, probabilities, 1 - probabilities), 1e-7, 1)
    losses = -np.log(right)
    return Epoch(
        number, float(losses[~test].mean()), float(losses[test].mean()), float((right[test] > 0.5).mean())
    )
