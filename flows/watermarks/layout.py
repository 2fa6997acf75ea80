"""The layout of labelled pictures: ``watermark`` and ``no_watermark``, split by the picture they were made of."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from flows.exits import PreflightError
from flows.watermarks.synthesise import CLEAN, MARKED, TABLE, picture_files, read_table

TEST_SHARE = 5  # one source in so many is tested on, and never trained on


@dataclass(frozen=True)
class Labelled:
    """A picture, whether it is marked, and the picture it was made of (itself, where no table says)."""

    file: Path
    marked: bool
    source: str

    @property
    def is_test(self) -> bool:
        """Whether it is tested on: all pictures of one source are, or none."""
        return zlib.crc32(self.source.encode()) % TEST_SHARE == 0


def read_layout(folder: Path) -> list[Labelled]:
    """The labelled pictures of a folder, by name; PreflightError where it has not both kinds."""
    table = folder / TABLE
    sources = {one.file: one.source for one in read_table(table)} if table.is_file() else {}
    found = []
    for part in (CLEAN, MARKED):
        if not (folder / part).is_dir():
            raise PreflightError(
                f"{folder} has no folder {part}; `goldpan watermarks synthesise` writes what is wanted"
            )
        for file in picture_files(folder / part):
            name = file.relative_to(folder).as_posix()
            found.append(Labelled(file, part == MARKED, sources.get(name, file.name)))
    check_split(found)
    return found


def check_split(found: Sequence[Labelled]) -> None:
    """Make sure that there is something of either kind to train on, and to test on."""
    have = {(one.marked, one.is_test) for one in found}
    if len(have) < 4:
        raise PreflightError(
            f"{len(found)} pictures of {len({one.source for one in found})} sources are too few to be split by "
            "source into a part to train on and one to test on; add pictures"
        )
