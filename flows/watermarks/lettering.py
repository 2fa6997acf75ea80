"""Lines of letters as coverage sheets: images of mode L, 255 where there is ink."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageDraw

from flows.demo.paint.noise import Random
from flows.watermarks.fonts import Face, Faces
from flows.watermarks.phrases import SCRIPTS, Script

Sheet = Image.Image
LEAST = 7  # pixels: letters below it are a smear in any font
# Half of the world's marks are Latin, whatever fonts there are.
LATIN_SHARE = 0.75


@dataclass(frozen=True)
class Pen:
    """What marks are drawn with: the random numbers of one picture, and the fonts."""

    rng: Random
    faces: Faces

    def script(self) -> Script:
        """Any script that the fonts have, mostly Latin."""
        others = [script for script in self.faces.scripts if script is not Script.LATIN]
        if not others or self.rng.random() < LATIN_SHARE:
            return Script.LATIN
        return others[int(self.rng.integers(len(others)))]

    def chance(self, share: float) -> bool:
        """True in that share of all calls."""
        return bool(self.rng.random() < share)

    def between(self, low: float, high: float) -> float:
        """A number from low to high."""
        return float(self.rng.uniform(low, high))

    def any_of(self, count: int) -> int:
        """A number from 0 to count - 1."""
        return int(self.rng.integers(count))


def lettered(pen: Pen, text: str, height: float, script: Script = Script.LATIN) -> Sheet:
    """One line of letters about `height` pixels high: bold, hollow, spaced, in capitals, narrowed, as it comes."""
    face = pen.faces.choose(pen.rng, script)
    size = max(LEAST, round(height))
    if script is Script.LATIN and pen.chance(0.2):
        text = text.upper() if pen.chance(0.7) else text.lower()
    if SCRIPTS[script].spaced and script is not Script.ARABIC and pen.chance(0.12):
        text = " ".join(text)
    bold = max(1, size // 18) if size > 16 and pen.chance(0.25) else 0
    sheet = hollow(face, text, size) if size > 28 and pen.chance(0.15) else solid(face, text, size, bold)
    if pen.chance(0.2):
        sheet = sheet.resize((max(8, round(sheet.width * pen.between(0.7, 1.4))), sheet.height))
    return sheet


def solid(face: Face, text: str, size: int, bold: int = 0) -> Sheet:
    """Filled letters, cut to their box."""
    font = face.at(size)
    left, top, right, bottom = font.getbbox(text, stroke_width=bold)
    sheet = Image.new("L", (max(1, int(right - left) + 2), max(1, int(bottom - top) + 2)))
    ImageDraw.Draw(sheet).text((1 - left, 1 - top), text, 255, font, stroke_width=bold)
    return sheet


def hollow(face: Face, text: str, size: int) -> Sheet:
    """The letters' outlines alone."""
    stroke = max(1, size // 28)
    outer, inner = solid(face, text, size, stroke), solid(face, text, size)
    whole = Image.new("L", outer.size)
    whole.paste(inner, (stroke, stroke))
    return ImageChops.subtract(outer, whole)


def fitted(pen: Pen, text: str, width: float, tallest: float, script: Script) -> Sheet:
    """A line that is about `width` pixels long, and no higher than `tallest`."""
    sheet = lettered(pen, text, min(tallest, 1.7 * width / max(len(text), 3)), script)
    if sheet.width > width:
        sheet = sheet.resize((max(1, round(width)), max(1, round(sheet.height * width / sheet.width))))
    return sheet


def stacked(pen: Pen, sheets: list[Sheet], gap: float) -> Sheet:
    """Lines below each other, to the left, in the middle or to the right."""
    width = max(sheet.width for sheet in sheets)
    space = [round(gap)] * (len(sheets) - 1) + [0]
    whole = Image.new("L", (width, sum(sheet.height for sheet in sheets) + sum(space)))
    share, y = (0.0, 0.5, 0.5, 1.0)[pen.any_of(4)], 0
    for sheet, below in zip(sheets, space, strict=True):
        whole.paste(sheet, (round((width - sheet.width) * share), y))
        y += sheet.height + below
    return whole


def ringed(pen: Pen, text: str, radius: float, height: float) -> Sheet:
    """Letters along a circle, as on a seal."""
    side = round(2 * (radius + height)) + 4
    sheet = Image.new("L", (side, side))
    face = pen.faces.choose(pen.rng, Script.LATIN)
    step = height * 0.75 / radius
    shown = text[: int(2 * math.pi / step)]
    start = pen.between(0, 2 * math.pi) if pen.chance(0.3) else -math.pi / 2 - step * (len(shown) - 1) / 2
    for i, letter in enumerate(shown):
        angle = start + i * step
        turned = solid(face, letter, max(LEAST, round(height))).rotate(
            -math.degrees(angle) - 90, expand=True, resample=Image.Resampling.BILINEAR
        )
        x, y = side / 2 + radius * math.cos(angle), side / 2 + radius * math.sin(angle)
        at = (round(x - turned.width / 2), round(y - turned.height / 2))
        sheet.paste(255, at, turned)
    return sheet
