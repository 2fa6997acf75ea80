"""``goldpan watermarks gather LIST --out DIR``: free pictures out of Debian's packages, to train over.

LIST is a table of ``package,path,member``: a picture's path in a package, and its name in the archive that is there (a
zip, or a Qt resource file, whose WebP pictures are counted from 0). ``docs/watermark-backgrounds.csv`` lists what the
built-in detector learnt from. All of Debian's main archive is free to use, change and pass on.
"""

from __future__ import annotations

import csv
import subprocess
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import typer
from PIL import Image, UnidentifiedImageError

from flows.demo.paint.noise import Random, generator
from flows.exits import PreflightError, explained

LONGEST = 3000  # pixels of the longer side at most
QUALITY = 95
OPAQUE = 250  # mean alpha from which a picture has no ground to be laid on
RIFF, WEBP = b"RIFF", b"WEBP"


@dataclass(frozen=True, order=True)
class Listed:
    """A line of the table; `member` is empty for a picture that is a file of its own."""

    package: str
    path: str
    member: str

    @property
    def name(self) -> str:
        """The file it is written to: told apart by package, path and member."""
        inside = Path(self.path).with_suffix("").as_posix() + (f"/{self.member}" if self.member else "")
        return f"{self.package}_{inside.removeprefix('usr/share/').replace('/', '_')}.jpg".replace(" ", "_")


def gather(
    table: Annotated[Path, typer.Argument(metavar="LIST", help="A CSV of package, path and member.")],
    out: Annotated[Path, typer.Option(help="The folder to write the pictures to.")],
) -> None:
    """Take the pictures of LIST out of Debian's packages, as JPEG. Needs apt-get and dpkg-deb."""
    out.mkdir(parents=True, exist_ok=True)
    listed = read_list(table)
    for package, lines in groupby(sorted(listed), lambda one: one.package):
        with unpacked(package) as root:
            written = [write(one, root, out) for one in lines]
        print(f"{package}: {len(written)} pictures", flush=True)
    print(f"{out}: {len(listed)} pictures")


gather_command = explained(gather)


def read_list(table: Path) -> list[Listed]:
    """The lines of a table; PreflightError where it is not there, or is another."""
    try:
        with table.open(newline="") as file:
            return [Listed(line["package"], line["path"], line["member"]) for line in csv.DictReader(file)]
    except (OSError, KeyError, UnicodeDecodeError) as error:
        raise PreflightError(f"{table} is no table of package, path and member: {error}") from error


@contextmanager
def unpacked(package: str) -> Iterator[Path]:
    """A package's files in a folder that goes away; PreflightError where it cannot be had."""
    with TemporaryDirectory() as folder:
        _called(("apt-get", "download", "-qq", package), Path(folder))
        (file,) = Path(folder).glob("*.deb")
        root = Path(folder) / "root"
        _called(("dpkg-deb", "-x", str(file), str(root)), Path(folder))
        yield root


def _called(command: Sequence[str], where: Path) -> None:
    try:
        subprocess.run(command, cwd=where, check=True, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise PreflightError(
            f"{command[0]} is not here: gather pictures on Debian, or on a kin of it"
        ) from error
    except subprocess.CalledProcessError as error:
        raise PreflightError(f"{' '.join(command[:-1])} failed: {error.stderr.strip()}") from error


def write(one: Listed, root: Path, out: Path) -> Path:
    """Write a picture as JPEG, a transparent one laid on a ground; PreflightError where the package has it no more."""
    try:
        with Image.open(BytesIO(content(one, root))) as image:
            picture = grounded(image, generator(f"ground {one.name}", 0))
    except (OSError, KeyError, IndexError, zipfile.BadZipFile, UnidentifiedImageError) as error:
        raise PreflightError(
            f"{one.package} has no picture {one.path} {one.member}: take the line out"
        ) from error
    picture.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
    picture.save(out / one.name, quality=QUALITY)
    return out / one.name


def content(one: Listed, root: Path) -> bytes:
    """A picture's bytes."""
    file = root / one.path
    if not one.member:
        return file.read_bytes()
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            return archive.read(one.member)
    return list(webp_of(file.read_bytes()))[int(one.member)]


def webp_of(resources: bytes) -> Iterator[bytes]:
    """The WebP pictures that lie in a file uncompressed, as Qt's resource compiler leaves them (RIFF container)."""
    at = resources.find(RIFF)
    while at >= 0:
        end = at + 8 + int.from_bytes(resources[at + 4 : at + 8], "little")
        if resources[at + 8 : at + 12] == WEBP and end <= len(resources):
            yield resources[at:end]
        else:
            end = at + len(RIFF)
        at = resources.find(RIFF, end)


def grounded(image: Image.Image, rng: Random) -> Image.Image:
    """An RGB picture; one that is cut out is laid on a white, grey, plain or graded ground with some room."""
    cut = image.convert("RGBA") if image.mode in ("RGBA", "LA", "PA", "P") else None
    if cut is None or np.asarray(cut)[..., 3].mean() >= OPAQUE:
        return image.convert("RGB")
    width, height = (round(side * (1 + rng.uniform(0, 0.5))) for side in cut.size)
    ends = rng.uniform(0, 255, (2, 3)) if rng.random() < 0.6 else np.full((2, 3), rng.uniform(215, 255))
    if rng.random() < 0.4:
        ends[1] = ends[0]
    share = np.linspace(0, 1, height)[:, None, None]
    ground = np.broadcast_to(ends[0] * (1 - share) + ends[1] * share, (height, width, 3))
    laid = Image.fromarray(ground.astype(np.uint8))
    laid.paste(cut, ((width - cut.width) // 2, (height - cut.height) // 2), cut)
    return laid
