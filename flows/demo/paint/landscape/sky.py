"""Skies: a gradient by the hour and the weather, clouds lit from above, a sun, a haze."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from flows.demo.paint.canvas import Colour, blank, column, columns, lay, mixed, rows, varied
from flows.demo.paint.noise import Floats, Random, field, step


@dataclass(frozen=True)
class Light:
    """One hour and weather: what the sky, the haze and everything under it are coloured by."""

    zenith: Colour
    horizon: Colour
    haze: Colour
    sun: Colour
    ambient: float


CLEAR = Light((0.22, 0.44, 0.76), (0.72, 0.83, 0.92), (0.66, 0.76, 0.88), (1.0, 0.97, 0.9), 0.9)
HAZY = Light((0.48, 0.62, 0.78), (0.86, 0.88, 0.88), (0.76, 0.8, 0.84), (1.0, 0.97, 0.92), 0.85)
OVERCAST = Light((0.52, 0.57, 0.63), (0.78, 0.8, 0.82), (0.7, 0.73, 0.77), (0.95, 0.95, 0.97), 0.72)
GOLDEN = Light((0.32, 0.48, 0.72), (0.98, 0.82, 0.6), (0.86, 0.74, 0.64), (1.0, 0.86, 0.62), 0.85)
DAWN = Light((0.38, 0.42, 0.66), (0.96, 0.74, 0.66), (0.72, 0.66, 0.74), (1.0, 0.8, 0.7), 0.75)
DUSK = Light((0.13, 0.15, 0.36), (0.98, 0.52, 0.24), (0.55, 0.34, 0.38), (1.0, 0.72, 0.4), 0.4)
BY_DAY = (CLEAR, CLEAR, HAZY, OVERCAST, GOLDEN, DAWN)


def choose(rng: Random, lights: tuple[Light, ...] = BY_DAY) -> Light:
    """One of the lights, its colours a little varied."""
    light = lights[int(rng.integers(len(lights)))]
    brightness = float(rng.uniform(0.85, 1.12))
    return Light(
        varied(rng, [value * brightness for value in light.zenith], 0.015),
        varied(rng, light.horizon, 0.02),
        varied(rng, light.haze, 0.02),
        light.sun,
        light.ambient * float(rng.uniform(0.9, 1.05)),
    )


def sky(rng: Random, shape: tuple[int, int], horizon: float, light: Light) -> Floats:
    """A (3, h, w) canvas of sky down to row `horizon`, the horizon's colour below it."""
    depth = np.clip(rows(shape) / max(horizon, 1.0), 0, 1) ** float(rng.uniform(0.8, 1.5))
    canvas = blank(shape, light.zenith)
    canvas += depth * (column(light.horizon) - column(light.zenith))
    clouds(rng, canvas, horizon, light, float(rng.beta(1.4, 1.4)))
    return canvas


def clouds(rng: Random, canvas: Floats, horizon: float, light: Light, cover: float) -> None:
    """Clouds above row `horizon`: `cover` 0 leaves a few wisps, 1 a closed deck."""
    top = max(int(horizon), 8)
    region = canvas[:, :top]
    shape = (region.shape[1], region.shape[2])
    wisps = rng.random() < 0.3
    cell = (shape[0] * rng.uniform(0.2, 0.5), shape[1] * rng.uniform(0.25, 0.6))
    if wisps:
        cell = (cell[0] * 0.4, cell[1] * 1.6)
    thickness = field(rng, shape, cell, octaves=6, gain=0.58)
    # Far clouds are seen from the side: they pack together and thin out towards the horizon.
    thickness += 0.5 * (cover - 0.5) + np.float32(rng.uniform(-0.3, 0.5)) * (rows(shape) / shape[0] - 0.5)
    edge = 1.1 - 1.5 * cover
    mask = step(edge, edge + (1.6 if wisps else 0.9), thickness) * np.float32(0.92)
    shift = max(2, shape[0] // 40)
    above = np.concatenate([thickness[:shift], thickness[:-shift]])
    lit = np.clip(0.62 + 0.5 * (thickness - above) - 0.16 * np.maximum(thickness - edge - 0.6, 0), 0, 1)
    dark = mixed(light.haze, light.zenith, 0.35)
    bright = mixed(light.sun, (1.0, 1.0, 1.0), 0.5)
    shade = column(dark) * 0.85 + lit * (column(bright) - column(dark) * 0.85)
    lay(region, mask, shade)


def sun(canvas: Floats, at: tuple[float, float], radius: float, colour: Colour, *, glow: float) -> None:
    """A sun's disc with a glow, centred at (y, x)."""
    shape = (canvas.shape[1], canvas.shape[2])
    squared = (rows(shape) - at[0]) ** 2 + (columns(shape) - at[1]) ** 2
    lay(canvas, np.float32(glow) / (1 + squared / np.float32(25 * radius**2)), colour)
    lay(canvas, step(1.15, 0.85, np.sqrt(squared) / np.float32(radius)), (1.0, 0.97, 0.88))


def stars(rng: Random, canvas: Floats, horizon: float, count: int) -> None:
    """Points of light above row `horizon`, few of them bright."""
    y = rng.integers(0, max(int(horizon), 1), count)
    x = rng.integers(0, canvas.shape[2], count)
    brightness = (0.15 + 0.85 * rng.random(count) ** 4).astype(np.float32)
    canvas[:, y, x] = np.clip(canvas[:, y, x] + brightness, 0, 1)


def mist(canvas: Floats, row: float, height: float, colour: Colour, *, strength: float) -> None:
    """A band of mist centred on a row."""
    shape = (canvas.shape[1], canvas.shape[2])
    lay(canvas, np.float32(strength) * np.exp(-(((rows(shape) - row) / height) ** 2)), colour)
