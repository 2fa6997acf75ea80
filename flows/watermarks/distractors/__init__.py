"""What looks like a mark and belongs to the scene: signs, wires, branches, borders, light."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum

from PIL import Image

from flows.watermarks.distractors import borders, light, lines, patterns, signs
from flows.watermarks.lettering import Pen


class Distractor(StrEnum):
    """What is in the scene, and no mark."""

    SIGN = "sign"
    PAINTED_TEXT = "painted_text"
    BORDER = "border"
    BRANCHES = "branches"
    WIRES = "wires"
    EDGES = "edges"
    FLARE = "flare"
    REFLECTION = "reflection"
    SPECKS = "specks"
    FACADE = "facade"
    STROKES = "strokes"


PAINTERS: Mapping[Distractor, Callable[[Pen, Image.Image], Image.Image]] = {
    Distractor.SIGN: signs.sign,
    Distractor.PAINTED_TEXT: signs.painted_text,
    Distractor.BORDER: borders.border,
    Distractor.BRANCHES: lines.branches,
    Distractor.WIRES: lines.wires,
    Distractor.EDGES: lines.edges,
    Distractor.FLARE: light.flare,
    Distractor.REFLECTION: light.reflection,
    Distractor.SPECKS: patterns.specks,
    Distractor.FACADE: patterns.facade,
    Distractor.STROKES: lines.strokes,
}


def distracted(pen: Pen, picture: Image.Image, most: int = 2) -> tuple[Image.Image, tuple[Distractor, ...]]:
    """The picture with one to `most` distractors, and which; a border comes last, as it does in a camera."""
    kinds = list(Distractor)
    chosen = {kinds[pen.any_of(len(kinds))] for _ in range(1 + pen.any_of(most))}
    ordered = sorted(chosen, key=lambda kind: (kind is Distractor.BORDER, kind))
    for kind in ordered:
        picture = PAINTERS[kind](pen, picture)
    return picture, tuple(ordered)
