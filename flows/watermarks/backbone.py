"""The text detector that the built-in detector grows from: PP-OCRv6's, as the package rapidocr brings it.

Strokes at any scale are what it was trained on, on far more pictures than can be made here; Apache-2.0.
"""

from __future__ import annotations

from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from flows.exits import PreflightError

PACKAGE = "rapidocr"  # 3.10.0 has this file; read as data, and never imported
FILE = "models/PP-OCRv6_det_small.onnx"
SHA256 = "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f"
FINE, MIDDLE, FAR = 96, 192, 384  # features at an eighth, a sixteenth and a thirty-second


def stages() -> tuple[Any, Any, Any]:
    """The detector's stages as torch modules, without weights: to an eighth, on to a sixteenth, to a thirty-second."""
    from torch import cat, nn
    from torch.nn.functional import gelu, pad

    class Stem(nn.Module):  # type: ignore[misc]
        """To a quarter, with a short way around two small convolutions."""

        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Conv2d(3, 24, 3, 2, 1)
            self.second, self.third = nn.Conv2d(24, 12, 2), nn.Conv2d(12, 24, 2)
            self.both, self.out = nn.Conv2d(48, 24, 3, 2, 1), nn.Conv2d(24, 48, 1)
            self.largest = nn.MaxPool2d(2, 1)

        def forward(self, x: Any) -> Any:
            first = pad(self.first(x).relu(), (0, 1, 0, 1))
            second = pad(self.second(first).relu(), (0, 1, 0, 1))
            both = cat([self.largest(first), self.third(second).relu()], 1)
            return self.out(self.both(both).relu()).relu()

    class Block(nn.Module):  # type: ignore[misc]
        """Depthwise, perhaps gated by the whole picture, then two pointwise ones; around them where the width stays."""

        def __init__(self, inside: int, outside: int, *, gated: bool = False) -> None:
            super().__init__()
            self.halves = outside != inside
            self.near = nn.Conv2d(inside, inside, 3, 2 if self.halves else 1, 1, groups=inside)
            narrow = inside // 4
            self.gate = nn.Sequential(
                nn.Conv2d(inside, narrow, 1), nn.ReLU(), nn.Conv2d(narrow, inside, 1), nn.Hardsigmoid()
            ) if gated else None  # fmt: skip
            self.wide, self.narrow = nn.Conv2d(inside, 2 * inside, 1), nn.Conv2d(2 * inside, outside, 1)

        def forward(self, x: Any) -> Any:
            near = self.near(x)
            if self.gate is not None:
                near = near * self.gate(near.mean((2, 3), keepdim=True))
            far = self.narrow(gelu(self.wide(near)))
            return far if self.halves else near + far

    to_eighth = nn.Sequential(
        Stem(), Block(48, 48, gated=True), Block(48, 48), Block(48, FINE), Block(FINE, FINE, gated=True),
        Block(FINE, FINE),
    )  # fmt: skip
    to_sixteenth = nn.Sequential(
        Block(FINE, MIDDLE), Block(MIDDLE, MIDDLE, gated=True), Block(MIDDLE, MIDDLE),
        Block(MIDDLE, MIDDLE, gated=True), Block(MIDDLE, MIDDLE),
    )  # fmt: skip
    to_thirty_second = nn.Sequential(Block(MIDDLE, FAR), Block(FAR, FAR, gated=True), Block(FAR, FAR))
    return to_eighth, to_sixteenth, to_thirty_second


def weights_file() -> Path:
    """The network's file in the installed package; PreflightError where it is not there, or is another one."""
    found = find_spec(PACKAGE)
    where = found and found.submodule_search_locations
    file = Path(next(iter(where or ())), FILE) if where else None
    if file is None or not file.is_file() or sha256(file.read_bytes()).hexdigest() != SHA256:
        raise PreflightError(
            f"training this starts from {FILE} of {PACKAGE} 3.10.0, which is not here: pip install 'goldpan[train]'"
        )
    return file


def pretrain(parts: tuple[Any, ...]) -> None:
    """Give the stages the text detector's weights: its file has them in the order of the modules."""
    import onnx
    import torch

    graph = onnx.load(str(weights_file())).graph
    stored = {one.name: onnx.numpy_helper.to_array(one) for one in graph.initializer}
    theirs = (stored[name] for name in stored if stored[name].ndim == 4)
    parameters = [parameter for part in parts for parameter in part.parameters()]
    with torch.no_grad():
        for i, (ours, values) in enumerate(zip(parameters, theirs, strict=False)):
            # It was trained on blue, green, red.
            straight = values[:, ::-1] if i == 0 else values
            ours.copy_(torch.from_numpy(straight.copy()).reshape(ours.shape))
