"""What is said of a model in one frozen row: where its weights come from, and what its input is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Task(StrEnum):
    """What a model is for."""

    ENCODER = "encoder"
    WATERMARK = "watermark"
    GATE = "gate"


class ResizeRule(StrEnum):
    """How a picture of any shape becomes a square; all but the last see the whole picture."""

    # By whole pixels first where the picture is large: not what a reference gives, and a fraction of its time.
    STRETCH_QUICK = "stretch_quick"
    STRETCH_BICUBIC = "stretch_bicubic"
    STRETCH_LANCZOS = "stretch_lanczos"
    # nomad sent 512² pictures to anti_sus, which made 224² of them; their taste files know no other pixels.
    STRETCH_LANCZOS_VIA_512 = "stretch_lanczos_via_512"
    # As CLIP was trained: the shorter side to the size, and the middle of the longer one.
    CROP_BICUBIC = "crop_bicubic"


class Layout(StrEnum):
    """The order of the axes of a model's input."""

    NCHW = "nchw"
    NHWC = "nhwc"


class Weights(StrEnum):
    """Where a row's file comes from."""

    BUILT = "built"  # by the project itself, into the cache
    COMMITTED = "committed"  # beside this module, in models/weights
    RELEASE = "release"  # a published file, fetched on request and never implicitly
    USER = "user"  # a file that the settings or a row of the user's name


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One model: its file, its input and its output.

    ``size`` is the side of the square input in pixels; ``mean`` and ``std`` are per RGB channel on the scale
    0…1; ``sha256`` is hex, or None where the publisher gives none; ``output_name`` None means the only
    output; ``dimension`` is the width of one output row; ``normalise`` scales each row to length 1.
    """

    name: str
    task: Task
    weights: Weights
    file: str
    input_name: str
    size: int
    dimension: int
    licence: str
    source: str
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    resize: ResizeRule = ResizeRule.STRETCH_BICUBIC
    layout: Layout = Layout.NCHW
    output_name: str | None = None
    normalise: bool = False
    sha256: str | None = None
    url: str | None = None
