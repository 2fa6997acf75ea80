"""Seeded random fields, coarse grids scaled up: a picture's clouds, ridges, water and grain."""

from __future__ import annotations

import zlib

import numpy as np
import numpy.typing as npt
from PIL import Image

Floats = npt.NDArray[np.floating]
Random = np.random.Generator


def generator(name: str, seed: int) -> Random:
    """The random numbers of one picture; the same on every machine for the same name and seed."""
    return np.random.default_rng([zlib.crc32(name.encode()), seed])


def scaled(grid: Floats, shape: tuple[int, int], smooth: bool = True) -> Floats:
    """A (h, w) float32 grid resampled to `shape`, bicubic or bilinear."""
    resample = Image.Resampling.BICUBIC if smooth else Image.Resampling.BILINEAR
    return np.asarray(Image.fromarray(grid).resize((shape[1], shape[0]), resample))


def field(
    rng: Random, shape: tuple[int, int], cell: tuple[float, float], octaves: int = 4, gain: float = 0.5
) -> Floats:
    """Fractal noise of about zero mean and unit deviation, float32 (h, w); `cell` is the coarsest (y, x) period.

    Each octave is drawn on its own grid and the sum is scaled up once, so the cost is that of one resize.
    """
    rows, columns = (max(2, round(side / step) + 1) for side, step in zip(shape, cell, strict=True))
    grid = rng.standard_normal((rows, columns), dtype=np.float32)
    weight, power = 1.0, 1.0
    for _ in range(octaves - 1):
        rows, columns = min(2 * rows, shape[0]), min(2 * columns, shape[1])
        weight *= gain
        power += weight * weight
        grid = scaled(grid, (rows, columns)) + np.float32(weight) * rng.standard_normal(
            (rows, columns), dtype=np.float32
        )
    return scaled(grid, shape) / np.float32(np.sqrt(power))


def line(
    rng: Random, width: int, cell: float, octaves: int = 6, gain: float = 0.5, *, smooth: bool = False
) -> Floats:
    """Fractal noise along x, float32 (w,), about unit deviation: jagged unless `smooth`."""
    columns = max(3, round(width / cell) + 1)
    grid = rng.standard_normal((1, columns), dtype=np.float32)
    weight, power = 1.0, 1.0
    for _ in range(octaves - 1):
        columns = min(2 * columns, width)
        weight *= gain
        power += weight * weight
        grid = scaled(grid, (1, columns), smooth) + np.float32(weight) * rng.standard_normal(
            (1, columns), dtype=np.float32
        )
    curve: Floats = scaled(grid, (1, width), smooth)[0] / np.float32(np.sqrt(power))
    return curve


def step(low: float, high: float, values: Floats) -> Floats:
    """Smooth rise from 0 at `low` to 1 at `high`."""
    t = np.clip((values - np.float32(low)) / np.float32(high - low), 0, 1)
    risen: Floats = t * t * (3 - 2 * t)
    return risen
