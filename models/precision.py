"""The same weights in fewer bits: int8 for the CPU, fp16 for the GPU, taken only where they decide as fp32 does."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from models.registry import (
    BrokenModelError,
    HashMismatchError,
    ModelRow,
    WeightsMissingError,
    file_sha256,
    models_folder,
    resolve_weights,
    weights_path,
    write_atomically,
)

# The share of accept-or-reject decisions that have to be those of fp32, and the images it takes to tell.
AGREEMENT = 0.995
LEAST_IMAGES = 200
# Of these, so many accepted and so many refused: where all are far from the threshold, any precision would agree.
LEAST_EITHER = 20
_RECORD = "precisions.json"


class Precision(StrEnum):
    """How a model's weights are kept and multiplied."""

    FP32 = "fp32"
    INT8 = "int8"  # weights by channel, activations as they come: onnxruntime's dynamic quantisation
    FP16 = "fp16"  # input and output stay fp32


Asked = Literal["auto", "fp32", "int8", "fp16"]
MADE = (Precision.INT8, Precision.FP16)


class Measured(BaseModel):
    """What one precision gave on the images of the measurement, beside fp32; cosines are those with fp32's vectors."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: str
    least_cosine: float
    median_cosine: float
    agreement: float
    images_per_cpu_second: float


class Record(BaseModel):
    """A model's precisions, measured on this machine; ``source`` is the sha256 of the fp32 file they were made of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    images: int
    accepted: int
    threads: int
    measured: dict[Precision, Measured]

    def agrees(self, precision: Precision) -> bool:
        """Tell whether a precision decides as fp32 does, on images that can tell."""
        found = self.measured.get(precision)
        return found is not None and self.tells and found.agreement >= AGREEMENT

    @property
    def tells(self) -> bool:
        """Tell whether there were enough images, accepted and refused, to choose by."""
        return self.images >= LEAST_IMAGES and min(self.accepted, self.images - self.accepted) >= LEAST_EITHER

    def best(self, device: Literal["cpu", "cuda"]) -> Precision:
        """Choose what agrees: the faster of fp32 and int8 on a CPU; fp16 on a GPU, which is made for it."""
        if device == "cuda":
            return Precision.FP16 if self.agrees(Precision.FP16) else Precision.FP32
        able = [one for one in (Precision.FP32, Precision.INT8) if one is Precision.FP32 or self.agrees(one)]
        return max(able, key=lambda one: self.measured[one].images_per_cpu_second)


def choose(row: ModelRow, device: Literal["cpu", "cuda"], asked: Asked) -> Precision:
    """Decide how a model runs: as asked, else the best that was measured here, else fp32."""
    if asked != "auto":
        return Precision(asked)
    found = read_record(row)
    return Precision.FP32 if found is None else found.best(device)


def read_record(row: ModelRow) -> Record | None:
    """Return what was measured of the model that is here, or None; BrokenModelError where it cannot be read."""
    return _record_of(row, file_sha256(resolve_weights(row)))


def _record_of(row: ModelRow, source: str) -> Record | None:
    path = _named(row, source, _RECORD)
    if not path.is_file():
        return None
    try:
        found = Record.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise BrokenModelError(
            f"{path} is no record of goldpan models quantise; remove it, and run that again"
        ) from error
    return found if found.source == source else None


def write_record(row: ModelRow, record: Record) -> Path:
    """Keep what was measured."""
    return write_atomically(_named(row, record.source, _RECORD), record.model_dump_json(indent=2).encode())


def precise_weights(row: ModelRow, precision: Precision) -> tuple[Path, str]:
    """Return a model's file in a precision, and the sha256 of the fp32 file that it stands for.

    Raises WeightsMissingError where it was not made of the fp32 file that is here, and HashMismatchError where it is
    not the file that was measured.
    """
    path = resolve_weights(row)
    source = file_sha256(path)
    if precision is Precision.FP32:
        return path, source
    made, record = _made(row, source, precision), _record_of(row, source)
    if record is None or precision not in record.measured or not made.is_file():
        raise WeightsMissingError(
            f"{row.name} in {precision} was not made here: run goldpan models quantise {row.name} on this machine"
        )
    if file_sha256(made) != record.measured[precision].sha256:
        raise HashMismatchError(
            f"{made} is not the file that was measured: run goldpan models quantise {row.name} again"
        )
    return made, source


def precision_path(row: ModelRow, precision: Precision) -> Path:
    """Name the file, in a precision other than fp32, of the model that is here."""
    return _made(row, file_sha256(resolve_weights(row)), precision)


def _made(row: ModelRow, source: str, precision: Precision) -> Path:
    return _named(row, source, f"{precision}.onnx")


def make(row: ModelRow, precision: Precision) -> Path:
    """Make a model's file in int8 or fp16 from its fp32 file; BrokenModelError where its graph cannot be converted."""
    source, target = resolve_weights(row), precision_path(row, precision)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        made = Path(folder) / target.name
        try:
            if precision is Precision.INT8:
                _to_int8(source, made)
            else:
                _to_fp16(source, made)
        # What onnx and its converters raise on a graph that they do not know.
        except (ValueError, RuntimeError, AttributeError, KeyError, TypeError) as error:
            raise BrokenModelError(
                f"{row.name} cannot be made {precision}: {str(error)[:200]}; leave it fp32"
            ) from error
        made.replace(target)
    return target


def _to_int8(source: Path, target: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with _without_advice():
        quantize_dynamic(
            source,
            target,
            # Convolutions stay fp32: onnxruntime has no quick integer kernel for them without calibration.
            op_types_to_quantize=["MatMul", "Gemm"],
            per_channel=True,
            # 7 bits: the kernels of CPUs without VNNI overflow at 8, and the file may run on one.
            reduce_range=True,
            weight_type=QuantType.QInt8,
        )


@contextmanager
def _without_advice() -> Iterator[None]:
    # That the graph could be optimised first is told by the root logger.
    root, level = logging.getLogger(), logging.getLogger().level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(level)


def _to_fp16(source: Path, target: Path) -> None:
    import onnx
    from onnxruntime.transformers.float16 import convert_float_to_float16

    onnx.save(convert_float_to_float16(onnx.load(source), keep_io_types=True), target)


def _named(row: ModelRow, source: str, ending: str) -> Path:
    # Many a model of a user's is called model.onnx.
    return models_folder() / f"{weights_path(row).stem}-{source[:8]}.{ending}"
