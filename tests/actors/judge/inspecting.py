"""An inspection of bytes in a process of its own, which a crash ends and a hang too."""

from __future__ import annotations

import resource
from dataclasses import dataclass

from actors.crawler.peek import LONGEST_HEAD, unwanted
from actors.judge.look import Look, empty_row
from actors.judge.steps import Inspect, Study
from models import decode, watermark
from models.gates import ContentGates, ShapeGates
from models.quality import QualityGates
from models.reasons import Reason
from models.registry import encoder_row
from tests.actors.judge.odd_files import MEGAPIXELS

LONGEST_SECONDS = 5.0
GATES = ShapeGates(min_pixels=0, max_wide=1e9, max_tall=1e9, max_pixels=MEGAPIXELS * 1_000_000)
# Odd files may be of one colour.
ANY_QUALITY = QualityGates(min_contrast=None)


@dataclass(frozen=True, slots=True)
class Inspected:
    """Why an image ended (None: it is looked at further), and the ``peak`` of the process's memory in MiB."""

    reason: Reason | None
    peak: float


def inspect(data: bytes) -> Inspected:
    """Take bytes the way of an image: peeked at by the crawler, inspected, and decoded for the watermark detector."""
    unwanted(data[:LONGEST_HEAD], GATES)
    look = Look(empty_row("odd/0"), memoryview(data))
    content = ContentGates(quality=ANY_QUALITY)
    Inspect(GATES, encoder_row("gist"), thumbs=True, seconds=LONGEST_SECONDS, gates=content)([look])
    if look.reason is None:
        Study(ANY_QUALITY, GATES.max_pixels, seconds=LONGEST_SECONDS)([look])
        shown = decode.open_rgb(data, shortest=2 * watermark.SIZE, max_pixels=GATES.max_pixels)
        watermark.prepare(shown)
    return Inspected(look.reason, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def inspect_with_a_defect(data: bytes) -> Inspected:
    """Do it with a decoder that some images stop."""
    from tests.chaos.planted import sitecustomize  # noqa: F401 - it changes Pillow, in this process alone

    return inspect(data)
