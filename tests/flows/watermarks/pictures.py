"""Small pictures with marks that are easy to see, for tests that train."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from flows.demo.paint.noise import field, generator
from flows.watermarks.examples import CELLS, Examples, cells_of
from flows.watermarks.ink import Laid, lay
from flows.watermarks.kinds import MarkKind, coverage
from flows.watermarks.lettering import Pen
from flows.watermarks.synthesise import faces
from models.watermark import prepare

PLAIN = (MarkKind.BANNER, MarkKind.TILED, MarkKind.LATTICE)


def scene(seed: int, width: int = 320, height: int = 256) -> Image.Image:
    """Something soft, dark enough for a white mark."""
    rng = generator("scene", seed)
    light = 80 + 25 * field(rng, (height, width), (height / 2, width / 2))
    tint = rng.uniform(0.7, 1.1, 3)
    return Image.fromarray(np.clip(light[..., None] * tint, 0, 200).astype(np.uint8))


def under_a_mark(seed: int) -> Laid:
    """The scene of that seed under a mark that covers much of it."""
    pen = Pen(generator("mark", seed), faces(()))
    picture = scene(seed)
    return lay(pen, picture, coverage(pen, PLAIN[seed % len(PLAIN)], picture.size), 0.9)


def write_layout(folder: Path, pairs: int) -> Path:
    """A folder with `watermark` and `no_watermark`."""
    for name in ("watermark", "no_watermark"):
        (folder / name).mkdir(parents=True)
    for seed in range(pairs):
        under_a_mark(seed).picture.save(folder / "watermark" / f"{seed}.png")
        scene(seed).save(folder / "no_watermark" / f"{seed}.png")
    return folder


def examples(seeds: range) -> Examples:
    """Pairs as the built-in detector is trained on."""
    pictures, cells = [], []
    for seed in seeds:
        laid = under_a_mark(seed)
        pictures += [prepare(scene(seed)), prepare(laid.picture)]
        cells += [np.zeros((CELLS, CELLS), np.uint8), cells_of(laid)]
    return Examples(np.stack(pictures), np.stack(cells))
