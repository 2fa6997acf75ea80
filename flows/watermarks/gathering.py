"""``goldpan watermarks gather LIST --out DIR``: free pictures out of Debian's packages, to train over.

LIST is a table of ``package,path,member,sha256``: a picture's path in a package, its name in the archive that is there
(a zip, or a Qt resource file, whose WebP pictures are counted from 0), and what its bytes hash to.
``docs/watermark-backgrounds.csv`` lists what the built-in detector learnt from, of Debian 12. All of Debian's main
archive is free to use, change and pass on.
"""

from __future__ import annotations

import csv
import re
import subprocess
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import typer
from PIL import Image, ImageOps

from flows.demo.paint.noise import Random, generator
from flows.exits import PreflightError, explained
from models.registry import write_atomically

LONGEST = 3000  # pixels of the longer side at most
QUALITY = 95
OPAQUE = 250  # mean alpha from which a picture has no ground to be laid on
RIFF, WEBP = b"RIFF", b"WEBP"
COLUMNS = ("package", "path", "member", "sha256")
# Debian policy, 5.6.1: https://www.debian.org/doc/debian-policy/ch-controlfields.html
PACKAGE = re.compile(r"[a-z0-9][a-z0-9.+-]+")
SHOWN = 5


@dataclass(frozen=True, order=True)
class Listed:
    """A line of the table; `member` is empty for a picture that is a file of its own."""

    package: str
    path: str
    member: str
    sha256: str

    @property
    def name(self) -> str:
        """The file it is written to."""
        inside = Path(self.path).with_suffix("").as_posix() + (f"/{self.member}" if self.member else "")
        return f"{self.package}_{inside.removeprefix('usr/share/').replace('/', '_')}.jpg".replace(" ", "_")


def gather(
    table: Annotated[Path, typer.Argument(metavar="LIST", help="A CSV of package, path, member and sha256.")],
    out: Annotated[
        Path, typer.Option(help="The folder to write the pictures to; what is there stays as it is.")
    ],
) -> None:
    """Take the pictures of LIST out of Debian's packages, as JPEG. Needs apt-get and dpkg-deb."""
    listed = read_list(table)
    out.mkdir(parents=True, exist_ok=True)
    absent: list[Listed] = []
    for package, group in groupby(sorted(listed), lambda one: one.package):
        lines = list(group)
        wanted = [one for one in lines if not (out / one.name).exists()]
        missed = take(package, wanted, out) if wanted else []
        absent += missed
        print(f"{package}: {len(lines) - len(missed)} pictures", flush=True)
    if absent:
        shown = "; ".join(" ".join((one.package, one.path, one.member)).strip() for one in absent[:SHOWN])
        shown += " …" if len(absent) > SHOWN else ""
        raise PreflightError(
            f"{len(absent)} of {len(listed)} pictures are others in this release of Debian, or none: {shown}; the rest "
            f"is in {out}"
        )
    print(f"{out}: {len(listed)} pictures")


gather_command = explained(gather)


def take(package: str, wanted: Sequence[Listed], out: Path) -> list[Listed]:
    """Write a package's pictures; return those that it has not."""
    with unpacked(package) as root:
        return [one for one in wanted if not write(one, root, out)]


def read_list(table: Path) -> list[Listed]:
    """The lines of a table; PreflightError where it is not there, is another, or names a package as none is named."""
    try:
        with table.open(newline="") as file:
            listed = [Listed(*(line[column] or "" for column in COLUMNS)) for line in csv.DictReader(file)]
    except (OSError, KeyError, UnicodeDecodeError, csv.Error) as error:
        raise PreflightError(f"{table} is no table of {', '.join(COLUMNS)}: {error}") from error
    names: dict[str, Listed] = {}
    for one in listed:
        # Anything else could be an option, or a pattern.
        if not PACKAGE.fullmatch(one.package) or not one.path or "\0" in one.path:
            raise PreflightError(f"{table}: {one.package!r} is no package's name, or no path follows it")
        if one.name in names:
            raise PreflightError(f"{table}: {one.path} and {names[one.name].path} would both be {one.name}")
        names[one.name] = one
    if not listed:
        raise PreflightError(f"{table} lists no pictures")
    return listed


@contextmanager
def unpacked(package: str) -> Iterator[Path]:
    """A package's files in a folder that goes away; PreflightError where it cannot be had."""
    with TemporaryDirectory() as folder:
        _called(("apt-get", "download", "-qq", "--", package), Path(folder))
        found = list(Path(folder).glob("*.deb"))
        if len(found) != 1:
            raise PreflightError(f"apt-get gives {len(found)} packages for {package}; name one")
        root = Path(folder) / "root"
        _called(("dpkg-deb", "-x", str(found[0]), str(root)), Path(folder))
        yield root


def _called(command: Sequence[str], where: Path) -> None:
    try:
        subprocess.run(command, cwd=where, check=True, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise PreflightError(
            f"{command[0]} is not here: gather pictures on Debian, or on a kin of it"
        ) from error
    except subprocess.CalledProcessError as error:
        raise PreflightError(
            f"{' '.join(command)} failed: {error.stderr.strip()} (is `apt-get update` done, and Debian's main archive "
            "among the sources?)"
        ) from error


def write(one: Listed, root: Path, out: Path) -> bool:
    """Write a picture as JPEG, a transparent one laid on a ground; tell whether the package has it, with that hash."""
    try:
        found = content(one, root)
        if sha256(found).hexdigest() != one.sha256:
            return False
        with Image.open(BytesIO(found)) as image:
            picture = grounded(ImageOps.exif_transpose(image), generator(f"ground {one.name}", 0))
    except (OSError, LookupError, zipfile.BadZipFile, Image.DecompressionBombError):
        return False
    picture.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
    # Whoever stops this half-way finds no half picture.
    whole = BytesIO()
    picture.save(whole, "JPEG", quality=QUALITY)
    write_atomically(out / one.name, whole.getvalue())
    return True


def content(one: Listed, root: Path) -> bytes:
    """A picture's bytes; LookupError where there is no such member, or the path leads out of the package."""
    file = (root / one.path).resolve()
    if not file.is_relative_to(root.resolve()):
        raise LookupError(one.path)
    if not one.member:
        return file.read_bytes()
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            return archive.read(one.member)
    if not one.member.isdecimal():
        raise LookupError(one.member)
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
    cut = image.convert("RGBA")
    if np.asarray(cut)[..., 3].mean() >= OPAQUE:
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
