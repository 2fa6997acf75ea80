"""Train the watermark detector on marks composited over paintings and photographs, and write its ONNX file.

Needs the extra `train`. Backgrounds that are lettering themselves (screenshots, memes, charts …) are left
out: a caption and a mark are the same to a network of this size, and it only sees what the taste accepted.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import typer
from PIL import Image

from flows.demo.paint import LANDSCAPES, Kind, jpeg, near_duplicate, paint, size_of, watermark
from flows.demo.paint.gallery import PAINTERS
from flows.demo.paint.marks import coverage, stamped
from flows.demo.paint.noise import Random, generator
from models.watermark import SIZE, THRESHOLD, prepare, probability, to_input

Pictures = npt.NDArray[np.uint8]
Cells = npt.NDArray[np.uint8]

TEXTLESS = (Kind.FACE, Kind.FOOD, Kind.ROOM, Kind.FLOWER, Kind.BUILDING, Kind.PRODUCT, Kind.PIXEL_ART)
# The demo paints with seeds below 10,000,000 and its liked pictures from 20,000,000.
TRAINING_SEEDS = 50_000_000
VALIDATION_SEEDS = 60_000_000
CELL = 16
HELD_OUT_PHOTOS = 3  # every third photograph is never trained on
WEIGHTS = Path(__file__).parents[1] / "models" / "weights" / "watermark.onnx"


@dataclass(frozen=True)
class Recipe:
    """Everything a training run depends on; `steps` are of crops, `whole_steps` of whole pictures."""

    paintings: int = 900
    crops_a_photo: int = 6
    steps: int = 2200
    whole_steps: int = 300
    batch: int = 32
    rate: float = 4e-3
    seed: int = 1


@dataclass(frozen=True)
class Background:
    """A picture to put marks on: a painting by kind and seed, or a photograph by path and crop."""

    seed: int
    kind: Kind | None = None
    photo: Path | None = None


# --- examples ---------------------------------------------------------------------------------------------


def backgrounds(recipe: Recipe, photos: Sequence[Path]) -> list[Background]:
    """The paintings, four landscapes to one thing without lettering, then the crops of the photographs."""
    kinds = [*LANDSCAPES * 3, *TEXTLESS]
    painted = [Background(TRAINING_SEEDS + i, kind=kinds[i % len(kinds)]) for i in range(recipe.paintings)]
    crops = range(recipe.crops_a_photo)
    return painted + [Background(TRAINING_SEEDS + i, photo=photo) for photo in photos for i in crops]


def opened(background: Background) -> Image.Image:
    """The background at about 900 pixels, cropped, mirrored and copied about at random."""
    rng = generator(f"background {background.kind}", background.seed)
    if background.photo is not None:
        with Image.open(background.photo) as photo:
            photo.draft("RGB", (1400, 1400))
            image, least = photo.convert("RGB"), 0.45
    else:
        assert background.kind is not None
        # Painted at 0.6–1 of its size: grain and detail of more than one scale, in less time.
        scale, size = rng.uniform(0.6, 1.0), size_of(background.kind, background.seed)
        small = (round(size[0] * scale), round(size[1] * scale))
        image = PAINTERS[background.kind](generator(background.kind, background.seed), small)
        least = 0.8
    if background.kind is not None and rng.random() < 0.15:
        image = near_duplicate(image, background.seed)
    share = rng.uniform(least, 1.0, 2)
    wide, tall = int(image.width * share[0]), int(image.height * share[1])
    left, top = int(rng.integers(image.width - wide + 1)), int(rng.integers(image.height - tall + 1))
    part = image.crop((left, top, left + wide, top + tall))
    part.thumbnail((900, 900), Image.Resampling.LANCZOS)
    return part.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if rng.random() < 0.5 else part


def marked(rng: Random, image: Image.Image) -> tuple[Image.Image, Cells]:
    """The image under a mark, and which of its 32×32 cells the mark touches, uint8 [32, 32]."""
    sheet = coverage(rng, image.size)
    if rng.random() < 0.7:
        result = stamped(rng, image, sheet, lowest=0.3)
    else:
        # Broader than the demo's marks: any colour.
        ink = tuple(int(value) for value in rng.integers(0, 256, 3))
        opacity = float(rng.uniform(0.45, 0.95))
        result = image.copy()
        result.paste(ink, (0, 0), sheet.point(lambda value: round(value * opacity)))
    side = SIZE // CELL
    touched = np.asarray(sheet.resize((side, side), Image.Resampling.BOX)) > 6
    return result, touched.astype(np.uint8)


def recompressed(rng: Random, image: Image.Image) -> Image.Image:
    """The image after a JPEG encoding of random quality, or as it is."""
    if rng.random() < 0.25:
        return image
    with Image.open(BytesIO(jpeg(image, int(rng.integers(45, 96))))) as decoded:
        return decoded.convert("RGB")


def examples_of(background: Background) -> list[tuple[Pictures, Cells]]:
    """A clean picture and a marked one over the same background, sometimes a second marked one."""
    image = opened(background)
    rng = generator(
        f"example {background.kind} {background.photo and background.photo.name}", background.seed
    )
    drawn = [(image, np.zeros((SIZE // CELL, SIZE // CELL), np.uint8))]
    drawn += [marked(rng, image) for _ in range(1 + (rng.random() < 0.3))]
    return [(prepare(recompressed(rng, picture)), cells) for picture, cells in drawn]


def examples(
    recipe: Recipe, photos: Sequence[Path], workers: int, kept: Path | None
) -> tuple[Pictures, Cells]:
    """All training examples: uint8 [n, 512, 512, 3] and the marks' cells, uint8 [n, 32, 32].

    Painting takes as long as training: the npz file `kept` is read where it is there, else written.
    """
    if kept is not None and kept.is_file():
        with np.load(kept) as stored:
            return stored["pictures"], stored["cells"]
    with ProcessPoolExecutor(workers) as pool:
        found = pool.map(examples_of, backgrounds(recipe, photos), chunksize=8)
        pairs = [pair for several in found for pair in several]
    pictures, cells = np.stack([picture for picture, _ in pairs]), np.stack([cells for _, cells in pairs])
    if kept is not None:
        np.savez(kept, pictures=pictures, cells=cells)
    return pictures, cells


# --- network ----------------------------------------------------------------------------------------------


def network() -> Any:
    """The detector as a torch module: pictures [n, 3, h, w] → (logits [n, 1], cell logits [n, 1, h/16, w/16]).

    A patch stem, three scales, depthwise-separable residual blocks. A picture's logit is read from the
    strongest response of each feature anywhere (a mark may be small) and from its mean (or everywhere).
    """
    import torch
    from torch import nn

    def layer(channels: tuple[int, int], kernel: int, stride: int, pad: int, groups: int = 1) -> list[Any]:
        conv = nn.Conv2d(*channels, kernel, stride, pad, groups=groups, bias=False)
        return [conv, nn.BatchNorm2d(channels[1])]

    class Block(nn.Module):  # type: ignore[misc]
        def __init__(self, channels: int, kernel: int) -> None:
            super().__init__()
            depthwise = layer((channels, channels), kernel, 1, kernel // 2, channels)
            self.body = nn.Sequential(*depthwise, *layer((channels, channels), 1, 1, 0), nn.ReLU())

        def forward(self, x: Any) -> Any:
            return x + self.body(x)

    class Detector(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.trunk = nn.Sequential(
                *layer((3, 32), 6, 4, 1), nn.ReLU(),
                *layer((32, 48), 3, 2, 1), nn.ReLU(), Block(48, 3), Block(48, 3),
                *layer((48, 96), 3, 2, 1), nn.ReLU(), Block(96, 5), Block(96, 5),
            )  # fmt: skip
            self.cells = nn.Conv2d(96, 1, 1)
            self.picture = nn.Linear(192, 1)

        def forward(self, x: Any) -> Any:
            features = self.trunk(x)
            pooled = torch.cat([features.amax((2, 3)), features.mean((2, 3))], 1)
            return self.picture(pooled), self.cells(features)

    return Detector()


def batches(recipe: Recipe, data: tuple[Pictures, Cells], side: int, steps: int) -> Iterator[tuple[Any, Any]]:
    """Random crops of `side` pixels on the cells' grid: float32 inputs and float32 cells, as arrays."""
    pictures, cells = data
    rng = np.random.default_rng([recipe.seed, side])
    count = recipe.batch * 256 * 256 // (side * side)
    for _ in range(steps):
        offsets = rng.integers(0, (SIZE - side) // CELL + 1, (count, 2))
        chosen = rng.integers(0, len(pictures), count)
        span, window = side // CELL, [(i, y, x) for i, (y, x) in zip(chosen, offsets, strict=True)]
        crops = np.stack([pictures[i, y * CELL :, x * CELL :][:side, :side] for i, y, x in window])
        inputs = crops.transpose(0, 3, 1, 2).astype(np.float32) / 127.5 - 1
        gain = rng.uniform(0.75, 1.25, (count, 1, 1, 1)).astype(np.float32)
        shift = rng.uniform(-0.2, 0.2, (count, 1, 1, 1)).astype(np.float32)
        yield (
            np.clip(inputs * gain + shift, -1, 1),
            np.stack([cells[i, y : y + span, x : x + span] for i, y, x in window]).astype(np.float32),
        )


def train(recipe: Recipe, data: tuple[Pictures, Cells], threads: int) -> Any:
    """The trained detector, in evaluation mode: first on crops, then on whole pictures."""
    import torch

    torch.set_num_threads(threads)
    torch.manual_seed(recipe.seed)
    detector = network().to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(detector.parameters(), weight_decay=1e-3)
    for side, steps, peak in ((256, recipe.steps, recipe.rate), (SIZE, recipe.whole_steps, recipe.rate / 5)):
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, peak, total_steps=steps + 1)
        run_phase(detector, optimiser, schedule, batches(recipe, data, side, steps))
    return detector.eval()


