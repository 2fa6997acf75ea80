"""EfficientNetV2-B0's structure with random weights, as ONNX: what it costs to run, where its file cannot be had.

Stages as Tan & Le (2021, EfficientNetV2) and timm's ``tf_efficientnetv2_b0`` have them, normalisation folded into the
convolutions; one logit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

# Of each stage: blocks, stride, expansion, channels; and whether the expansion is a convolution of its own.
STAGES = (
    (1, 1, 1, 16, False),
    (2, 2, 4, 32, False),
    (2, 2, 4, 48, False),
    (3, 2, 4, 96, True),
    (5, 1, 6, 112, True),
    (8, 2, 6, 192, True),
)
STEM, HEAD, SQUEEZE = 32, 1280, 4


class Graph:
    """Nodes and weights as they are added; a tensor is known by its name."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self._random = np.random.default_rng(0)

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add a node; returns its output."""
        output = f"{kind}{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def weight(self, *shape: int) -> str:
        """Add random weights of a variance that keeps the output's; returns their name."""
        scale = 1 / np.sqrt(np.prod(shape[1:]) or 1)
        held = (self._random.normal(size=shape) * scale).astype(np.float32)
        name = f"weights{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(held, name))
        return name

    def convolution(
        self, x: str, *, wide: int, out: int, side: int = 1, stride: int = 1, groups: int = 1
    ) -> str:
        """Add a convolution with a bias."""
        pads = [side // 2] * 4
        held = self.weight(out, wide // groups, side, side), self.weight(out)
        return self.node("Conv", x, *held, strides=[stride] * 2, pads=pads, group=groups)

    def silu(self, x: str) -> str:
        """Add x · sigmoid(x)."""
        return self.node("Mul", x, self.node("Sigmoid", x))


def build() -> bytes:
    """Return the model: ``input`` float32 [n, 3, 512, 512] to ``output`` [n, 1]."""
    graph = Graph()
    x, wide = graph.silu(graph.convolution("input", wide=3, out=STEM, side=3, stride=2)), STEM
    for blocks, stride, expansion, out, separate in STAGES:
        for number in range(blocks):
            step = stride if number == 0 else 1
            block = _separate if separate else _fused
            y = block(graph, x, wide, out, step, expansion)
            x, wide = (graph.node("Add", x, y) if step == 1 and wide == out else y), out
    x = graph.silu(graph.convolution(x, wide=wide, out=HEAD))
    x = graph.node("Flatten", graph.node("GlobalAveragePool", x))
    logit = graph.node("Gemm", x, graph.weight(1, HEAD), transB=1)
    ends = (
        helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", 3, 512, 512]),
        helper.make_tensor_value_info(logit, TensorProto.FLOAT, ["n", 1]),
    )
    made = helper.make_graph(graph.nodes, "efficientnetv2-b0", ends[:1], ends[1:], graph.weights)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    serialised: bytes = model.SerializeToString()
    return serialised


def _fused(graph: Graph, x: str, wide: int, out: int, stride: int, expansion: int) -> str:
    """A convolution of 3 × 3 that widens, then one of 1 × 1; without expansion the first alone."""
    if expansion == 1:
        return graph.silu(graph.convolution(x, wide=wide, out=out, side=3, stride=stride))
    inner = expansion * wide
    x = graph.silu(graph.convolution(x, wide=wide, out=inner, side=3, stride=stride))
    return graph.convolution(x, wide=inner, out=out)


def _separate(graph: Graph, x: str, wide: int, out: int, stride: int, expansion: int) -> str:
    """Widen by 1 × 1, convolve each channel by itself, weigh the channels, narrow by 1 × 1."""
    inner, squeezed = expansion * wide, wide // SQUEEZE
    x = graph.silu(graph.convolution(x, wide=wide, out=inner))
    x = graph.silu(graph.convolution(x, wide=inner, out=inner, side=3, stride=stride, groups=inner))
    means = graph.node("GlobalAveragePool", x)
    small = graph.silu(graph.convolution(means, wide=inner, out=squeezed))
    x = graph.node("Mul", x, graph.node("Sigmoid", graph.convolution(small, wide=squeezed, out=inner)))
    return graph.convolution(x, wide=inner, out=out)
