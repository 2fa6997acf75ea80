"""Tiny ONNX graphs for tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from models.registry import ModelRow, Task, Weights


def mean_colour(
    path: Path,
    *,
    name: str = "input",
    size: int | str = 8,
    outputs: int = 3,
    batch: int | str = "n",
    kind: int = TensorProto.FLOAT,
) -> Path:
    """Write a model of the mean of each channel: float32 [n, 3, size, size] in, [n, 3] (or 1) out."""
    axes = [2, 3] if outputs == 3 else [1, 2, 3]
    node = helper.make_node("ReduceMean", [name], ["means"], axes=axes, keepdims=0)
    wide = helper.make_tensor_value_info(name, kind, [batch, 3, size, size])
    narrow = helper.make_tensor_value_info("means", kind, [batch, 3] if outputs == 3 else [batch])
    graph = helper.make_graph([node], "tiny", [wide], [narrow])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(path))
    return path


def tiny_row(**changes: object) -> ModelRow:
    """Return the row that mean_colour's model keeps to, with changes."""
    fields: dict[str, object] = {
        "name": "tiny",
        "task": Task.ENCODER,
        "weights": Weights.RELEASE,
        "file": "tiny.onnx",
        "input_name": "input",
        "size": 8,
        "dimension": 3,
        "licence": "Apache-2.0",
        "source": "a test",
    }
    return ModelRow(**(fields | changes))  # type: ignore[arg-type]


def pooled(
    path: Path,
    *,
    size: int,
    dimension: int,
    name: str = "input",
    output: str = "output",
    first: bool = True,
    scale: float = 1.0,
) -> Path:
    """Write a model of fixed weights on the mean colours: [n, 3, size, size] in, [n, dimension] out.

    Where its output is not the ``first``, that is one of every pixel, as exports of transformers have it.
    """
    weights = np.random.default_rng(dimension).normal(scale=scale, size=(3, dimension)).astype(np.float32)
    nodes = [
        helper.make_node("ReduceMean", [name], ["means"], axes=[2, 3], keepdims=0),
        helper.make_node("MatMul", ["means", "weights"], [output]),
        helper.make_node("Identity", [name], ["last_hidden_state"]),
    ]
    wide = helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 3, size, size])
    narrow = helper.make_tensor_value_info(output, TensorProto.FLOAT, ["n", dimension])
    all_of_it = helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["n", 3, size, size])
    outputs = [narrow] if first else [all_of_it, narrow]
    graph = helper.make_graph(
        nodes[: 1 + len(outputs)], "pooled", [wide], outputs, [numpy_helper.from_array(weights, "weights")]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(path))
    return path


def square_root(path: Path) -> Path:
    """Write a model that answers NaN for what is darker than grey: the root of the mean, less a half."""
    nodes = [
        helper.make_node("ReduceMean", ["input"], ["means"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Constant", [], ["half"], value_float=0.5),
        helper.make_node("Sub", ["means", "half"], ["less"]),
        helper.make_node("Sqrt", ["less"], ["root"]),
    ]
    wide = helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", 3, 8, 8])
    narrow = helper.make_tensor_value_info("root", TensorProto.FLOAT, ["n"])
    graph = helper.make_graph(nodes, "root", [wide], [narrow])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, str(path))
    return path


def in_two_files(path: Path, source: Path) -> Path:
    """Write a model again as newer exporters do: its weights in another file, beside it."""
    name = f"{path.name}.data"
    onnx.save_model(onnx.load(source), path, save_as_external_data=True, location=name, size_threshold=0)
    return path


def words(path: Path) -> Path:
    """Write a classifier that gives the name of a class for each picture."""
    nodes = [
        helper.make_node("Flatten", ["input"], ["flat"]),
        helper.make_node("ArgMax", ["flat"], ["class"], axis=1, keepdims=0),
        helper.make_node(
            "LabelEncoder",
            ["class"],
            ["label"],
            domain="ai.onnx.ml",
            keys_int64s=[0],
            values_strings=["cat"],
            default_string="dog",
        ),
    ]
    wide = helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", 3, 8, 8])
    label = helper.make_tensor_value_info("label", TensorProto.STRING, ["n"])
    graph = helper.make_graph(nodes, "words", [wide], [label])
    domains = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 2)]
    onnx.save(helper.make_model(graph, opset_imports=domains, ir_version=8), str(path))
    return path
