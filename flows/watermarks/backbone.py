"""The text detector that the built-in detector grows from: PP-OCRv3's, as rapidocr-onnxruntime brings it.

Strokes at any scale are what it was trained on, on far more pictures than can be made here; Apache-2.0. Its backbone
is MobileNetV3-Large at half its width and without gates (Howard et al. 2019, arXiv:1905.02244).
"""

from __future__ import annotations

from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from flows.exits import PreflightError

PACKAGE = "rapidocr_onnxruntime"  # 1.2.3 has this file; read as data, and never imported
# Without what it requires: another build of ONNX Runtime, over goldpan's own.
INSTALL = "pip install --no-deps rapidocr-onnxruntime==1.2.3"
FILE = "models/ch_PP-OCRv3_det_infer.onnx"
SHA256 = "3439588c030faea393a54515f51e983d8e155b19a2e8aba7891934c1cf0de526"
FINE, MIDDLE, FAR = 24, 56, 480  # features at an eighth, a sixteenth and a thirty-second
NORMALISED = 1e-5  # added to a variance, as PaddlePaddle does
# By channel of a picture from 0 to 1, in the order in which it was given pictures: blue, green, red.
MEAN, DEVIATION = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
# Of each block: the kernel's side, the width inside, the width it gives, the stride, and whether it is hard-swished.
TO_EIGHTH = (
    (3, 8, 8, 1, False), (3, 32, 16, 2, False), (3, 40, 16, 1, False), (5, 40, 24, 2, False), (5, 64, 24, 1, False),
    (5, 64, 24, 1, False),
)  # fmt: skip
TO_SIXTEENTH = (
    (3, 120, 40, 2, True), (3, 104, 40, 1, True), (3, 96, 40, 1, True), (3, 96, 40, 1, True), (3, 240, 56, 1, True),
    (3, 336, 56, 1, True),
)  # fmt: skip
TO_THIRTY_SECOND = ((5, 336, 80, 2, True), (5, 480, 80, 1, True), (5, 480, 80, 1, True))
Floats = npt.NDArray[np.float32]


def stages() -> tuple[Any, Any, Any]:
    """The detector's stages as torch modules, without weights: to an eighth, on to a sixteenth, to a thirty-second.

    What its layers were normalised by while it was trained is folded into their weights: a layer is a convolution.
    """
    from torch import nn

    class Block(nn.Module):  # type: ignore[misc]
        """Pointwise, depthwise, pointwise; with a residual where neither width nor size changes."""

        def __init__(self, inside: int, side: int, wide: int, outside: int, stride: int, swish: bool) -> None:
            super().__init__()
            activation = nn.Hardswish if swish else nn.ReLU
            self.residual = stride == 1 and inside == outside
            self.body = nn.Sequential(
                nn.Conv2d(inside, wide, 1), activation(),
                nn.Conv2d(wide, wide, side, stride, side // 2, groups=wide), activation(),
                nn.Conv2d(wide, outside, 1),
            )  # fmt: skip

        def forward(self, x: Any) -> Any:
            return x + self.body(x) if self.residual else self.body(x)

    def blocks(inside: int, rows: tuple[tuple[int, int, int, int, bool], ...]) -> list[Any]:
        widths = [inside, *(row[2] for row in rows)]
        return [Block(width, *row) for width, row in zip(widths, rows, strict=False)]

    first = [nn.Conv2d(3, 8, 3, 2, 1), nn.Hardswish(), *blocks(8, TO_EIGHTH)]
    last = [*blocks(MIDDLE, TO_THIRTY_SECOND), nn.Conv2d(80, FAR, 1), nn.Hardswish()]
    return nn.Sequential(*first), nn.Sequential(*blocks(FINE, TO_SIXTEENTH)), nn.Sequential(*last)


def weights_file() -> Path:
    """The network's file in the installed package; PreflightError where it is not there, or is another one."""
    found = find_spec(PACKAGE)
    where = found and found.submodule_search_locations
    file = Path(next(iter(where or ())), FILE) if where else None
    if file is None or not file.is_file() or sha256(file.read_bytes()).hexdigest() != SHA256:
        raise PreflightError(
            f"training this starts from {FILE} of {PACKAGE} 1.2.3, which is not here: {INSTALL}"
        )
    return file


def pretrain(parts: tuple[Any, ...]) -> None:
    """Give the stages the text detector's weights: its file has them in the order of the modules, and a head's after.

    It padded with the mean of its pictures, and these pad with grey: that shows at a picture's edges alone.
    """
    import torch

    first, *others = convolutions(weights_file())
    theirs = [values for layer in (of_red_green_blue(*first), *others) for values in layer]
    parameters = [parameter for part in parts for parameter in part.parameters()]
    with torch.no_grad():
        for ours, values in zip(parameters, theirs[: len(parameters)], strict=True):
            ours.copy_(torch.from_numpy(values))


def of_red_green_blue(weight: Floats, bias: Floats) -> tuple[Floats, Floats]:
    """The first layer for pictures from -1 to 1, red first: it was trained on others, normalised by channel."""
    half = weight / (2 * DEVIATION).reshape(1, 3, 1, 1)
    shift = (weight * ((0.5 - MEAN) / DEVIATION).reshape(1, 3, 1, 1)).sum((1, 2, 3))
    return half[:, ::-1].astype(np.float32), (bias + shift).astype(np.float32)


def convolutions(file: Path) -> list[tuple[Floats, Floats]]:
    """Weights and biases of a file's convolutions, what normalises each folded in; those with none are left out."""
    import onnx

    graph = onnx.load(str(file)).graph
    values = {
        node.output[0]: onnx.numpy_helper.to_array(node.attribute[0].t)
        for node in graph.node
        if node.op_type == "Constant"
    }
    weights = {node.output[0]: values[node.input[1]] for node in graph.node if node.op_type == "Conv"}
    found = []
    for node in graph.node:
        if node.op_type != "BatchNormalization" or node.input[0] not in weights:
            continue
        scale, shift, mean, variance = (values[name] for name in node.input[1:])
        factor = scale / np.sqrt(variance + NORMALISED)
        weight = weights[node.input[0]] * factor.reshape(-1, 1, 1, 1)
        found.append((weight.astype(np.float32), (shift - mean * factor).astype(np.float32)))
    return found
