"""The picture of a soak: memory by process above, the time a window takes below."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

LARGE = 40.0


def draw(
    path: Path, windows: list[int], curves: dict[str, list[float]], seconds: list[float], count: int
) -> None:
    """Write a PNG; what never takes 40 MB has no curve of its own."""
    figure = Figure(figsize=(10, 6), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    above.set_prop_cycle(color=colormaps["tab20"].colors)  # type: ignore[attr-defined]
    for name, curve in curves.items():
        if max(curve) >= LARGE:
            above.plot(windows, curve, label=name, linewidth=1)
    above.set_ylabel("MB resident")
    above.set_ylim(bottom=0)
    # The largest at the end first, as the curves end.
    above.legend(fontsize="x-small", loc="center left", bbox_to_anchor=(1, 0.5))
    width = max(1, len(seconds) // 50)
    smooth = np.convolve(seconds, np.ones(width) / width, "same")
    below.plot(windows, seconds, linewidth=0.4, alpha=0.4)
    below.plot(windows[width:-width], smooth[width:-width], linewidth=1)
    below.set_ylabel("seconds a window")
    below.set_ylim(0, float(np.quantile(seconds, 0.99)) * 1.3)
    below.set_xlabel(f"windows of {count}")
    figure.savefig(path, dpi=110)
