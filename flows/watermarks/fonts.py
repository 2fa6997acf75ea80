"""The fonts of this machine, and the scripts that each of them can set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from fontTools.ttLib import TTFont, TTLibError
from PIL import ImageFont

from flows.demo.paint.lettering import font as pillows_own
from flows.demo.paint.noise import Random
from flows.watermarks.phrases import SCRIPTS, Script

FOLDERS = (
    Path("/usr/share/fonts"),
    Path("/usr/local/share/fonts"),
    Path("~/.fonts"),
    Path("~/.local/share/fonts"),
    Path("/Library/Fonts"),
    Path("/System/Library/Fonts"),
    Path("C:/Windows/Fonts"),
)
SUFFIXES = (".ttf", ".otf")
# They have letters' codes and draw something else.
NO_LETTERS = ("LastResort", "cmex", "cmsy", "cmmi", "STIXNonUni", "STIXSiz", "Symbol", "Dingbats", "Emoji")


@dataclass(frozen=True)
class Face:
    """A font file and the scripts it has the letters of; without a file it is Pillow's own."""

    file: Path | None
    scripts: tuple[Script, ...]

    def at(self, size: int) -> ImageFont.FreeTypeFont:
        """The font at that many pixels."""
        return pillows_own(size) if self.file is None else _sized(self.file, max(size, 6))


@dataclass(frozen=True)
class Faces:
    """All fonts to draw marks with, by script."""

    of_script: Mapping[Script, tuple[Face, ...]]

    def choose(self, rng: Random, script: Script) -> Face:
        """Any font that has the script."""
        faces = self.of_script[script]
        return faces[int(rng.integers(len(faces)))]

    @property
    def scripts(self) -> tuple[Script, ...]:
        """The scripts that some font has."""
        return tuple(self.of_script)


def find_faces(more: Sequence[Path] = ()) -> Faces:
    """Pillow's font, matplotlib's, the system's, and those in the folders `more`, ordered by file name.

    The same files give the same order on every machine; other files, other marks.
    """
    from matplotlib import get_data_path

    folders = (Path(get_data_path()) / "fonts" / "ttf", *FOLDERS, *more)
    files = {file.name: file for folder in folders for file in _files(folder.expanduser())}
    faces = [Face(None, (Script.LATIN,)), *(_face(files[name]) for name in sorted(files))]
    found = {script: tuple(face for face in faces if script in face.scripts) for script in SCRIPTS}
    return Faces({script: found[script] for script in found if found[script]})


def _files(folder: Path) -> Iterable[Path]:
    if not folder.is_dir():
        return ()
    return (
        file
        for file in folder.rglob("*")
        if file.suffix.lower() in SUFFIXES and not file.name.startswith(NO_LETTERS)
    )


def _face(file: Path) -> Face:
    try:
        with TTFont(file, lazy=True) as read:
            letters = set(read.getBestCmap() or ())
    except (TTLibError, OSError):
        return Face(file, ())  # not a font, whatever its name says: it sets nothing
    able = [script for script, alphabet in SCRIPTS.items() if letters.issuperset(map(ord, alphabet.letters))]
    return Face(file, tuple(able))


@lru_cache(maxsize=256)
def _sized(file: Path, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(file), size)
