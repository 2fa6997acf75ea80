"""ViT-B/32 of the true size and structure with seeded random weights: what CLIP costs, without CLIP."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

_SEED = 2021
_VERSION = 1


@dataclass(frozen=True, slots=True)
class VitShape:
    """The sizes of a vision transformer; ``size`` and ``patch`` in pixels, ``out`` the embedding's numbers."""

    size: int
    patch: int
    width: int
    heads: int
    layers: int
    out: int

    @property
    def tokens(self) -> int:
        """The patches and the class token."""
        return (self.size // self.patch) ** 2 + 1

    @property
    def recipe(self) -> str:
        """16 hex digits that name what build_vit builds, without building it."""
        return sha256(f"{_VERSION} {_SEED} {self}".encode()).hexdigest()[:16]


VIT_B32 = VitShape(size=224, patch=32, width=768, heads=12, layers=12, out=512)


@dataclass(slots=True)
class _Graph:
    shape: VitShape
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    weights: list[onnx.TensorProto] = field(default_factory=list)
    random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(_SEED))

    def constant(self, value: npt.NDArray[np.generic]) -> str:
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(value, name))
        return name

    def matrix(self, *shape: int) -> str:
        # Uniform numbers of variance 1/fan-in: exact arithmetic, so the file is the same on every platform.
        fan_in = np.prod(shape[1:]) if len(shape) == 4 else shape[0]
        half = np.float32(np.sqrt(3 / fan_in))
        return self.constant((self.random.random(shape, np.float32) * 2 - 1) * half)

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        name = f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def norm(self, x: str) -> str:
        one, zero = np.ones(self.shape.width, np.float32), np.zeros(self.shape.width, np.float32)
        return self.op(
            "LayerNormalization", x, self.constant(one), self.constant(zero), axis=-1, epsilon=1e-5
        )

    def linear(self, x: str, inner: int, outer: int) -> str:
        bias = self.constant(np.zeros(outer, np.float32))
        return self.op("Add", self.op("MatMul", x, self.matrix(inner, outer)), bias)

    def shaped(self, x: str, *shape: int) -> str:
        return self.op("Reshape", x, self.constant(np.asarray(shape, np.int64)))


def build_vit(shape: VitShape) -> bytes:
    """Return the ONNX model: input float32 [n, 3, size, size], output float32 [n, out].

    Structure after Dosovitskiy et al. 2021 (An image is worth 16x16 words) as in Radford et al. 2021 (CLIP):
    no bias on the patches, a norm before the first block, QuickGELU, a projection of the class token.
    """
    graph = _Graph(shape)
    x = _patches(graph)
    for _ in range(shape.layers):
        x = graph.op("Add", x, _attention(graph, graph.norm(x)))
        x = graph.op("Add", x, _mlp(graph, graph.norm(x)))
    token = graph.op("Gather", x, graph.constant(np.asarray(0, np.int64)), axis=1)
    graph.op("MatMul", graph.norm(token), graph.matrix(shape.width, shape.out))
    graph.nodes[-1].output[0] = "output"
    serialised: bytes = _model(graph).SerializeToString(deterministic=True)
    return serialised


def _patches(graph: _Graph) -> str:
    shape = graph.shape
    kernel = graph.matrix(shape.width, 3, shape.patch, shape.patch)
    patches = graph.op("Conv", "input", kernel, strides=[shape.patch, shape.patch])
    rows = graph.op("Transpose", graph.shaped(patches, 0, shape.width, -1), perm=[0, 2, 1])
    # The class token is a row of zeros in front: its learned value is part of the positions added next.
    padded = graph.op("Pad", rows, graph.constant(np.asarray([0, 1, 0, 0, 0, 0], np.int64)))
    return graph.norm(graph.op("Add", padded, graph.matrix(shape.tokens, shape.width)))


def _attention(graph: _Graph, x: str) -> str:
    width, heads, tokens = graph.shape.width, graph.shape.heads, graph.shape.tokens
    depth = width // heads
    joint = graph.shaped(graph.linear(x, width, 3 * width), 0, tokens, 3, heads, depth)
    turned = graph.op("Transpose", joint, perm=[2, 0, 3, 1, 4])
    query, key, value = (
        graph.op("Gather", turned, graph.constant(np.asarray(i, np.int64)), axis=0) for i in range(3)
    )
    scaled = graph.op("Mul", query, graph.constant(np.asarray(depth**-0.5, np.float32)))
    weights = graph.op("Softmax", graph.op("MatMul", scaled, graph.op("Transpose", key, perm=[0, 1, 3, 2])))
    mixed = graph.op("Transpose", graph.op("MatMul", weights, value), perm=[0, 2, 1, 3])
    return graph.linear(graph.shaped(mixed, 0, tokens, width), width, width)


def _mlp(graph: _Graph, x: str) -> str:
    width = graph.shape.width
    wide = graph.linear(x, width, 4 * width)
    gate = graph.op("Sigmoid", graph.op("Mul", wide, graph.constant(np.asarray(1.702, np.float32))))
    return graph.linear(graph.op("Mul", wide, gate), 4 * width, width)


def _model(graph: _Graph) -> onnx.ModelProto:
    shape = graph.shape
    wide = helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", 3, shape.size, shape.size])
    narrow = helper.make_tensor_value_info("output", TensorProto.FLOAT, ["n", shape.out])
    built = helper.make_graph(graph.nodes, "vit-random", [wide], [narrow], graph.weights)
    return helper.make_model(
        built, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="goldpan"
    )
