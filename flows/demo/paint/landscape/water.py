"""Water: a mirror that trembles, a sea with waves that shorten towards the horizon."""

from __future__ import annotations

import numpy as np

from flows.demo.paint.canvas import Colour, column, columns, lay, rows
from flows.demo.paint.landscape.sky import Light
from flows.demo.paint.noise import Floats, Random, field, step


def reflect(rng: Random, canvas: Floats, shore: int, calm: float, colour: Colour) -> None:
    """Mirror what is above row `shore` below it, in place; `calm` 1 is a mirror, 0 is choppy."""
    height, width = canvas.shape[1:]
    depth = height - shore
    y = np.arange(depth, dtype=np.float32)
    source = shore - 1 - y * np.float32(min(1.0, (shore - 1) / max(depth - 1, 1)))
    ripple = field(rng, (depth, width), (max(depth / 40, 2), width / 6), 3, 0.7)
    near = rows((depth, width)) / depth
    push = ripple * (1 + 14 * near) * np.float32(1.3 - calm)
    at_y = np.clip(source[:, None] + push, 0, shore - 1).astype(np.intp)
    at_x = np.broadcast_to(np.arange(width, dtype=np.intp)[None], at_y.shape)
    mirror = canvas[:, at_y, at_x]
    mirror += np.float32(0.05 * (1.4 - calm)) * ripple
    lay(mirror, (0.12 + 0.3 * near * np.float32(1.2 - calm)).astype(np.float32), colour)
    canvas[:, shore:] = mirror * np.float32(0.93)


def sea(rng: Random, canvas: Floats, horizon: int, colours: tuple[Colour, Colour], light: Light) -> None:
    """A sea from row `horizon` down, far colour to near colour, with swell and sparkle."""
    height, width = canvas.shape[1:]
    shape = (height - horizon, width)
    near = rows(shape) / shape[0]
    layer = column(colours[0]) + near * (column(colours[1]) - column(colours[0]))
    swell = waves(rng, shape)
    layer = layer * (1 + np.float32(0.28) * swell * (0.35 + near))
    lay(layer, step(1.2, 2.6, swell) * np.float32(0.55), light.horizon)
    lay(layer, (0.5 * np.exp(-near * 9)).astype(np.float32), light.horizon)
    lay(canvas[:, horizon:], np.clip(rows(shape) + 0.5, 0, 1), layer * np.float32(light.ambient + 0.08))


def waves(rng: Random, shape: tuple[int, int]) -> Floats:
    """Swell in perspective, about unit deviation: a plane of noise read at 1/distance."""
    plane = field(rng, (512, 512), (26, 60), 5, 0.75)
    distance = 1 / (rows(shape) / shape[0] + np.float32(0.06))
    at_y = (distance * np.float32(rng.uniform(40, 75))) % 512
    at_x = ((columns(shape) - shape[1] / 2) * distance * np.float32(0.22) + 256) % 512
    return plane[at_y.astype(np.intp), at_x.astype(np.intp)]


def glitter(rng: Random, canvas: Floats, horizon: int, x: float, colour: Colour) -> None:
    """The sun's path on the water: broken horizontal strokes that widen towards the viewer."""
    height, width = canvas.shape[1:]
    shape = (height - horizon, width)
    near = rows(shape) / shape[0]
    spread = width * (0.035 + 0.14 * near)
    broken = step(0.2, 1.2, field(rng, shape, (max(shape[0] / 70, 1.5), width / 22), 2, 0.8))
    path = np.exp(-(((columns(shape) - x) / spread) ** 2)) * broken * np.float32(0.9)
    lay(canvas[:, horizon:], path.astype(np.float32), colour)
