"""The three watermark detectors side by side on one core: what a picture costs each, from RGB to a probability.

    python -m benchmarks.watermarks

The quadrants run on a ViT-B/32 of random weights (CLIP's size and structure); EfficientNetV2-B0 is the released one
where the cache has it, else timm's with random weights where torch is installed, else left out, and said so.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image

from actors.encoder import Encoder
from actors.watermark import Watermark
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


def with_efficientnet(folder: Path) -> Detector | None:
    """The released network, or one of its structure."""
    row = watermark_row("watermark-anti-sus")
    try:
        session = Session(resolve_weights(row), row, threads=1, device="cpu")
    except WeightsMissingError:
        if find_spec("torch") is None or find_spec("timm") is None:
            return None
        from flows.watermarks.efficientnet import build
        from flows.watermarks.network import export_logit

        export_logit(build(pretrained=False), folder / row.file)
        session = Session(folder / row.file, row, threads=1, device="cpu")
    return lambda image: float(probability(session.run(to_input(prepare(image)[None])))[0])


def built_in() -> Detector:
    """The committed network."""
    detector = Watermark(1, "cpu")
    return lambda image: float(detector(prepare(image)[None])[0])


def timed(detectors: dict[str, Detector]) -> Iterator[str]:
    """A line a detector: the median of milliseconds of CPU and of the clock a picture, taken by turns."""
    noise = np.random.default_rng(1).integers(0, 256, (PICTURES, 1024, 1536, 3), np.uint8)
    images = [Image.fromarray(pixels) for pixels in noise]
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in detectors}
    for _ in range(ROUNDS):
        for name, detector in detectors.items():
            for image in images:
                cpu, clock = time.process_time(), time.perf_counter()
                detector(image)
                spent[name].append((time.process_time() - cpu, time.perf_counter() - clock))
    for name, times in spent.items():
        cpu, clock = 1000 * np.median(times, axis=0)
        yield f"{name:40} {cpu:7.1f} ms of CPU, {clock:7.1f} ms a picture of 1536 x 1024"


def compared() -> Iterator[str]:
    """The lines of all three; one that is not here says why."""
    with tempfile.TemporaryDirectory() as folder:
        detectors = {"(a) quadrants, ViT-B/32": with_quadrants(), "(c) built in": built_in()}
        efficientnet = with_efficientnet(Path(folder))
        if efficientnet is None:
            yield "(b) EfficientNetV2-B0: not here (neither model_wat.onnx nor torch and timm)"
        else:
            detectors["(b) EfficientNetV2-B0 at 512"] = efficientnet
        yield from timed(detectors)


def main() -> None:
    """Time them all."""
    for line in compared():
        print(line, flush=True)


if __name__ == "__main__":
    main()
