"""A gate by any ONNX classifier: one row says how its input is made, which output counts, and what passes."""

from __future__ import annotations

from enum import StrEnum

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from models.inference import infer
from models.registry import ModelRow, Task, Weights
from models.row_file import InputRow
from models.session import Session

_BATCH = 8


class Activation(StrEnum):
    """What is done to the outputs before one of them is the score."""

    NONE = "none"
    SIGMOID = "sigmoid"
    SOFTMAX = "softmax"


class GateRow(InputRow):
    """One classifier of the user's: its outputs, and what passes."""

    outputs: int = Field(1, ge=1, description="numbers it gives for a picture")
    index: int = Field(0, ge=0, description="which of them is the score")
    activation: Activation = Activation.NONE
    keep_above: float | None = None
    keep_below: float | None = None

    @model_validator(mode="after")
    def _consistent(self) -> GateRow:
        if self.index >= self.outputs:
            raise ValueError(f"index {self.index} is not among {self.outputs} outputs: they count from 0")
        if self.is_remote and self.sha256 is None:
            raise ValueError("a model that is downloaded needs its sha256: see what its publisher says")
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
    scored: npt.NDArray[np.float32] = _activated(infer(session, pixels, _BATCH), row.activation)[:, row.index]
    return scored


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
