"""The built-in detector as a torch module, and its ONNX file. Needs the extra `train`."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from models.registry import ModelContractError
from models.watermark import SIZE

OPSET = 17
AGREEING = 1e-4


def network() -> Any:
    """The detector: pictures [n, 3, h, w] → (logits [n, 1], cell logits [n, 1, h/16, w/16]).

    A patch stem and residual blocks (depthwise, then pointwise) at an eighth and a sixteenth; what is seen at a
    thirty-second is laid over it, and each cell says whether a mark touches it. A picture's logit is read from
    the likeliest cells (a mark may be small), from the strongest response of each feature, and from the means.
    There is no normalisation: the trunk starts from weights that were trained with one, folded in.
    """
    import torch
    from torch import nn
    from torch.nn.functional import interpolate

    class Block(nn.Module):  # type: ignore[misc]
        def __init__(self, channels: int, kernel: int) -> None:
            super().__init__()
            depthwise = nn.Conv2d(channels, channels, kernel, 1, kernel // 2, groups=channels)
            self.body = nn.Sequential(depthwise, nn.Conv2d(channels, channels, 1), nn.ReLU())

        def forward(self, x: Any) -> Any:
            return x + self.body(x)

    def new(block: Any) -> Any:
        # The earlier detector had none here: it begins by changing little.
        block.is_new = True
        with torch.no_grad():
            block.body[1].weight.mul_(0.1)
        return block

    class Detector(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.trunk = nn.Sequential(
                nn.Conv2d(3, 32, 6, 4, 1), nn.ReLU(), new(Block(32, 3)),
                nn.Conv2d(32, 48, 3, 2, 1), nn.ReLU(), Block(48, 3), Block(48, 3), new(Block(48, 3)),
                nn.Conv2d(48, 96, 3, 2, 1), nn.ReLU(), Block(96, 5), Block(96, 5),
            )  # fmt: skip
            self.around = nn.Sequential(
                nn.Conv2d(96, 160, 3, 2, 1), nn.ReLU(), Block(160, 5), Block(160, 5), nn.Conv2d(160, 96, 1)
            )
            self.merged = nn.Sequential(nn.ReLU(), Block(96, 5), Block(96, 3), Block(96, 3))
            self.cells = nn.Conv2d(96, 1, 1)
            self.picture = nn.Linear(3 * 96, 1)
            nn.init.zeros_(self.around[-1].weight)

        def forward(self, x: Any) -> Any:
            pooled, cells = self.pooled(x)
            return self.picture(pooled), cells

        def pooled(self, x: Any) -> Any:
            """What the picture's logit is read from, [n, 288], and the cell logits."""
            fine = self.trunk(x)
            features = self.merged(fine + interpolate(self.around(fine), scale_factor=2, mode="nearest"))
            cells = self.cells(features)
            flat = features.flatten(2)
            likeliest = (flat * torch.softmax(cells.flatten(2), 2)).sum(2)
            return torch.cat([likeliest, flat.amax(2), flat.mean(2)], 1), cells

    return Detector()


def start_from(detector: Any, path: Path) -> None:
    """Give the detector an earlier one's weights, from its ONNX file: all of them, or of the first kind the trunk's.

    ModelContractError is raised where the file has other layers.
    """
    import onnx
    import torch

    graph = onnx.load(str(path)).graph
    stored = {one.name: onnx.numpy_helper.to_array(one) for one in graph.initializer}
    theirs = [
        stored[name] for node in graph.node if node.op_type in ("Conv", "Gemm") for name in node.input[1:]
    ]
    old = [part for part in detector.trunk if not getattr(part, "is_new", False)]
    trunk = [parameter for part in old for parameter in part.parameters()]
    whole = list(detector.parameters())
    mine = whole if len(theirs) == len(whole) else trunk
    shapes = [tuple(parameter.shape) for parameter in mine]
    if shapes != [values.shape for values in theirs[: len(mine)]]:
        raise ModelContractError(
            f"{path} has other layers than the built-in detector; start from one of its files"
        )
    with torch.no_grad():
        for ours, values in zip(mine, theirs, strict=False):
            ours.copy_(torch.from_numpy(values.copy()))


def export(detector: Any, path: Path) -> float:
    """Write the ONNX file and return the largest difference between its logits and torch's on noise."""
    import torch

    class Picture(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.detector = detector

        def forward(self, x: Any) -> Any:
            return self.detector(x)[0]

    return export_logit(Picture(), path)


def export_logit(module: Any, path: Path) -> float:
    """Write a module [n, 3, 512, 512] → [n, 1] as ONNX (`input`, `logit`, any n); return how far it is off torch.

    A ModelContractError is raised where it is off by more than `AGREEING`.
    """
    import onnxruntime as ort
    import torch

    still = module.eval().cpu().to(memory_format=torch.contiguous_format)
    path.parent.mkdir(parents=True, exist_ok=True)
    sample = torch.rand(2, 3, SIZE, SIZE) * 2 - 1
    with warnings.catch_warnings():
        # The newer exporter wants onnxscript, and writes the same graph for these.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            still, (sample,), str(path), dynamo=False, opset_version=OPSET, input_names=["input"],
            output_names=["logit"], dynamic_axes={"input": {0: "n"}, "logit": {0: "n"}},
        )  # fmt: skip
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    with torch.no_grad():
        expected = still(sample).numpy()
    difference = float(np.abs(session.run(None, {"input": sample.numpy()})[0] - expected).max())
    if difference > AGREEING:
        raise ModelContractError(
            f"{path} is off what torch computed by {difference:.1e}; export it with another torch"
        )
    return difference
