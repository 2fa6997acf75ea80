"""A taste as people look at it: its card and its table of thresholds in the terminal, its histograms as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from models.taste import Taste, TasteError

HISTOGRAM = "histogram.png"


def save(taste: Taste, folder: Path) -> None:
    """Write the taste, its card and its histogram."""
    taste.save(folder)
    try:
        draw_histogram(taste, folder / HISTOGRAM)
    except OSError as error:
        raise TasteError(
            f"{folder / HISTOGRAM} cannot be written: {error.strerror}; name another folder"
        ) from error


def print_card(taste: Taste, out: Path, console: Console) -> None:
    """Print what was learnt, how it was chosen, and what thresholds let through."""
    fitted = taste.fitted
    card = Table("taste", taste.fingerprint[:16], title=str(out), title_justify="left")
    card.add_row("liked images", f"{taste.liked}, {fitted['images']} of them fitted")
    card.add_row("encoder", f"{taste.encoder} {taste.encoder_fingerprint[:16]}")
    card.add_row("components", f"{fitted['components']}, covariance {fitted['covariance']}")
    card.add_row(
        "axes, shrinkage", f"{fitted['projection']} of {len(taste.density.mean)}, {fitted['shrinkage']:g}"
    )
    card.add_row("threshold", f"{taste.threshold:.2f}: {taste.rule}")
    card.add_row("held-out liked", f"{taste.keep:.1%} reach it")
    unfiltered = taste.calibration.kept_unfiltered(taste.threshold)
    if unfiltered is not None:
        count, source = taste.calibration.unfiltered_count, taste.calibration.source
        card.add_row("unfiltered", f"{unfiltered:.1%} of {count} reach it ({source})")
    console.print(card)
    console.print(_candidates(taste))
    if "compared" in fitted:
        console.print(_compared(fitted["compared"]))
    console.print(_thresholds(taste))


def _candidates(taste: Taste) -> Table:
    table = Table(
        "components", "axes", "shrinkage", "held-out likelihood", "BIC", title="tried", title_justify="left"
    )
    for row in taste.fitted["candidates"]:
        table.add_row(
            str(row["components"]),
            str(row["projection"]),
            f"{row['shrinkage']:g}",
            f"{row['held_out']:.1f} ± {row['standard_error']:.1f}",
            f"{row['bic']:.0f}",
        )
    return table


def _compared(rows: list[dict[str, Any]]) -> Table:
    table = Table("by", "ROC AUC", title="held-out liked against unfiltered", title_justify="left")
    for row in rows:
        table.add_row(row["by"], f"{row['auc']:.3f} ± {row['deviation']:.3f}")
    return table


def _thresholds(taste: Taste) -> Table:
    table = Table("threshold", "liked", "unfiltered", title="lets through", title_justify="left")
    for row in taste.calibration.table():
        unfiltered = "" if row["unfiltered"] is None else f"{row['unfiltered']:.1%}"
        table.add_row(f"{row['threshold']:.1f}", f"{row['liked']:.1%}", unfiltered)
    return table


def draw_histogram(taste: Taste, path: Path) -> None:
    """Draw held-out scores of the liked images, unfiltered ones where there are, and the threshold, as a PNG."""
    # The object interface: pyplot would look for a display.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    counted = taste.calibration.histogram()
    drawn = [("liked", taste.liked, "#c8961e")]
    if len(taste.calibration.unfiltered):
        drawn.append(("unfiltered", taste.calibration.unfiltered_count, "#5078a0"))
    figure = Figure(figsize=(7, 2.4 * len(drawn) + 0.6), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(len(drawn), sharex=True, squeeze=False)[:, 0]
    for axes, (name, count, colour) in zip(panels, drawn, strict=True):
        axes.stairs(counted[name], counted["edges"], fill=True, color=colour)
        axes.axvline(
            taste.threshold, color="#303030", linestyle="--", label=f"threshold {taste.threshold:.1f}"
        )
        axes.set(ylabel=name, title=f"{count} {name} images, {taste.encoder}")
    panels[0].legend()
    panels[-1].set_xlabel("log-likelihood; liked ones held out, unfiltered ones clipped to the axis")
    figure.savefig(path, dpi=120)
