"""What the text detector's stages make of the examples: computed once, and kept on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from flows.watermarks.backbone import FAR, FINE, MIDDLE
from flows.watermarks.examples import Examples
from models.watermark import SIZE, to_input

GRAINS = (8, 16, 32)  # pixels a cell of each stage's features
BATCH = 4
Features = npt.NDArray[np.float16]


@dataclass(frozen=True)
class Seen:
    """The features of n examples: float16 [n, 96, 64, 64], [n, 192, 32, 32] and [n, 384, 16, 16]."""

    stages: tuple[Features, ...]


def seen(detector: Any, data: Examples, kept: Path, device: str = "cpu") -> Seen:
    """The examples as the detector's stages see them, in the folder `kept`; read where it has them."""
    import torch

    files = [kept / f"{name}.npy" for name in ("fine", "middle", "far")]
    whole = kept / "seen"
    if not whole.is_file():
        kept.mkdir(parents=True, exist_ok=True)
        made = [
            np.lib.format.open_memmap(
                file, "w+", np.float16, (len(data.pictures), width, SIZE // grain, SIZE // grain)
            )
            for file, width, grain in zip(files, (FINE, MIDDLE, FAR), GRAINS, strict=True)
        ]
        with torch.no_grad():
            for start in range(0, len(data.pictures), BATCH):
                x = torch.from_numpy(to_input(data.pictures[start : start + BATCH])).to(device)
                for features, found in zip(made, detector.seen(x), strict=True):
                    features[start : start + BATCH] = found.half().cpu().numpy()
        for features in made:
            features.flush()
        whole.touch()
    return Seen(tuple(np.load(file, mmap_mode="r") for file in files))
