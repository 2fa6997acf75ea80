"""Measures of a picture's technical quality, and the gates on them; none of them needs a model.

A ``glance`` is taken at the picture that was decoded for the encoder, a ``study`` at its luma in full resolution:
blur, noise, the blocks of a JPEG and upscaling do not survive a decoder that shrinks.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field

from models.reasons import Reason

Measures = dict[str, float]
_Tiles = npt.NDArray[np.float32]

_GLANCE = 80  # pixels that the shorter side keeps, at least
TILE = 256
_TILES_A_SIDE = 3
_SMALLEST_TILE = 32
_BLOCK = 8  # of JPEG's transform
_PATCH = 16
_DARK, _BRIGHT = 5, 250
# What a bar may vary by: a JPEG's ringing at its edge stays below.
_BAR_SPREAD = 6.0
_BAR_STEP = 24.0
_BAR_END = 0.25
_RINGS = 32


class QualityGates(BaseModel):
    """Limits on what was measured; None measures without a limit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    study: bool = Field(True, description="measure in full resolution what the taste accepts")
    min_contrast: float | None = Field(1.0, ge=0, description="least spread of a colour channel")
    max_dark: float | None = Field(None, ge=0, le=1, description="largest share of black pixels")
    max_bright: float | None = Field(None, ge=0, le=1, description="largest share of white pixels")
    max_border: float | None = Field(None, ge=0, le=1, description="largest share that plain bars take")
    min_sharpness: float | None = Field(None, ge=0, description="least sharpness")
    max_noise: float | None = Field(None, ge=0, description="most noise, in grey levels")
    max_blockiness: float | None = Field(None, ge=0, description="most blockiness")
    min_resolution: float | None = Field(None, ge=0, le=1, description="least share of the resolution used")

    def reason(self, measures: Measures) -> tuple[Reason, str] | None:
        """Tell the first limit that is not kept, with the measure and its value; NaN keeps none."""
        for limit, reason in _REASONS.items():
            side, _, name = limit.partition("_")
            bound, value = getattr(self, limit), measures.get(name)
            if bound is None or value is None:
                continue
            if not (value >= bound if side == "min" else value <= bound):
                return reason, f"{name} {value:.3g}"
        return None


_REASONS = {
    "min_contrast": Reason.FLAT,
    "max_dark": Reason.UNDEREXPOSED,
    "max_bright": Reason.OVEREXPOSED,
    "max_border": Reason.BORDERED,
    "max_noise": Reason.NOISY,
    "max_blockiness": Reason.BLOCKY,
    "min_sharpness": Reason.BLURRED,
    "min_resolution": Reason.UPSCALED,
}


