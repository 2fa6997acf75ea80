"""How good a detector is on pictures that ``goldpan watermarks synthesise`` made: figures, a table, a picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import typer
from PIL import Image, ImageDraw

from actors.watermark import Watermark
from flows.demo.paint.lettering import font
from flows.exits import PreflightError, explained
from flows.watermarks.encodings import decoded
from flows.watermarks.synthesise import TABLE, Example, read_table
from models.watermark import THRESHOLD, prepare

Scores = npt.NDArray[np.float32]
SEEN = 0.3  # opacity from which a mark counts in the ROC's area
OPACITY_STEPS = (0.0, 0.2, 0.3, 0.45, 0.6, 1.0)
THRESHOLDS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
TILE, SHOWN = (150, 112), 8


@dataclass(frozen=True)
class Measured:
    """Pictures' lines and the detector's probabilities of them, in the same order."""

    examples: Sequence[Example]
    scores: Scores

    def of(self, wanted: Callable[[Example], bool]) -> Scores:
        """The probabilities of those examples."""
        return self.scores[[wanted(example) for example in self.examples]]

    @property
    def clean(self) -> Scores:
        """The probabilities of all pictures without a mark."""
        return self.of(lambda example: not example.kind)

    @property
    def plain(self) -> Scores:
        """The probabilities of those without a mark and without distractors."""
        return self.of(lambda example: not example.kind and not example.distractors)

    def marked(self, least: float = 0.0, most: float = 1.1, kind: str | None = None) -> Scores:
        """The probabilities of marks with an opacity from `least` to below `most`, of one kind or of all."""
        return self.of(
            lambda example: (
                bool(example.kind) and kind in (None, example.kind) and least <= (example.opacity or 0) < most
            )
        )

    def area(self) -> float:
        """The area under the ROC of marks that are at least 0.3 opaque, against all clean pictures."""
        from sklearn.metrics import roc_auc_score

        marks, clean = self.marked(SEEN), self.clean
        truth = np.repeat([1, 0], [len(marks), len(clean)])
        return float(roc_auc_score(truth, np.concatenate([marks, clean])))


def measured(folder: Path, detector: Callable[[npt.NDArray[np.uint8]], Scores]) -> Measured:
    """Judge every picture of a synthesised folder, as the pipeline would: from its bytes.

    PreflightError where it has no clean pictures, or no marks that are opaque enough to count.
    """
    examples = read_table(folder / TABLE)
    if all(one.kind for one in examples) or all((one.opacity or 0) < SEEN for one in examples):
        raise PreflightError(
            f"{folder} has not both clean pictures and marks at least {SEEN} opaque; synthesise more"
        )
    scores = [detector(prepare(decoded((folder / one.file).read_bytes()))[None])[0] for one in examples]
    return Measured(examples, np.array(scores, np.float32))


def share(part: npt.NDArray[np.bool_]) -> str:
    """Of how many how many, as a share."""
    return f"{part.mean():.1%} of {len(part)}" if len(part) else "none"


def lines(found: Measured, threshold: float) -> Iterator[str]:
    """The figures as Markdown: the whole, by kind, by opacity, by distractor, by threshold."""
    yield f"ROC AUC of marks at least {SEEN} opaque: {found.area():.4f}"
    yield f"false alarms: {share(found.clean > threshold)} clean, {share(found.plain > threshold)} without distractors"
    yield f"missed: {share(found.marked(SEEN) <= threshold)} at least {SEEN} opaque"
    yield "\n| mark | missed, at least 0.3 opaque | missed, fainter |\n|---|---|---|"
    for kind in sorted({example.kind for example in found.examples} - {""}):
        strong, faint = found.marked(SEEN, kind=kind), found.marked(0, SEEN, kind)
        yield f"| `{kind}` | {share(strong <= threshold)} | {share(faint <= threshold)} |"
    yield "\n| opacity | missed |\n|---|---|"
    for low, high in pairwise(OPACITY_STEPS):
        yield f"| {low} to {high} | {share(found.marked(low, high) <= threshold)} |"
    yield "\n| in the scene | false alarms |\n|---|---|"
    named = {name for example in found.examples for name in example.distractors.split()}
    for name in sorted(named):
        shown = found.of(lambda example, name=name: not example.kind and name in example.distractors.split())  # type: ignore[misc]
        yield f"| `{name}` | {share(shown > threshold)} |"
    yield from thresholds(found)


def thresholds(found: Measured) -> Iterator[str]:
    """The table to choose a threshold by: what it misses, and what it costs."""
    yield "\n| threshold | marks missed (at least 0.3 opaque) | clean pictures lost |\n|---|---|---|"
    marks, clean = found.marked(SEEN), found.clean
    for step in THRESHOLDS:
        yield f"| {step} | {(marks <= step).mean():.1%} | {(clean > step).mean():.1%} |"


def contact_sheet(folder: Path, found: Measured, threshold: float) -> Image.Image:
    """Hits, misses and false alarms, the clearest of each to the left: a row each, with probabilities."""
    order = np.argsort(found.scores)
    marks = [i for i in order if found.examples[i].kind and (found.examples[i].opacity or 0) >= SEEN]
    clean = [i for i in order[::-1] if not found.examples[i].kind]
    hits = [i for i in marks[::-1] if found.scores[i] > threshold]
    spread = hits[:: max(1, len(hits) // SHOWN)][:SHOWN]
    rows = (
        ("hits", spread),
        ("misses", [i for i in marks if found.scores[i] <= threshold][:SHOWN]),
        ("false alarms", [i for i in clean if found.scores[i] > threshold][:SHOWN]),
    )
    wide, tall = TILE
    sheet = Image.new("RGB", (wide * SHOWN, (tall + 30) * len(rows)), "white")
    draw, letters = ImageDraw.Draw(sheet), font(11)
    for y, (title, chosen) in enumerate(rows):
        top = y * (tall + 30)
        draw.text((3, top + 1), title, "black", letters)
        for x, i in enumerate(chosen):
            example = found.examples[i]
            picture = decoded((folder / example.file).read_bytes()).resize((wide - 4, tall - 2))
            sheet.paste(picture, (x * wide, top + 15))
            label = f"{found.scores[i]:.2f} {example.kind or example.distractors or 'clean'}"
            draw.text((x * wide + 2, top + tall + 14), label[:26], "black", letters)
    return sheet


def measure(
    folder: Annotated[Path, typer.Argument(help="What `goldpan watermarks synthesise` wrote.")],
    detector: Annotated[str, typer.Option(help="watermark (built in), or watermark-anti-sus.")] = "watermark",
    threshold: Annotated[float, typer.Option(help="More than this probability is a mark.")] = THRESHOLD,
    sheet: Annotated[Path | None, typer.Option(help="A PNG of hits, misses and false alarms.")] = None,
    threads: Annotated[int, typer.Option(min=1, help="Threads of the detector.")] = 1,
) -> None:
    """Tell what a detector finds, misses and takes for a mark; and the table to choose a threshold by."""
    found = measured(folder, Watermark(threads, "cpu", detector))
    print("\n".join(lines(found, threshold)))
    if sheet is not None:
        drawn = contact_sheet(folder, found, threshold)
        drawn.quantize(128, Image.Quantize.MEDIANCUT).save(sheet, optimize=True)


measure_command = explained(measure)
