"""A gate by any ONNX classifier: one row says how its input is made, which output counts, and what passes."""

from __future__ import annotations

from enum import StrEnum

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, model_validator

from models.preprocess import to_input
from models.registry import Layout, ModelRow, ResizeRule, Task, Weights
from models.session import Session

_BATCH = 8


class Activation(StrEnum):
    """What is done to the outputs before one of them is the score."""

    NONE = "none"
    SIGMOID = "sigmoid"
    SOFTMAX = "softmax"


class GateRow(BaseModel):
    """One classifier of the user's. ``size`` is the side of its square input, ``mean`` and ``std`` are on 0…1."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")
    model: str = Field(min_length=1, description="a path, or an http(s) URL with its sha256")
    sha256: str | None = Field(None, pattern=r"^[0-9a-f]{64}$")
    size: int = Field(ge=8, le=2048)
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    layout: Layout = Layout.NCHW
    resize: ResizeRule = ResizeRule.STRETCH_BICUBIC
    input: str = "input"
    output: str | None = None
    outputs: int = Field(1, ge=1, description="numbers it gives for a picture")
    index: int = Field(0, ge=0, description="which of them is the score")
    activation: Activation = Activation.NONE
    keep_above: float | None = None
    keep_below: float | None = None

    @property
    def is_remote(self) -> bool:
        """Tell whether the model has to be downloaded."""
        return self.model.startswith(("https://", "http://"))

    @model_validator(mode="after")
    def _consistent(self) -> GateRow:
        if self.index >= self.outputs:
            raise ValueError(f"index {self.index} is not among {self.outputs} outputs: they count from 0")
        if self.is_remote and self.sha256 is None:
            raise ValueError("a model that is downloaded needs its sha256: see what its publisher says")
        if any(deviation <= 0 for deviation in self.std):
            raise ValueError("std must be above 0 in every channel")
        if self.activation is Activation.SOFTMAX and self.outputs == 1:
            raise ValueError("softmax of one output is always 1: give outputs, or take sigmoid")
        return self

    def keeps(self, score: float) -> bool:
        """Tell whether a picture of this score passes; what is not a number never does."""
        above = self.keep_above is None or score >= self.keep_above
        below = self.keep_below is None or score <= self.keep_below
        return bool(np.isfinite(score)) and above and below

    def model_row(self) -> ModelRow:
        """Give the row that its session and its preprocessing keep to."""
        return ModelRow(
            name=f"gate {self.name}",
            task=Task.GATE,
            weights=Weights.USER,
            file=self.model,
            sha256=self.sha256,
            input_name=self.input,
            output_name=self.output,
            size=self.size,
            dimension=self.outputs,
            mean=self.mean,
            std=self.std,
            layout=self.layout,
            resize=self.resize,
            licence="the user's to know",
            source=self.model,
        )


def scores(session: Session, row: GateRow, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Score squares, uint8 [n, size, size, 3]; returns float32 [n], with NaN where the model gave that."""
    found = np.empty(len(pixels), np.float32)
    step = session.batch or _BATCH
    for start in range(0, len(pixels), step):
        part = pixels[start : start + step]
        if session.batch:
            # A model exported for so many takes no fewer.
            part = np.resize(part, (step, *part.shape[1:]))
        raw = _activated(session.run(to_input(part, session.row)), row.activation)
        found[start : start + step] = raw[: len(found) - start, row.index]
    return found


def _activated(raw: npt.NDArray[np.float32], activation: Activation) -> npt.NDArray[np.float32]:
    with np.errstate(invalid="ignore"):
        match activation:
            case Activation.NONE:
                return raw
            case Activation.SIGMOID:
                # tanh saturates where exp overflows.
                logistic: npt.NDArray[np.float32] = np.float32(0.5) * (1 + np.tanh(np.float32(0.5) * raw))
                return logistic
            case Activation.SOFTMAX:
                # Less the largest, so that nothing overflows.
                powers = np.exp(raw - raw.max(axis=1, keepdims=True))
                shares: npt.NDArray[np.float32] = powers / powers.sum(axis=1, keepdims=True)
                return shares
