"""The gates' limits: on size and shape, declared before a download and real after, and on what is in the file."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, field_validator

from models.classifier import GateRow
from models.quality import QualityGates
from models.reasons import Reason


class ShapeGates(BaseModel):
    """Limits on an image's size and shape; sizes are in pixels, after EXIF orientation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_pixels: int = Field(1280 * 1024, ge=0, description="smallest area, width times height")
    max_wide: float = Field(3.0, gt=0, description="largest width / height")
    max_tall: float = Field(2.0, gt=0, description="largest height / width")
    max_pixels: int = Field(200_000_000, gt=0, description="largest area that is decoded")

    def reason(self, width: int, height: int) -> Reason | None:
        """Tell why an image of this size is not wanted, or None where it passes."""
        if width * height > self.max_pixels:
            return Reason.TOO_MANY_PIXELS
        if width * height < self.min_pixels:
            return Reason.TOO_SMALL
        if width > self.max_wide * height:
            return Reason.TOO_WIDE
        if height > self.max_tall * width:
            return Reason.TOO_TALL
        return None


class Synthetic(StrEnum):
    """What to do with a picture whose metadata says that a model made it."""

    REJECT = "reject"
    KEEP = "keep"


class ContentGates(BaseModel):
    """What an image has to pass beside its size and the taste."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    quality: QualityGates = QualityGates()
    models: tuple[GateRow, ...] = Field((), description="classifiers, asked in this order")
    synthetic: Synthetic = Field(
        Synthetic.REJECT, description="what metadata says a model made: reject or keep"
    )

    @field_validator("models")
    @classmethod
    def _told_apart(cls, rows: tuple[GateRow, ...]) -> tuple[GateRow, ...]:
        names = [row.name for row in rows]
        if len(set(names)) < len(names):
            raise ValueError(f"each gate needs a name of its own; these have {', '.join(names)}")
        return rows
