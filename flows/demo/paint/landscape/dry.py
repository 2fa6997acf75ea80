"""Dry country: dunes and canyons."""

from __future__ import annotations

import numpy as np
from PIL import Image

from flows.demo.paint.canvas import Colour, Size, column, finish, lay, mixed, rows, shape_of, varied
from flows.demo.paint.landscape.ridges import below, land, rolling
from flows.demo.paint.landscape.sky import CLEAR, DAWN, GOLDEN, HAZY, Light, choose, sky
from flows.demo.paint.noise import Floats, Random, field, line, step

SLIP: Colour = (0.44, 0.27, 0.16)


def dunes(rng: Random, size: Size) -> Image.Image:
    """Dunes behind dunes, each with a lit flank, a sharp crest and a shadow."""
    shape = shape_of(size)
    height, _ = shape
    light = choose(rng, (CLEAR, CLEAR, HAZY, GOLDEN, GOLDEN, DAWN))
    far = height * rng.uniform(0.3, 0.48)
    canvas = sky(rng, shape, far + height * 0.05, light)
    sand = varied(rng, (0.87, 0.62, 0.36), 0.05)
    count = int(rng.integers(5, 8))
    bases = [far + (height * 0.9 - far) * (i / (count - 1)) ** 1.3 for i in range(count)]
    for i, base in enumerate(bases):
        hidden = bases[i + 2] + height * 0.1 if i + 2 < count else height
        dune(rng, canvas[:, : int(min(hidden, height))], base, i / (count - 1), sand=sand, light=light)
    return finish(rng, canvas, size)


def dune(rng: Random, canvas: Floats, base: float, near: float, *, sand: Colour, light: Light) -> None:
    """One dune: sun on one flank, shadow under the crest on the other, ripples along both."""
    height, width = canvas.shape[1:]
    crest = rolling(rng, width, base, width * (0.02 + 0.045 * near), 3.4 - 1.4 * near)
    crest -= np.float32(width * 0.012) * np.abs(line(rng, width, width / 5, 2, 0.4, smooth=True))
    top, mask, depth = below(crest, height)
    shape = (depth.shape[0], depth.shape[1])
    # The foot of the slip face wanders down from the crest: above it shadow, below it light.
    foot = width * (0.04 + 0.12 * near) * line(rng, width, width / 4, 3, 0.4, smooth=True)[None]
    blown = field(rng, shape, (30, 90), 4, 0.6)
    shadow = step(3, -3, depth - foot + 6 * blown) * np.float32(0.62)
    ripples = np.sin((depth + 7 * blown) * np.float32(1.5 - 0.6 * near))
    tone = (1 + 0.05 * ripples + 0.06 * blown) * np.float32(light.ambient + 0.12)
    veil = 0.45 * (1 - near) ** 1.5
    pale, dark = column(mixed(sand, light.haze, veil)), column(mixed(SLIP, light.haze, veil))
    lay(canvas[:, top:], mask, (pale + shadow * (dark - pale)) * tone)


def canyon(rng: Random, size: Size) -> Image.Image:
    """Mesas and buttes of layered red rock over a dry plain."""
    shape = shape_of(size)
    height, width = shape
    light = choose(rng, (CLEAR, CLEAR, HAZY, GOLDEN, DAWN))
    floor = height * rng.uniform(0.5, 0.64)
    canvas = sky(rng, shape, floor, light)
    plain = rolling(rng, width, floor + height * 0.2, height * 0.03, 3)
    scene = canvas[:, : int(min(plain.max() + 2, height))]
    count = int(rng.integers(3, 5))
    for i in range(count):
        near = (i + 1) / count
        foot, rise = floor + height * 0.16 * near**2, height * (0.14 + 0.2 * near)
        mesa(rng, scene, foot, rise, light, distance=0.5 * (1 - near))
    colours = (varied(rng, (0.46, 0.27, 0.18)), varied(rng, (0.74, 0.55, 0.38)))
    land(rng, canvas, plain, colours, light, cell=(8, 30))
    shrubs(rng, canvas, plain)
    return finish(rng, canvas, size)


def shrubs(rng: Random, canvas: Floats, plain: Floats) -> None:
    """Dry bushes over the plain: small and many far away, large and few near by."""
    height, width = canvas.shape[1:]
    start = int(plain.max())
    shape = (max(height - start, 2), width)
    near = rows(shape) / shape[0]
    spots = field(rng, shape, (shape[0] / 6, width / 40), 5, 0.8)
    lay(canvas[:, start:], step(0.9, 1.5, spots + 0.3 * near) * np.float32(0.75), (0.2, 0.2, 0.1))


def mesa(rng: Random, canvas: Floats, foot: float, rise: float, light: Light, *, distance: float) -> None:
    """A row of flat-topped rocks with strata, vertical cracks and slopes of debris."""
    height, width = canvas.shape[1:]
    crest = plateaus(rng, width, foot, rise)
    top, mask, depth = below(crest, height)
    shape = (depth.shape[0], depth.shape[1])
    y = np.arange(top, top + shape[0], dtype=np.float32)[:, None]
    bands = line(rng, 2048, 14, 4, 0.7)
    strata = bands[np.clip(y + 4 * field(rng, shape, (60, 200), 3) + 40, 0, 2047).astype(np.intp)]
    cracks = field(rng, shape, (shape[0] * 0.6, 14), 5, 0.75)
    smoothed = np.convolve(crest, np.full(15, 1 / 15, np.float32), "same")
    slope = np.tanh(np.gradient(smoothed) * np.float32(0.8))[None]
    bright = np.clip(0.5 + 0.16 * strata + 0.17 * cracks - 0.35 * slope, 0, 1)
    debris = step(0.25, 0.6, (y - np.float32(foot - rise * 0.4)) / np.float32(rise)) * np.float32(0.7)
    dark, pale, scree = (
        column(mixed(varied(rng, colour), light.haze, distance))
        for colour in ((0.36, 0.15, 0.1), (0.9, 0.58, 0.38), (0.62, 0.38, 0.26))
    )
    rock = dark + bright * (pale - dark)
    lay(rock, debris, scree)
    lay(canvas[:, top:], mask, rock * np.float32(light.ambient + 0.08))


def plateaus(rng: Random, width: int, foot: float, rise: float) -> Floats:
    """The outline of flat-topped rocks, float32 (w,), with a low shoulder between them."""
    pattern = line(rng, width, width / rng.uniform(3, 6), 5, 0.45)
    flat = step(-0.1, 0.16, pattern - np.float32(np.quantile(pattern, rng.uniform(0.25, 0.7))))
    level = 0.8 + 0.12 * np.round(2 * line(rng, width, width / 4, 2))
    shoulder = 0.3 * step(-0.6, 0.1, line(rng, width, width / 4, 4, 0.5))
    ragged = 1.5 * line(rng, width, 12, 3, 0.8)
    outline: Floats = np.float32(foot) - np.float32(rise) * (flat * level + shoulder) + ragged
    return outline
