"""Trees by their outlines: a wall of conifers, round crowns, bare trunks."""

from __future__ import annotations

import numpy as np

from flows.demo.paint.canvas import Colour, column, lay
from flows.demo.paint.landscape.ridges import below
from flows.demo.paint.noise import Floats, Random, field


def conifers(rng: Random, ground: Floats, height: float, count: int, slim: float = 0.22) -> Floats:
    """Rows of a conifer wood's outline over `ground` (w,): pointed, with boughs as steps."""
    width = ground.size
    x = np.arange(width, dtype=np.float32)
    centre = rng.uniform(0, width, count).astype(np.float32)
    tall = (height * rng.uniform(0.45, 1.15, count)).astype(np.float32)
    reach = np.abs(x[None] - centre[:, None])
    fall = reach / np.float32(slim)
    bough = np.float32(max(height / 11, 2.0))
    stepped = fall + 0.55 * bough * np.sin(fall / bough * np.float32(2 * np.pi))
    outline: Floats = ground - np.maximum(np.max(tall[:, None] - stepped, axis=0), 0)
    return outline


def crowns(rng: Random, ground: Floats, height: float, count: int) -> Floats:
    """Rows of a broadleaf wood's outline over `ground` (w,): round crowns with ragged edges."""
    width = ground.size
    x = np.arange(width, dtype=np.float32)
    centre = rng.uniform(0, width, count).astype(np.float32)
    radius = (height * rng.uniform(0.35, 0.8, count)).astype(np.float32)
    inside = np.clip(1 - ((x[None] - centre[:, None]) / radius[:, None]) ** 2, 0, None)
    tall = np.float32(height) * rng.uniform(0.5, 1.0, count).astype(np.float32)
    outline = np.max(np.where(inside > 0, tall[:, None] * np.sqrt(inside), 0), axis=0)
    ragged = rng.standard_normal(width).astype(np.float32) * np.float32(height * 0.03)
    skyward: Floats = ground - np.maximum(outline + ragged * (outline > 0), 0)
    return skyward


def wood(
    rng: Random, canvas: Floats, outline: Floats, colours: tuple[Colour, Colour], until: Floats | float
) -> None:
    """Lay a wood between its outline and the row `until` (w,), mottled between two colours."""
    last = np.broadcast_to(np.asarray(until, np.float32), outline.shape)
    bottom = min(int(np.ceil(last.max())) + 1, canvas.shape[1])
    top, mask, depth = below(outline, bottom)
    if depth.shape[0] < 2:
        return
    y = np.arange(top, bottom, dtype=np.float32)[:, None]
    mask = mask * np.clip(last[None] - y + 0.5, 0, 1)
    leaves = np.clip(0.35 + 0.3 * field(rng, (depth.shape[0], depth.shape[1]), (9, 5), 3, 0.8), 0, 1)
    dark, pale = column(colours[0]), column(colours[1])
    lay(canvas[:, top:bottom], mask, dark + leaves * (pale - dark))
