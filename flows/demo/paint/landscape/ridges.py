"""Ridges: a skyline, the land under it lit from one side, snow on it, haze over it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from flows.demo.paint.canvas import Colour, column, lay, mixed, rows
from flows.demo.paint.landscape.sky import Light
from flows.demo.paint.noise import Floats, Random, field, line, step

SNOW_SHADE: Colour = (0.62, 0.69, 0.82)
SNOW_LIT: Colour = (1.0, 0.99, 0.97)


@dataclass(frozen=True)
class Rock:
    """What a ridge is made of: its lit and its shaded colour, and how much snow lies on it (0–1)."""

    lit: Colour
    shade: Colour
    snow: float = 0.0


def skyline(
    rng: Random, width: int, base: float, relief: float, peaks: float, *, rough: float = 0.5
) -> Floats:
    """Rows of a mountain crest, float32 (w,): `peaks` summits about `relief` rows above row `base`."""
    shape = line(rng, width, width / peaks, octaves=8, gain=rough)
    sharp = 1 - np.abs(line(rng, width, width / peaks, octaves=3, gain=0.4))
    return np.float32(base) - np.float32(relief) * (0.45 * shape + 0.55 * sharp)


def rolling(rng: Random, width: int, base: float, relief: float, waves: float) -> Floats:
    """Rows of a soft skyline, float32 (w,)."""
    return np.float32(base) - np.float32(relief) * line(rng, width, width / waves, 2, 0.3, smooth=True)


def below(crest: Floats, height: int) -> tuple[int, Floats, Floats]:
    """The first row a crest touches, and from there the (h, w) mask and depth in rows under the crest."""
    top = int(np.clip(np.floor(crest.min()) - 1, 0, height - 1))
    depth = rows((height - top, crest.size)) + np.float32(top) - crest[None]
    return top, np.clip(depth + 0.5, 0, 1), np.maximum(depth, 0)


def facets(rng: Random, crest: Floats, depth: Floats, lean: float) -> Floats:
    """Light on a mountainside in about -1..1, float32 (h, w).

    A face keeps the light of the piece of crest above it: the crest's slope is carried down the
    mountainside along wandering lines, which gives spurs and gullies without any geometry.
    """
    width = crest.size
    smoothed = np.convolve(np.pad(crest, 4, mode="edge"), np.ones(9, np.float32) / 9, mode="valid")
    slope = np.tanh(np.gradient(smoothed) * 1.6)
    wander = field(rng, (depth.shape[0], width), (depth.shape[0] / 3 + 4, width / 9), 5, 0.6)
    reach = np.float32(width * 0.035) * wander * np.minimum(depth / 40, 1) + np.float32(lean) * depth
    source = np.arange(width, dtype=np.float32)[None] + reach
    light: Floats = slope[np.clip(source, 0, width - 1).astype(np.intp)] + 0.25 * wander
    return light


def mountain(
    rng: Random,
    canvas: Floats,
    crest: Floats,
    rock: Rock,
    light: Light,
    *,
    distance: float,
    until: float | None = None,
) -> None:
    """Lay a mountain range under its crest; `distance` 0 is near, 1 is lost in the haze.

    Nothing is painted from row `until` down: what something nearer will hide is not worth its time.
    """
    canvas = canvas if until is None else canvas[:, : int(np.clip(until, 2, canvas.shape[1]))]
    top, mask, depth = below(crest, canvas.shape[1])
    side = -1.0 if rng.random() < 0.5 else 1.0
    detail = field(rng, (depth.shape[0], depth.shape[1]), (14, 18), 4, 0.8)
    bright = np.clip(0.5 + 0.5 * side * facets(rng, crest, depth, 0.25 * side) + 0.14 * detail, 0, 1)
    layer = column(rock.shade) + bright * (column(rock.lit) - column(rock.shade))
    if rock.snow > 0:
        # Snow holds high up and on what is not too steep; its edge follows the rock.
        line_of_snow = np.float32(rock.snow * canvas.shape[2] * 0.34)
        altitude = depth + (crest - crest.min())[None] * 0.8 - 22 * detail - 50 * (bright - 0.5)
        white = column(SNOW_SHADE) + bright * (column(SNOW_LIT) - column(SNOW_SHADE))
        lay(layer, step(1.0, 0.6, altitude / line_of_snow), white)
    layer *= np.float32(light.ambient)
    thickness = depth * np.float32(0.55 * (1 - distance) / canvas.shape[2])
    lay(layer, np.clip(thickness + np.float32(distance), 0, 0.95), light.haze)
    lay(canvas[:, top:], mask, layer)


def land(
    rng: Random,
    canvas: Floats,
    crest: Floats,
    colours: tuple[Colour, Colour],
    light: Light,
    *,
    distance: float = 0.0,
    cell: tuple[float, float] = (24, 90),
) -> None:
    """Lay soft land (grass, snow, sand, scree) under a crest, mottled between two colours."""
    top, mask, depth = below(crest, canvas.shape[1])
    shape = (depth.shape[0], depth.shape[1])
    mottle = np.clip(0.5 + 0.3 * field(rng, shape, cell, 6, 0.65), 0, 1)
    lit, shade = (column(mixed(colour, light.haze, distance)) for colour in (colours[1], colours[0]))
    # The ground darkens towards the viewer, as it does when the light comes from the far side.
    fall = np.float32(light.ambient) * (1.08 - 0.35 * depth / max(float(depth.max()), 1.0))
    lay(canvas[:, top:], mask, (shade + mottle * (lit - shade)) * fall)


def ranges(
    rng: Random,
    canvas: Floats,
    light: Light,
    rock: Rock,
    *,
    rows_from_to: tuple[float, float],
    relief: float,
    count: int,
) -> None:
    """Several ranges one before the other, the far ones paler and higher up."""
    width = canvas.shape[2]
    bases = np.linspace(*rows_from_to, count)
    crests = [
        skyline(rng, width, float(base), relief * rng.uniform(0.7, 1.2), rng.uniform(2, 6)) for base in bases
    ]
    for i, crest in enumerate(crests):
        near = i / max(count - 1, 1)
        lit = mixed(rock.lit, light.haze, 0.15 * (1 - near))
        stone = Rock(lit, rock.shade, rock.snow * (1 - 0.7 * near))
        until = float(crests[i + 1].max()) + 2 if i + 1 < count else None
        mountain(rng, canvas, crest, stone, light, distance=0.62 * (1 - near) ** 1.2 + 0.06, until=until)
