"""A world that shows a folder of the user's photographs, labelled in a labels.csv, instead of paintings."""

from __future__ import annotations

import csv
import hashlib
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from flows.demo.exhibits import Exhibit
from flows.demo.jobs import Job
from flows.demo.pictures import Photo
from flows.demo.posts import gallery_post, image_post
from flows.demo.subreddits import SUBREDDITS
from models.gates import ShapeGates
from models.reasons import Reason

LABELS = "labels.csv"
COLUMNS = ("file", "width", "height", "scenery")
GALLERY_SHARE = 0.2


class PhotosError(ValueError):
    """A folder of photographs that cannot be shown; its text names the way out."""


@dataclass(frozen=True, slots=True)
class Label:
    """One line of labels.csv; ``size`` is (width, height) in pixels."""

    path: Path
    size: tuple[int, int]
    scenery: bool


def photo_jobs(rng: random.Random, folder: Path) -> list[Job]:
    """A post for every photograph, or for a few in a gallery. Raises ``PhotosError``."""
    pool = _exhibits(read_labels(folder))
    rng.shuffle(pool)
    jobs = []
    while pool:
        count = rng.randint(2, 4) if rng.random() < GALLERY_SHARE else 1
        exhibits = tuple(pool.pop() for _ in range(min(count, len(pool))))
        scenic = sum(exhibit.scenic for exhibit in exhibits) * 2 > len(exhibits)
        weights = [s.weight * (s.scenic if scenic else 1 - s.scenic) for s in SUBREDDITS]
        carrier = gallery_post if len(exhibits) > 1 else image_post
        jobs.append(Job(carrier, exhibits, rng.choices(SUBREDDITS, weights)[0]))
    return jobs


def read_labels(folder: Path) -> list[Label]:
    """Read and check a folder's labels.csv (columns file, width, height, scenery). Raises ``PhotosError``."""
    table = folder / LABELS
    if not table.is_file():
        columns = ",".join(COLUMNS)
        raise PhotosError(
            f"{folder} has no {LABELS}: write one with the columns {columns}, a line a photograph"
        )
    with table.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        lacking = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
        if lacking:
            raise PhotosError(f"{table} lacks the column {', '.join(lacking)}; it needs {', '.join(COLUMNS)}")
        labels = list(_labels(table, reader))
    if not labels:
        raise PhotosError(f"{table} names no photograph: add a line for each")
    return labels


def _labels(table: Path, reader: csv.DictReader[str]) -> Iterator[Label]:
    for row in reader:
        path = table.parent / row["file"]
        if not path.is_file():
            raise PhotosError(
                f"{table}:{reader.line_num} names {row['file']}, which is not there: remove the line"
            )
        try:
            yield Label(path, (int(row["width"]), int(row["height"])), int(row["scenery"]) == 1)
        except (TypeError, ValueError):
            message = "width and height must be whole numbers, scenery 0 or 1"
            raise PhotosError(f"{table}:{reader.line_num}: {message}") from None


def _exhibits(labels: Iterable[Label]) -> list[Exhibit]:
    """What becomes of each photograph; of equal files one is wanted, and the others are its duplicates."""
    found: list[Exhibit] = []
    seen: set[str] = set()
    for label in labels:
        reason, photo = ShapeGates().reason(*label.size), Photo(label.path, label.size)
        if reason or not label.scenery:
            found.append(Exhibit((reason or Reason.UNLIKE_TASTE,), photo))
            continue
        content = hashlib.sha256(label.path.read_bytes()).hexdigest()
        reasons = (Reason.DUPLICATE, Reason.FITS) if content in seen else (Reason.FITS, Reason.DUPLICATE)
        seen.add(content)
        found.append(Exhibit(reasons, photo, acceptable=True, duplicate_set=content))
    return found
