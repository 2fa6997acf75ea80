"""One ONNX model, loaded for one device, that says clearly what is wrong with it."""

from __future__ import annotations

from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from models.registry import (
    BrokenModelError,
    DeviceUnavailableError,
    Layout,
    ModelContractError,
    ModelRow,
    file_sha256,
)

Device = Literal["cpu", "cuda"]
_PROVIDERS: dict[str, str] = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}

# How protobuf writes that a tensor's values lie in another file: the entry "location" of its external data, field 13.
_LOCATION, _EXTERNAL = b"\x0a\x08location\x12", b"\x6a"

# Memory as it is asked for, not by doubling: two models share a GPU.
_OPTIONS: dict[str, dict[str, str]] = {"cpu": {}, "cuda": {"arena_extend_strategy": "kSameAsRequested"}}


class Session:
    """An onnxruntime session that keeps to its row's contract.

    ``fingerprint`` is the sha256 of the file, 64 hex digits; ``provider`` is the one that really runs; ``batch`` is
    the only number of pictures that it takes, None where any will do.
    Raises BrokenModelError, ModelContractError or DeviceUnavailableError.
    """

    def __init__(self, path: Path, row: ModelRow, *, threads: int, device: Device = "cpu") -> None:
        if not path.is_file():
            raise BrokenModelError(f"there is no model at {path}")
        self.row = row
        self.fingerprint = file_sha256(path)
        self._session = _open(path, threads, device)
        _check_whole(path)
        self.provider: str = self._session.get_providers()[0]
        if self.provider != _PROVIDERS[device]:
            raise DeviceUnavailableError(_no_device(device, self.provider))
        self.batch = self._check_input()
        self._output = self._output_name()

    def run(self, batch: npt.NDArray[np.float32] | npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Run one batch, [n, …] as the row's layout has it; returns float32 [n, dimension]."""
        if batch.shape[1:] != self._expected()[1:]:
            raise ModelContractError(f"{self.row.name} takes batches {self._expected()}, not {batch.shape}")
        if not len(batch):
            return np.empty((0, self.row.dimension), np.float32)
        try:
            raw = self._answer(batch)
        except _onnxruntime_errors() as error:
            raise ModelContractError(f"{self.row.name} cannot be run: {_first_line(error)}") from error
        output = np.asarray(raw, np.float32)
        if output.size != len(batch) * self.row.dimension:
            raise ModelContractError(
                f"{self.row.name} gave {output.shape} for {len(batch)} pictures, not {self.row.dimension} each"
            )
        return output.reshape(len(batch), self.row.dimension)

    def _answer(self, batch: npt.NDArray[Any]) -> Any:
        if self.provider == _PROVIDERS["cpu"]:
            return self._session.run([self._output], {self.row.input_name: batch})[0]
        return run_bound(self._session, self.row.input_name, batch, self._output, "cuda")

    def _expected(self) -> tuple[int | str, int, int, int]:
        size = self.row.size
        return ("n", 3, size, size) if self.row.layout is Layout.NCHW else ("n", size, size, 3)

    def _check_input(self) -> int | None:
        inputs = {node.name: node.shape for node in self._session.get_inputs()}
        shape = inputs.get(self.row.input_name)
        if shape is None:
            raise ModelContractError(
                f"{self.row.name} should have an input {self.row.input_name!r}; this has {', '.join(inputs)}"
            )
        expected = self._expected()
        # A dimension that is not a number is free.
        fixed = zip(shape[1:], expected[1:], strict=False)
        if len(shape) != 4 or any(isinstance(have, int) and have != want for have, want in fixed):
            raise ModelContractError(
                f"{self.row.name} should take {expected}; this file takes {tuple(shape)}"
            )
        return shape[0] if isinstance(shape[0], int) else None

    def _output_name(self) -> str:
        kinds = {str(node.name): str(node.type) for node in self._session.get_outputs()}
        name = self.row.output_name or next(iter(kinds))
        if name not in kinds:
            raise ModelContractError(
                f"{self.row.name} should have an output {name!r}; this has {', '.join(kinds)}"
            )
        # Classifiers of other libraries give words, or a map for each picture.
        if not kinds[name].startswith("tensor(") or kinds[name] == "tensor(string)":
            raise ModelContractError(
                f"{self.row.name} should give numbers; {name!r} of this file gives {kinds[name]}. Name another "
                f"output in its row, or export it without: this has {', '.join(kinds)}"
            )
        return name


def _check_whole(path: Path) -> None:
    """Make sure that all of a model is in its file, as newer exporters leave it not; raises BrokenModelError."""
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
        at = content.find(_LOCATION)
        if at >= 0 and _EXTERNAL in content[at - 3 : at]:
            raise BrokenModelError(
                f"{path} has its weights in another file, which its sha256 says nothing of: make it one file "
                f"with onnx.save(onnx.load({str(path)!r}), 'whole.onnx'), and take that"
            )


def run_bound(session: Any, name: str, batch: npt.NDArray[Any], output: str, device: Device) -> Any:
    """Run one batch with its input and its output bound, so that only this output comes back from the device."""
    binding = session.io_binding()
    binding.bind_cpu_input(name, np.ascontiguousarray(batch))
    binding.bind_output(output, device)
    session.run_with_iobinding(binding)
    return binding.copy_outputs_to_cpu()[0]


def _open(path: Path, threads: int, device: Device) -> Any:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Spinning threads of several sessions starve each other on the same cores.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if device == "cuda":
        _prepare_cuda(ort)
    provider = _PROVIDERS[device]
    if provider not in ort.get_available_providers():
        raise DeviceUnavailableError(_no_device(device, "no such provider"))
    try:
        session = ort.InferenceSession(str(path), options, providers=[(provider, _OPTIONS[device])])
    except _onnxruntime_errors() as error:
        raise BrokenModelError(f"{path} is not a model that can be read: {_first_line(error)}") from error
    # By itself onnxruntime would go on on the CPU when the device fails.
    session.disable_fallback()
    return session


def _prepare_cuda(ort: Any) -> None:
    # The CUDA libraries of the pip packages are found only after this call (onnxruntime ≥ 1.21).
    if hasattr(ort, "preload_dlls"):
        ort.preload_dlls()


def _onnxruntime_errors() -> tuple[type[Exception], ...]:
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    names = (
        "Fail",
        "InvalidArgument",
        "InvalidGraph",
        "InvalidProtobuf",
        "NoModel",
        "NotImplemented",
        "RuntimeException",
    )
    return (*(getattr(state, name) for name in names if hasattr(state, name)), ValueError)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__


def _no_device(device: Device, got: str) -> str:
    return (
        f"the {device} device was asked for and onnxruntime gives {got}; "
        "install the extra 'cuda' and a driver, or ask for the cpu"
    )
