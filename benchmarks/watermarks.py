"""The three watermark detectors side by side on one core: what a picture costs each, from RGB to a probability.

    python -m benchmarks.watermarks

The quadrants run on a ViT-B/32 of random weights (CLIP's size and structure); EfficientNetV2-B0 is the released one
where the cache has it, else one of its structure with random weights.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from actors.encoder import Encoder
from actors.watermark import Watermark
from benchmarks import efficientnet
from models.quadrants import QuadrantHead, quadrants
from models.registry import WeightsMissingError, encoder_row, resolve_weights, watermark_row
from models.session import Session
from models.watermark import prepare, probability, to_input

ENCODER = "vit-b32-random"
PICTURES, ROUNDS = 8, 5
HIDDEN = 64
Detector = Callable[[Image.Image], float]


def with_quadrants() -> Detector:
    """The encoder on four quadrants, and a head of random weights."""
    row, encoder = encoder_row(ENCODER), Encoder(ENCODER, 1, "cpu")
    rng, wide = np.random.default_rng(1), 4 * row.dimension
    hidden, output = rng.normal(size=(wide, HIDDEN)), rng.normal(size=HIDDEN)
    arrays = (np.zeros(wide), np.ones(wide), hidden, np.zeros(HIDDEN), output, np.zeros(()))
    head = QuadrantHead(
        ENCODER, encoder.describe()["fingerprint"], *(array.astype(np.float32) for array in arrays)
    )
    return lambda image: float(head.logits(encoder(quadrants(image, row)).reshape(1, -1))[0])


def with_efficientnet(folder: Path) -> Detector:
    """The released network, or one of its structure."""
    row = watermark_row("watermark-anti-sus")
    try:
        path = resolve_weights(row)
    except WeightsMissingError:
        path = folder / row.file
        path.write_bytes(efficientnet.build())
    session = Session(path, row, threads=1, device="cpu")
    return lambda image: float(probability(session.run(to_input(prepare(image)[None])))[0])


def built_in() -> Detector:
    """The committed network."""
    detector = Watermark(1, "cpu")
    return lambda image: float(detector(prepare(image)[None])[0])


def table(rounds: int) -> Iterator[str]:
    """Give Markdown: the median of milliseconds of CPU a picture, the detectors by turns."""
    with tempfile.TemporaryDirectory() as folder:
        detectors = {
            "EfficientNetV2-B0 at 512²": with_efficientnet(Path(folder)),
            "quadrants, ViT-B/32": with_quadrants(),
            "built in": built_in(),
        }
    yield "| detector | ms of CPU | to the built-in one |\n|---|---|---|"
    found = timed(detectors, rounds)
    for name, cpu in found.items():
        yield f"| {name} | {cpu:.1f} | {cpu / found['built in']:.1f} |"


def timed(detectors: dict[str, Detector], rounds: int) -> dict[str, float]:
    """Time them on pictures of 1536 × 1024."""
    noise = np.random.default_rng(1).integers(0, 256, (PICTURES, 1024, 1536, 3), np.uint8)
    images = [Image.fromarray(pixels) for pixels in noise]
    spent: dict[str, list[float]] = {name: [] for name in detectors}
    for _ in range(rounds):
        for name, detector in detectors.items():
            for image in images:
                started = time.process_time()
                detector(image)
                spent[name].append(time.process_time() - started)
    return {name: 1000 * float(np.median(times)) for name, times in spent.items()}


def main() -> None:
    """Time them all."""
    for line in table(ROUNDS):
        print(line, flush=True)


if __name__ == "__main__":
    main()
