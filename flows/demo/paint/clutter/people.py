"""A portrait, of sorts."""

from __future__ import annotations

import numpy as np
from PIL import Image

from flows.demo.paint.canvas import Colour, Size, blank, column, columns, finish, lay, rows, shape_of, varied
from flows.demo.paint.noise import Floats, Random, field, step

SKINS: tuple[Colour, ...] = ((0.93, 0.76, 0.66), (0.85, 0.65, 0.5), (0.66, 0.46, 0.33), (0.42, 0.28, 0.2))
HAIRS: tuple[Colour, ...] = ((0.1, 0.08, 0.07), (0.3, 0.19, 0.1), (0.7, 0.54, 0.3), (0.5, 0.5, 0.5))


def oval(
    shape: tuple[int, int], y: float, x: float, tall: float, wide: float, *, soft: float = 0.06
) -> Floats:
    """A soft ellipse as a (h, w) mask; half axes in rows and columns."""
    reach = np.sqrt(((rows(shape) - y) / tall) ** 2 + ((columns(shape) - x) / wide) ** 2)
    return step(1 + soft, 1 - soft, reach.astype(np.float32))


def face(rng: Random, size: Size) -> Image.Image:
    """A head and shoulders before a blurred background."""
    shape = shape_of(size)
    height, width = shape
    canvas = blank(shape, varied(rng, (0.5, 0.48, 0.45), 0.1))
    canvas *= 1 + 0.4 * field(rng, shape, (height / 2, width / 3), 3)
    x, y = width * rng.uniform(0.28, 0.72), height * rng.uniform(0.34, 0.52)
    r = min(height, width) * float(rng.uniform(0.17, 0.34))
    skin = varied(rng, SKINS[int(rng.integers(len(SKINS)))])
    hair = varied(rng, HAIRS[int(rng.integers(len(HAIRS)))], 0.03)
    long_hair = rng.random() < 0.5
    if long_hair:
        lay(canvas, oval(shape, y + r * 0.5, x, r * 2.0, r * 1.2), hair)
    lay(canvas, oval(shape, y + r * 2.9, x, r * 1.5, r * 2.1), varied(rng, (0.4, 0.4, 0.45), 0.2))
    lay(canvas, oval(shape, y + r * 1.3, x, r * 0.8, r * 0.48), tuple(c * 0.85 for c in skin))
    lay(canvas, oval(shape, y - r * 0.25, x, r * 1.25, r * 1.05), hair)
    light = (
        1 - 0.3 * (columns(shape) - x) / r * float(rng.choice([-1, 1])) * 0.6 - 0.1 * (rows(shape) - y) / r
    )
    lay(canvas, oval(shape, y + r * 0.1, x, r * 1.2, r * 0.88), column(skin) * np.clip(light, 0.4, 1.2))
    features(rng, canvas, (y, x), r, skin=skin, hair=hair)
    return finish(rng, canvas, size, 4)


def features(
    rng: Random, canvas: Floats, at: tuple[float, float], r: float, *, skin: Colour, hair: Colour
) -> None:
    """Eyes, brows, nose, mouth."""
    shape = (canvas.shape[1], canvas.shape[2])
    y, x = at
    look = float(rng.uniform(-0.1, 0.1)) * r
    for side in (-1, 1):
        eye = x + side * r * 0.36 + look
        lay(canvas, oval(shape, y, eye, r * 0.1, r * 0.17, soft=0.15), (0.96, 0.95, 0.93))
        lay(
            canvas,
            oval(shape, y, eye + look, r * 0.085, r * 0.085, soft=0.2),
            varied(rng, (0.2, 0.2, 0.2), 0.1),
        )
        lay(canvas, oval(shape, y - r * 0.22, eye, r * 0.05, r * 0.22, soft=0.4), hair)
    shade = tuple(c * 0.72 for c in skin)
    lay(canvas, 0.6 * oval(shape, y + r * 0.35, x + look + r * 0.05, r * 0.25, r * 0.1, soft=0.5), shade)
    lay(
        canvas,
        oval(shape, y + r * 0.72, x + look, r * float(rng.uniform(0.05, 0.14)), r * 0.32, soft=0.2),
        (0.7, 0.32, 0.3),
    )
    lay(canvas, oval(shape, y - r * 1.02, x - r * 0.2, r * 0.42, r * 0.95, soft=0.15), hair)