def run_phase(detector: Any, optimiser: Any, schedule: Any, source: Iterator[tuple[Any, Any]]) -> None:
    """One pass over a stream of batches; prints the losses every hundred steps."""
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits as loss_of

    began = time.monotonic()
    for step, (inputs, cells) in enumerate(source):
        x = torch.from_numpy(inputs).contiguous(memory_format=torch.channels_last)
        y = torch.from_numpy(cells)
        # A single touched cell at a crop's edge is no evidence for or against.
        touched = y.sum((1, 2))
        logits, spots = detector(x)
        known = ((touched == 0) | (touched > 1)).float()
        of_picture = (loss_of(logits[:, 0], (touched > 1).float(), reduction="none") * known).mean()
        of_cells = loss_of(spots[:, 0], y)
        optimiser.zero_grad()
        (of_picture + 2 * of_cells).backward()
        optimiser.step()
        schedule.step()
        if step % 100 == 0:
            spent = time.monotonic() - began
            print(f"step {step}: picture {of_picture:.3f} cells {of_cells:.3f} ({spent:.0f} s)", flush=True)


def export(detector: Any, path: Path) -> float:
    """Write the ONNX file and return the largest difference between its logits and torch's on noise."""
    import onnxruntime as ort
    import torch

    class Picture(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.detector = detector

        def forward(self, x: Any) -> Any:
            return self.detector(x)[0]

    module = Picture().eval().to(memory_format=torch.contiguous_format)
    path.parent.mkdir(parents=True, exist_ok=True)
    names: dict[str, Any] = {"input_names": ["input"], "output_names": ["logit"]}
    axes = {"input": {0: "n"}, "logit": {0: "n"}}
    sample = torch.rand(2, 3, SIZE, SIZE) * 2 - 1
    torch.onnx.export(
        module, (sample,), str(path), dynamo=False, opset_version=17, dynamic_axes=axes, **names
    )
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    with torch.no_grad():
        expected = module(sample).numpy()
    return float(np.abs(session.run(None, {"input": sample.numpy()})[0] - expected).max())


# --- measurement ------------------------------------------------------------------------------------------


def validation_pair(background: Background) -> Pictures:
    """A clean and a marked picture as the pipeline meets them, whole and from their JPEGs: [2, 512, 512, 3]."""
    if background.photo is not None:
        with Image.open(background.photo) as photo:
            photo.draft("RGB", (2200, 2200))
            image = photo.convert("RGB")
    else:
        assert background.kind is not None
        image = paint(background.kind, background.seed)
    served = [jpeg(image), jpeg(watermark(image, background.seed))]
    return np.stack([prepare(Image.open(BytesIO(data))) for data in served])


def scores(path: Path, pictures: Pictures) -> npt.NDArray[np.float32]:
    """Probabilities of pictures [n, 512, 512, 3], float32 [n], on one core."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    logits = [session.run(None, {"input": to_input(picture[None])})[0] for picture in pictures]
    return probability(np.concatenate(logits))


def measure(path: Path, name: str, sources: Sequence[Background], workers: int) -> None:
    """Print accuracy, ROC AUC, false positives and misses of one set of held-out backgrounds."""
    from sklearn.metrics import roc_auc_score

    with ProcessPoolExecutor(workers) as pool:
        pairs = np.stack(list(pool.map(validation_pair, sources, chunksize=4)))
    clean, with_mark = scores(path, pairs[:, 0]), scores(path, pairs[:, 1])
    truth = np.repeat([0, 1], len(pairs))
    area = roc_auc_score(truth, np.concatenate([clean, with_mark]))
    alarms, misses = float((clean > THRESHOLD).mean()), float((with_mark <= THRESHOLD).mean())
    print(
        f"{name}: {len(pairs)} clean + {len(pairs)} marked: accuracy {1 - (alarms + misses) / 2:.3f}, "
        f"AUC {area:.4f}, false positives {alarms:.3f}, missed {misses:.3f}",
        flush=True,
    )


def validate(path: Path, photos: Sequence[Path], workers: int) -> None:
    """Print the figures on paintings, on things without lettering and on photographs, none trained on."""

    def painted(kinds: Sequence[Kind], count: int) -> list[Background]:
        return [Background(VALIDATION_SEEDS + i, kind=kinds[i % len(kinds)]) for i in range(count)]

    measure(path, "landscapes", painted(LANDSCAPES, 270), workers)
    measure(path, "things", painted(TEXTLESS, 105), workers)
    if photos:
        shots = [Background(VALIDATION_SEEDS + i, photo=photo) for i, photo in enumerate(photos)]
        measure(path, "photographs", shots, workers)
    batch = np.zeros((40, SIZE, SIZE, 3), np.uint8)
    began = time.monotonic()
    scores(path, batch)
    print(f"{(time.monotonic() - began) / len(batch) * 1000:.1f} ms a picture on one core, scaling included")


def main(
    photos: Annotated[Path | None, typer.Option(help="A folder of photographs, more backgrounds.")] = None,
    out: Annotated[Path, typer.Option(help="Where the ONNX file goes.")] = WEIGHTS,
    threads: Annotated[int, typer.Option(help="Torch threads, and painting processes.")] = 2,
    examples_file: Annotated[
        Path | None, typer.Option(help="An .npz that keeps the painted examples.")
    ] = None,
    validate_only: Annotated[bool, typer.Option(help="Only measure the file that is there.")] = False,
) -> None:
    """Paint, train, export, check against torch, measure."""
    recipe = Recipe()
    found = sorted(photos.glob("*.jpg")) if photos else []
    held_out = found[::HELD_OUT_PHOTOS]
    if not validate_only:
        began = time.monotonic()
        data = examples(recipe, [photo for photo in found if photo not in held_out], threads, examples_file)
        print(f"{len(data[0])} examples in {time.monotonic() - began:.0f} s", flush=True)
        difference = export(train(recipe, data, threads), out)
        print(f"{out.stat().st_size} bytes; onnxruntime and torch differ by at most {difference:.1e}")
        if difference > 1e-4:
            raise SystemExit("the exported graph does not compute what torch computed; nothing to commit")
    validate(out, held_out, threads)


if __name__ == "__main__":
    typer.run(main)
