"""Text that is part of the scene: boards, plates and posters, and letters painted on things."""

from __future__ import annotations

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from flows.demo.paint.canvas import Size
from flows.watermarks import phrases
from flows.watermarks.distractors.warp import Corners, lit, seen_aslant, warped
from flows.watermarks.lettering import Pen, Sheet, lettered, stacked

SCALE = 80.0  # pixels of the flat thing's letters, before it is seen from aside


def _text(pen: Pen, most: int) -> Sheet:
    script = pen.script()
    lines = []
    for _ in range(1 + pen.any_of(most)):
        says = phrases.title if pen.chance(0.5) else phrases.name
        lines.append(lettered(pen, says(pen.rng, script), SCALE * pen.between(0.4, 1), script))
    return stacked(pen, lines, SCALE * 0.3)


def _somewhere(pen: Pen, size: Size, shape: Size) -> Corners:
    """Where a thing of that shape hangs: in the scene's middle rather than at its rim."""
    width = size[0] * pen.between(0.08, 0.4)
    height = min(width * shape[1] / shape[0], size[1] * 0.5)
    x = pen.between(0.02, 0.95) * (size[0] - width)
    y = pen.between(0.1, 0.85) * (size[1] - height)
    return seen_aslant(pen, (x, y, x + width, y + height))


def sign(pen: Pen, picture: Image.Image) -> Image.Image:
    """A board with letters, opaque, in perspective, lit and blurred like the rest; sometimes on a post."""
    text = _text(pen, 3)
    room = round(SCALE * pen.between(0.2, 0.7))
    size = (text.width + 2 * room, text.height + 2 * room)
    ground, ink = _colours(pen)
    board = Image.new("RGB", size, ground)
    board.paste(ink, (room, room), text)
    if pen.chance(0.5):
        ImageDraw.Draw(board).rectangle((4, 4, size[0] - 5, size[1] - 5), None, ink, max(2, room // 6))
    corners = _somewhere(pen, picture.size, size)
    layer = warped(board, corners, picture.size)
    mask = warped(Image.new("L", size, 255), corners, picture.size)
    if pen.chance(0.4):
        x, y = (corners[2][0] + corners[3][0]) / 2, (corners[2][1] + corners[3][1]) / 2
        post = (x, y, x + max(2, picture.width * 0.008), picture.height)
        ImageDraw.Draw(mask).rectangle(post, 255)
        ImageDraw.Draw(layer).rectangle(post, tuple(level // 2 for level in ground))
    return lit(pen, picture, layer, mask)


def _colours(pen: Pen) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """A ground and an ink that stand apart."""
    ground = pen.rng.integers(20, 250, 3)
    ink = pen.rng.integers(0, 70, 3) if ground.mean() > 128 else pen.rng.integers(185, 256, 3)
    return tuple(int(level) for level in ground), tuple(int(level) for level in ink)


def painted_text(pen: Pen, picture: Image.Image) -> Image.Image:
    """Letters painted, carved or sprayed on something of the scene: in perspective, its texture shows through."""
    text = _text(pen, 2)
    corners = _somewhere(pen, picture.size, text.size)
    mask = warped(text, corners, picture.size)
    if pen.chance(0.4):
        # Weathered: the ground's own texture has worn holes into the paint.
        grain = picture.convert("L").filter(ImageFilter.DETAIL)
        mask = ImageChops.multiply(mask, grain.point(lambda level: min(255, round(level * 1.6))))
    colour = tuple(int(level) for level in pen.rng.integers(0, 256, 3))
    return lit(pen, picture, Image.new("RGB", picture.size, colour), mask)
