"""The built-in detector as a torch module, and its ONNX file. Needs the extra `train`."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from flows.watermarks.backbone import FAR, FINE, MIDDLE, pretrain, stages
from models.registry import ModelContractError
from models.watermark import SIZE

OPSET = 17
AGREEING = 1e-4
WIDTH = 96
DROPPED = 0.1  # share of the features that a step of training does without


def network(start: Path | None = None, seed: int = 1) -> Any:
    """The detector: pictures [n, 3, h, w] → (logits [n, 1], cell logits [n, 1, h/16, w/16]).

    The stages of a text detector; what they see at an eighth, a sixteenth and a thirty-second is laid over each
    other, the last after two blocks that look far around, and each cell says whether a mark touches it. A picture's
    logit is read from the likeliest cells (a mark may be small), from the strongest response of each feature, and from
    the means. It has the text detector's weights, or those of an earlier detector's ONNX file; the seed is that of the
    layers which are new.
    """
    import torch
    from torch import nn
    from torch.nn.functional import interpolate

    class Detector(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second, self.third = stages()
            self.fine = nn.Conv2d(FINE, WIDTH, 3, 2, 1)
            self.middle, self.far = nn.Conv2d(MIDDLE, WIDTH, 1), nn.Conv2d(FAR, WIDTH, 1)
            self.context = nn.Sequential(nn.ReLU(), _block(), _block())
            self.merged = nn.Sequential(nn.ReLU(), nn.Dropout2d(DROPPED), _block(), _block())
            self.cells = nn.Conv2d(WIDTH, 1, 1)
            self.picture = nn.Linear(3 * WIDTH, 1)

        def forward(self, x: Any) -> Any:
            pooled, cells = self.pooled(x)
            return self.picture(pooled), cells

        def pooled(self, x: Any) -> Any:
            """What a logit is read from, [n, 288], and the cell logits."""
            fine = self.first(x)
            middle = self.second(fine)
            context = self.context(self.far(self.third(middle)))
            laid = (
                self.fine(fine) + self.middle(middle) + interpolate(context, scale_factor=2, mode="nearest")
            )
            features = self.merged(laid)
            cells = self.cells(features)
            flat = features.flatten(2)
            likeliest = (flat * torch.softmax(cells.flatten(2), 2)).sum(2)
            return torch.cat([likeliest, flat.amax(2), flat.mean(2)], 1), cells

    torch.manual_seed(seed)
    detector = Detector()
    if start is None:
        pretrain((detector.first, detector.second, detector.third))
    else:
        start_from(detector, start)
    return detector.to(memory_format=torch.channels_last)


def _block() -> Any:
    """A depthwise layer, then two pointwise ones, with a residual."""
    from torch import nn

    class Block(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            near = nn.Conv2d(WIDTH, WIDTH, 5, 1, 2, groups=WIDTH)
            self.body = nn.Sequential(
                near, nn.Conv2d(WIDTH, 2 * WIDTH, 1), nn.ReLU(), nn.Conv2d(2 * WIDTH, WIDTH, 1)
            )

        def forward(self, x: Any) -> Any:
            return x + self.body(x)

    return Block()


def start_from(detector: Any, path: Path) -> None:
    """Give the detector the weights of an earlier one's ONNX file; ModelContractError where it has other layers."""
    import onnx
    import torch

    found = {one.name: onnx.numpy_helper.to_array(one) for one in onnx.load(str(path)).graph.initializer}
    with torch.no_grad():
        for name, ours in detector.named_parameters():
            theirs = found.get(f"detector.{name}")
            if theirs is None or theirs.shape != ours.shape:
                raise ModelContractError(
                    f"{path} has other layers than the built-in detector; start from one of its files"
                )
            ours.copy_(torch.from_numpy(theirs.astype(np.float32)))


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
        # It folds what it can, and the rest is computed.
        warnings.filterwarnings("ignore", "Constant folding", UserWarning)
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
