"""Letters: Pillow's own font, so that a machine without fonts paints the same, and words to set in it."""

from __future__ import annotations

from functools import lru_cache

from PIL import ImageFont

from flows.demo.paint.noise import Random

_COMMON = """
the of and to in is you that it he was for on are as with his they at be this have from or one had by word
but not what all were we when your can said there use an each which she do how their if will up other about
out many then them these so some her would make like him into time has look two more write go see number no
way could people my than first water been call who oil its now find long down day did get come made may part
over new sound take only little work know place year live me back give most very after thing our just name
good sentence man think say great where help through much before line right too mean old any same tell boy
follow came want show also around form three small set put end does
"""
WORDS = tuple(_COMMON.split())


@lru_cache(maxsize=128)
def font(size: int) -> ImageFont.FreeTypeFont:
    """Pillow's bundled font at that many pixels."""
    loaded = ImageFont.load_default(max(size, 6))
    if not isinstance(loaded, ImageFont.FreeTypeFont):
        raise RuntimeError("Pillow was built without FreeType; install a Pillow wheel from the package index")
    return loaded


def words(rng: Random, count: int) -> str:
    """So many words, the first one capitalised."""
    return " ".join(WORDS[i] for i in rng.integers(0, len(WORDS), count)).capitalize()


def paragraph(rng: Random, characters: int, lines: int) -> list[str]:
    """Lines of about so many characters, the last one short."""
    drawn = [words(rng, 1 + int(characters / 4.6))[:characters] for _ in range(lines)]
    drawn[-1] = drawn[-1][: int(characters * rng.uniform(0.2, 0.8))]
    return drawn
