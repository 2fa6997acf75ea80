"""A smaller ONNX file: weights are stored in 16 or 8 bits, and computed with in 32."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

Floats = npt.NDArray[np.float32]
SMALLEST = 64  # values; what has fewer stays as it is
# From so many values on, 8 bits and a scale an output channel: the deepest layers, which do not tell the difference.
LARGEST = 100_000


def in_bytes(values: Floats) -> tuple[npt.NDArray[np.int8], Floats]:
    """Whole numbers from -127 to 127 and a scale for each first index, whose product is nearest to the values."""
    highest = np.abs(values).reshape(len(values), -1).max(1)
    scale = (np.maximum(highest, 1e-12) / 127).astype(np.float32).reshape(-1, *(1,) * (values.ndim - 1))
    return np.rint(values / scale).astype(np.int8), scale


def stored(values: Floats) -> Floats:
    """The values as the file will have them."""
    if values.size < SMALLEST:
        return values
    if values.size < LARGEST:
        return values.astype(np.float16).astype(np.float32)
    whole, scale = in_bytes(values)
    return whole.astype(np.float32) * scale


def shrink(path: Path) -> None:
    """Rewrite the file so; where its weights are what `stored` gives, what it computes stays the same.

    ONNX Runtime folds the casts when it loads the file: no picture pays for them.
    """
    model = onnx.load(str(path))
    added: list[Any] = []
    for one in list(model.graph.initializer):
        values = numpy_helper.to_array(one)
        if values.dtype != np.float32 or values.size < SMALLEST:
            continue
        single, cast = f"{one.name}.single", f"{one.name}.cast"
        for node in model.graph.node:
            for i, name in enumerate(node.input):
                if name == one.name:
                    node.input[i] = single
        if values.size < LARGEST:
            one.CopyFrom(numpy_helper.from_array(values.astype(np.float16), one.name))
            added.append(helper.make_node("Cast", [one.name], [single], to=TensorProto.FLOAT))
            continue
        whole, scale = in_bytes(values)
        one.CopyFrom(numpy_helper.from_array(whole, one.name))
        model.graph.initializer.append(numpy_helper.from_array(scale, f"{one.name}.scale"))
        added.append(helper.make_node("Cast", [one.name], [cast], to=TensorProto.FLOAT))
        added.append(helper.make_node("Mul", [cast, f"{one.name}.scale"], [single]))
    for node in reversed(added):
        model.graph.node.insert(0, node)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