def glance(image: Image.Image) -> Measures:
    """Measure contrast, exposure and borders on an RGB picture, reduced or not.

    ``contrast``: the largest standard deviation of a channel, in grey levels; ``dark`` and ``bright``: share of
    pixels with a luma of at most 5, at least 250; ``border``: share of the area in plain bars along the edges.
    """
    small = image.reduce(factor) if (factor := min(image.size) // _GLANCE) > 1 else image
    # Planes: over a last axis of three numpy is slow.
    planes = np.ascontiguousarray(np.asarray(small, np.float32).transpose(2, 0, 1))
    luma = np.asarray(small.convert("L"))
    return {
        "contrast": float(planes.std(axis=(1, 2), dtype=np.float64).max()),
        "dark": float((luma <= _DARK).mean()),
        "bright": float((luma >= _BRIGHT).mean()),
        "border": _border(planes),
    }


def study(luma: Image.Image) -> Measures:
    """Measure sharpness, noise, blockiness and resolution on the luma (mode L) in full resolution.

    On nine tiles of 256², so the cost does not grow with the picture. Nothing is measured of one that has a side
    under 32 pixels.

    ``sharpness``: RMS second over first difference, of the tile at the 80th percentile: an unsharp background counts
    for nothing. ``noise``: standard deviation of white noise, in grey levels, from the calmest patches (the mask of
    Immerkær 1996). ``blockiness``: how much steeper the picture is across an 8-pixel grid than between its lines,
    0 where there is no grid. ``resolution``: the spatial frequency below which lie 90 % of the contrast, after
    whitening, as a share of the highest; enlarging twice halves it.
    """
    tiles = _tiles(luma)
    if tiles is None:
        return {}
    return {
        "sharpness": _sharpness(tiles),
        "noise": _noise(tiles),
        "blockiness": _blockiness(tiles),
        "resolution": _resolution(tiles),
    }


def _border(planes: npt.NDArray[np.float32]) -> float:
    rows, columns = _bars(planes), _bars(planes.transpose(0, 2, 1))
    return 1.0 - (1.0 - rows) * (1.0 - columns)


def _bars(planes: npt.NDArray[np.float32]) -> float:
    """Give the share of rows in the bars at the top and at the bottom."""
    return min(1.0, (_bar(planes) + _bar(planes[:, ::-1])) / int(planes.shape[1]))


def _bar(planes: npt.NDArray[np.float32]) -> int:
    """Count the rows from the top that are one plain colour, and end in a step over a good part of their width.

    A clear sky ends in no step, and above a roof in one over a small part.
    """
    colour = planes[:, :1].mean(axis=2, keepdims=True)
    away = np.abs(planes - colour).max(axis=0)
    busy = away.max(axis=1) > _BAR_SPREAD
    rows = int(busy.argmax()) if busy.any() else len(away)
    # A row that was reduced may lie half in the bar.
    steps = (away[rows : rows + 2] >= _BAR_STEP).mean(axis=1)
    return rows if rows == len(away) or steps.max() >= _BAR_END else 0


def _tiles(luma: Image.Image) -> _Tiles | None:
    side = min(TILE, *(size // _BLOCK * _BLOCK for size in luma.size))
    if side < _SMALLEST_TILE:
        return None
    lefts, tops = (_starts(size, side) for size in luma.size)
    boxes = [(left, top, left + side, top + side) for top in tops for left in lefts]
    return np.stack([np.asarray(luma.crop(box), np.float32) for box in boxes])


def _starts(size: int, side: int) -> list[int]:
    count = min(_TILES_A_SIDE, size // side)
    spaced = np.linspace(0, size - side, count + 2)[1:-1] if count < _TILES_A_SIDE else None
    places = np.linspace(0, size - side, count) if spaced is None else spaced
    return [int(place) // _BLOCK * _BLOCK for place in places]


def _sharpness(tiles: _Tiles) -> float:
    first = second = np.zeros(len(tiles), np.float32)
    for axis in (1, 2):
        step = np.diff(tiles, axis=axis)
        first = first + np.square(step).mean(axis=(1, 2))
        second = second + np.square(np.diff(step, axis=axis)).mean(axis=(1, 2))
    # One grey level beside the first difference: a plain tile is not sharp.
    return float(np.quantile(np.sqrt(second) / (np.sqrt(first) + 1.0), 0.8))


def _noise(tiles: _Tiles) -> float:
    rows = tiles[:, :-2] - 2 * tiles[:, 1:-1] + tiles[:, 2:]
    mask = np.abs(rows[:, :, :-2] - 2 * rows[:, :, 1:-1] + rows[:, :, 2:])
    response, grey = _patch_means(mask), _patch_means(tiles[:, 1:-1, 1:-1])
    # What is clipped has lost its noise.
    usable = response[(grey > _DARK) & (grey < _BRIGHT)]
    return float(np.sqrt(np.pi / 2) * np.quantile(usable, 0.1) / 6) if usable.size else 0.0


def _patch_means(values: _Tiles) -> _Tiles:
    count, side = len(values), values.shape[1] // _PATCH
    whole = values[:, : side * _PATCH, : side * _PATCH]
    means: _Tiles = whole.reshape(count, side, _PATCH, side, _PATCH).mean(axis=(2, 4))
    return means


def _blockiness(tiles: _Tiles) -> float:
    excess = 0.0
    for axis in (1, 2):
        # A strong edge of the picture says nothing of a grid.
        bends = np.minimum(np.abs(np.diff(tiles, 2, axis=axis)), 16.0).mean(axis=(0, 3 - axis))
        phases = bends[: len(bends) // _BLOCK * _BLOCK].reshape(-1, _BLOCK).mean(axis=0)
        pairs = phases + np.roll(phases, -1)  # a step bends the pixels on both its sides
        excess += float((pairs.max() + 0.1) / (np.median(pairs) + 0.1)) - 1.0
    return excess / 2


def _resolution(tiles: _Tiles) -> float:
    side = tiles.shape[1]
    window = np.hanning(side).astype(np.float32)
    centred = (tiles - tiles.mean(axis=(1, 2), keepdims=True)) * np.outer(window, window)
    power = np.square(np.abs(np.fft.rfft2(centred)))
    radius = 2 * np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None])
    ring = np.minimum((radius * _RINGS).astype(int), _RINGS).ravel()
    counts = np.maximum(np.bincount(ring, minlength=_RINGS + 1), 1)  # a small tile leaves rings empty
    profile = np.stack([np.bincount(ring, one.ravel(), _RINGS + 1) / counts for one in power])[:, :_RINGS]
    # The highest frequencies are all noise where a picture was enlarged or is unsharp, and noise is white.
    above = np.maximum(profile - profile[:, -3:].mean(axis=1, keepdims=True), 0).sum(axis=0)
    frequency = (np.arange(_RINGS) + 0.5) / _RINGS
    whitened = np.cumsum((above * frequency**2)[2:])
    if whitened[-1] <= 0:
        return 0.0
    return float(np.interp(0.9, whitened / whitened[-1], frequency[2:]))
