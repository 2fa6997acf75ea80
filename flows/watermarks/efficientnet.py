"""The ancestors' second detector: EfficientNetV2-B0 at 512², fine-tuned on labelled pictures. Extra `train`."""

from __future__ import annotations

import copy
import re
import sys
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from flows.watermarks.layout import Labelled, read_layout
from flows.watermarks.network import export_logit
from flows.watermarks.quadrant_head import Epoch
from models.registry import ModelError
from models.watermark import prepare, to_input

NAME = "tf_efficientnetv2_b0"
EPOCHS = 12
BATCH = 16
RATE = 5e-4
SEED = 1
DECLARED: list[Any] = []  # a library's operators are gone when it is


def trained(
    folder: Path, threads: int, out: Path, quick: float, *, pretrained: bool, side: int | None = None
) -> list[Epoch]:
    """Fine-tune on a folder of labelled pictures, write the ONNX file of the best epoch, and return the curves.

    `side` below 512 trains on smaller squares, for a quick look.
    """
    import torch

    torch.set_num_threads(threads)
    torch.manual_seed(SEED)
    model = build(pretrained=pretrained)
    pictures, curves, best = read_layout(folder), [], (np.inf, copy.deepcopy(model.state_dict()))
    epochs = max(1, round(EPOCHS * quick))
    train = [one for one in pictures if not one.is_test]
    steps = epochs * -(-len(train) // BATCH)
    optimiser = torch.optim.AdamW(model.parameters(), RATE, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps + 1)
    rng = np.random.default_rng(SEED)
    for number in range(1, epochs + 1):
        losses = [_step(model, optimiser, schedule, x, y) for x, y in _batches(train, side, rng)]
        test, accuracy = _tested(model, [one for one in pictures if one.is_test], side)
        curves.append(Epoch(number, float(np.mean(losses)), test, accuracy))
        print(curves[-1], flush=True)
        if test < best[0]:
            best = (test, copy.deepcopy(model.state_dict()))
    model.load_state_dict(best[1])
    export_logit(model, out)
    return curves


def build(*, pretrained: bool) -> Any:
    """timm's network with one logit; its weights are ImageNet's (from the hub) or random."""
    return import_timm().create_model(NAME, pretrained=pretrained, num_classes=1)


def import_timm() -> Any:
    """The library timm; ModelError says what it lacks.

    It imports torchvision for transforms and boxes, which are of no use here, and torchvision cannot be imported beside
    another build of torch (its wheel for CUDA beside a torch for the CPU): then its operators are declared first.
    """
    try:
        import torchvision  # noqa: F401
    except RuntimeError as error:
        if "operator torchvision::" not in str(error):
            raise
        _declare_operators()
    try:
        import timm
    except ImportError as error:
        raise ModelError(f"EfficientNet needs timm ({error}): pip install 'goldpan[train]'") from error
    return timm


def _declare_operators() -> None:
    import torch

    found = find_spec("torchvision")
    assert found is not None and found.origin is not None
    text = Path(found.origin).with_name("_meta_registrations.py").read_text()
    library = torch.library.Library("torchvision", "DEF")
    for name in sorted(set(re.findall(r'(?:register_meta\("|torchvision::)(\w+)"', text))):
        library.define(f"{name}(Tensor unused) -> Tensor")
    DECLARED.append(library)
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[name]


def _step(model: Any, optimiser: Any, schedule: Any, x: Any, y: Any) -> float:
    from torch.nn.functional import binary_cross_entropy_with_logits as loss_of

    model.train()
    loss = loss_of(model(x)[:, 0], y)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    schedule.step()
    return float(loss.detach())


def _tested(model: Any, pictures: Sequence[Labelled], side: int | None) -> tuple[float, float]:
    """The mean loss and the accuracy on pictures that are not trained on."""
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits as loss_of

    model.eval()
    with torch.no_grad():
        pairs = [(model(x)[:, 0], y) for x, y in _batches(pictures, side, None)]
    logits, truth = torch.cat([pair[0] for pair in pairs]), torch.cat([pair[1] for pair in pairs])
    return float(loss_of(logits, truth)), float(((logits > 0).float() == truth).float().mean())


def _batches(
    pictures: Sequence[Labelled], side: int | None, rng: np.random.Generator | None
) -> Iterator[tuple[Any, Any]]:
    """Batches of inputs and labels, shuffled and mirrored where there are random numbers."""
    import torch

    order = np.arange(len(pictures)) if rng is None else rng.permutation(len(pictures))
    for start in range(0, len(order), BATCH):
        chosen = [pictures[i] for i in order[start : start + BATCH]]
        squares = np.stack([_square(one.file, side) for one in chosen])
        inputs = to_input(squares)
        if rng is not None and rng.random() < 0.5:
            inputs = np.ascontiguousarray(inputs[..., ::-1])
        yield torch.from_numpy(inputs), torch.tensor([float(one.marked) for one in chosen])


def _square(file: Path, side: int | None) -> npt.NDArray[np.uint8]:
    with Image.open(file) as image:
        square = prepare(image)
    return square if side is None else np.asarray(Image.fromarray(square).resize((side, side)))
