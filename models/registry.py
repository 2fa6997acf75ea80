"""Every model goldpan can run, one frozen row each, and where its weights are."""

from __future__ import annotations

import json
import os
import re
from hashlib import file_digest, sha256
from pathlib import Path
from uuid import uuid4

from platformdirs import user_cache_path

from models.row import Layout, ModelRow, ResizeRule, Task, Weights

__all__ = ["Layout", "ModelRow", "ResizeRule", "Task", "Weights"]


class ModelError(Exception):
    """Anything wrong with a model, said in one sentence with the way out.

    ModelError
    ├── UnknownModelError          no row of that name
    ├── WeightsMissingError        the row's file is not on this machine
    ├── RowError                   a row of the user's cannot be read, or says what cannot be
    ├── DownloadError              a file could not be fetched (actors.weights)
    ├── BrokenModelError           the file is not a model that onnxruntime can read
    ├── HashMismatchError          the file is another than the one that the row, or the first use, records
    ├── ModelContractError         the model's input or output is not what the row says, or the batch is not
    ├── NotFiniteError             the model answers what is not a number
    ├── DeviceUnavailableError     the device asked for was not given (never a silent fallback)
    ├── AlikeError                 too many of the liked images are the same to the encoder (models.density)
    ├── DetectorError              a detector cannot be had by this name (models.detectors)
    ├── CalibrationError           a threshold cannot be chosen as asked (models.calibration)
    └── TasteError                 a taste cannot be fitted, read or written (models.taste)
        └── EncoderMismatchError   it was fitted on another encoder than the one that runs
    """


class UnknownModelError(ModelError):
    """No row of that name."""


class WeightsMissingError(ModelError):
    """The row's file is not on this machine; the message says where it comes from and where it goes."""


class RowError(ModelError):
    """A row of the user's cannot be read, or says what cannot be; the message names the file and the field."""


class DownloadError(ModelError):
    """A file could not be fetched; the message says what to do, and whether the next try goes on from there."""


class BrokenModelError(ModelError):
    """The file cannot be read as an ONNX model."""


class HashMismatchError(ModelError):
    """The file is another than the one whose sha256 the row records, or that was locked on first use."""


class ModelContractError(ModelError):
    """The model's input or output, or the batch given to it, differs from what the row says."""


class NotFiniteError(ModelError):
    """The model answers what is not a number; such an answer is never accepted."""


class DeviceUnavailableError(ModelError):
    """The device asked for is not there; goldpan never falls back to the CPU by itself."""


_CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
_CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
_HALF = (0.5, 0.5, 0.5)

ROWS: tuple[ModelRow, ...] = (
    ModelRow(
        name="gist",
        task=Task.ENCODER,
        weights=Weights.COMMITTED,
        file="gist.onnx",
        sha256="4e4470b3689006823e2df49132d3fb780785e29180a4bee33d405f2e1c184db7",
        input_name="input",
        size=128,
        dimension=560,
        resize=ResizeRule.STRETCH_QUICK,
        licence="Apache-2.0",
        source="Oliva & Torralba 2001, Modeling the shape of the scene, IJCV 42(3), and a colour layout",
    ),
    ModelRow(
        name="gist-grey",
        task=Task.ENCODER,
        weights=Weights.COMMITTED,
        file="gist-grey.onnx",
        sha256="05dcf1a840f7ee4a2d61d8af921d6bae3e078ee358c51d0b605b694c699ce284",
        input_name="input",
        size=128,
        dimension=512,
        resize=ResizeRule.STRETCH_QUICK,
        licence="Apache-2.0",
        source="Oliva & Torralba 2001 alone: for tastes fitted on grey pictures",
    ),
    ModelRow(
        name="clip",
        task=Task.ENCODER,
        weights=Weights.RELEASE,
        file="clip_visual.onnx",
        url="https://github.com/qwertyforce/anti_sus/releases/download/clip_onnx_model/clip_visual.onnx",
        input_name="input",
        size=224,
        dimension=512,
        mean=_CLIP_MEAN,
        std=_CLIP_STD,
        resize=ResizeRule.STRETCH_LANCZOS_VIA_512,
        normalise=True,
        licence="MIT",
        source="OpenAI CLIP ViT-B/32, visual tower, as released with anti_sus",
    ),
    # The hub's exports, with the preprocessing of their preprocessor_config.json. Written from what is published about
    # them; no test here has had the files: ``goldpan models verify`` compares them with their rows.
    ModelRow(
        name="clip-vit-b32",
        task=Task.ENCODER,
        weights=Weights.RELEASE,
        file="clip-vit-b32.onnx",
        url="https://huggingface.co/Qdrant/clip-ViT-B-32-vision/resolve/main/model.onnx",
        input_name="pixel_values",
        size=224,
        dimension=512,
        mean=_CLIP_MEAN,
        std=_CLIP_STD,
        resize=ResizeRule.CROP_BICUBIC,
        normalise=True,
        licence="MIT",
        source="OpenAI CLIP ViT-B/32, visual tower with its projection, exported by Qdrant",
    ),
    ModelRow(
        name="clip-vit-l14",
        task=Task.ENCODER,
        weights=Weights.RELEASE,
        file="clip-vit-l14.onnx",
        url="https://huggingface.co/Xenova/clip-vit-large-patch14/resolve/main/onnx/vision_model.onnx",
        input_name="pixel_values",
        output_name="image_embeds",
        size=224,
        dimension=768,
        mean=_CLIP_MEAN,
        std=_CLIP_STD,
        resize=ResizeRule.CROP_BICUBIC,
        normalise=True,
        licence="MIT",
        source="OpenAI CLIP ViT-L/14, visual tower with its projection, exported by Xenova",
    ),
    ModelRow(
        name="siglip-b16",
        task=Task.ENCODER,
        weights=Weights.RELEASE,
        file="siglip-b16.onnx",
        url="https://huggingface.co/Xenova/siglip-base-patch16-224/resolve/main/onnx/vision_model.onnx",
        input_name="pixel_values",
        output_name="pooler_output",
        size=224,
        dimension=768,
        mean=_HALF,
        std=_HALF,
        normalise=True,
        licence="Apache-2.0",
        source="Google SigLIP base, patches of 16, visual tower, exported by Xenova",
    ),
    ModelRow(
        name="vit-b32-random",
        task=Task.ENCODER,
        weights=Weights.BUILT,
        file="vit-b32-random.onnx",
        input_name="input",
        size=224,
        dimension=512,
        mean=_CLIP_MEAN,
        std=_CLIP_STD,
        resize=ResizeRule.STRETCH_LANCZOS_VIA_512,
        normalise=True,
        licence="Apache-2.0",
        source="the true size and structure of ViT-B/32 with seeded random weights, for tests and benchmarks",
    ),
    ModelRow(
        name="watermark",
        task=Task.WATERMARK,
        weights=Weights.COMMITTED,
        file="watermark.onnx",
        input_name="input",
        size=512,
        dimension=1,
        mean=_HALF,
        std=_HALF,
        resize=ResizeRule.STRETCH_LANCZOS,
        licence="Apache-2.0",
        source=(
            "trained by this repository on marks laid over photographs and paintings, from PP-OCRv3's text "
            "detector of PaddleOCR (Apache-2.0), as rapidocr-onnxruntime 1.2.3 brings it; docs/watermarks.md"
        ),
    ),
    ModelRow(
        name="watermark-anti-sus",
        task=Task.WATERMARK,
        weights=Weights.RELEASE,
        file="model_wat.onnx",
        url="https://github.com/qwertyforce/anti_sus/releases/download/wat_model_0.1/model_wat.onnx",
        input_name="input",
        size=512,
        dimension=1,
        mean=_HALF,
        std=_HALF,
        resize=ResizeRule.STRETCH_LANCZOS,
        licence="unknown",
        source="EfficientNetV2-B0 fine-tuned by anti_sus on 22,000 annotated pictures",
    ),
)


def model_row(name: str, task: Task) -> ModelRow:
    """Return the row of a model; UnknownModelError names those there are."""
    known = {row.name: row for row in ROWS if row.task is task}
    if name not in known:
        raise UnknownModelError(f"no {task} is called {name!r}; there are: {', '.join(known)}")
    return known[name]


def encoder_row(name: str) -> ModelRow:
    """Return the row of an encoder: a name of ROWS, one that was added, or the path of a row file or of its model.

    Raises UnknownModelError, which names those there are, and RowError.
    """
    # Imported here: row files are read by pydantic and yaml, and keep to this module's rows.
    from models.row_file import added_rows, is_path, read_encoder

    if is_path(name):
        return read_encoder(Path(name).expanduser())
    added = added_rows()
    if name in added:
        return read_encoder(added[name])
    try:
        return model_row(name, Task.ENCODER)
    except UnknownModelError as error:
        raise UnknownModelError("; ".join([f"{error}, or the path of a row file", *added])) from None


def fingerprint_of(row: ModelRow, source: str) -> str:
    """Tell which embeddings an encoder gives, as 64 hex digits; ``source`` is the sha256 of its fp32 file.

    A row of ROWS never changes, so the file says it all; what a row of the user's makes of pictures and of answers
    counts too.
    """
    if row in ROWS:
        return source
    pixels = (row.size, row.mean, row.std, row.resize, row.layout)
    told = (source, *pixels, row.input_name, row.output_name, row.dimension, row.normalise)
    return sha256(json.dumps(told).encode()).hexdigest()


def watermark_row(name: str) -> ModelRow:
    """Return the row of a watermark detector; UnknownModelError names those there are."""
    return model_row(name, Task.WATERMARK)


def cache_folder() -> Path:
    """Return goldpan's cache folder: ``GOLDPAN_CACHE`` where it is set, else the user's cache."""
    chosen = os.environ.get("GOLDPAN_CACHE")
    return Path(chosen) if chosen else user_cache_path("goldpan")


def models_folder(cache_dir: Path | None = None) -> Path:
    """Return the folder that weights are kept in."""
    return (cache_dir or cache_folder()) / "models"


def weights_path(row: ModelRow, cache_dir: Path | None = None) -> Path:
    """Name the file of a row's weights, whether it is there or not."""
    match row.weights:
        case Weights.BUILT:
            return _built(row, models_folder(cache_dir))
        case Weights.COMMITTED:
            return Path(__file__).parent / "weights" / row.file
        case Weights.RELEASE:
            return models_folder(cache_dir) / row.file
        case Weights.USER:
            return Path(row.file)


def resolve_weights(row: ModelRow, cache_dir: Path | None = None) -> Path:
    """Return the path of a row's weights; nothing is downloaded.

    Built-in graphs are built into the cache once; WeightsMissingError says where a missing file comes from
    and where it goes; HashMismatchError is raised where the row, or the first use of a published file, records another
    sha256.
    """
    path = weights_path(row, cache_dir)
    if not path.is_file():
        raise WeightsMissingError(_missing(row, path))
    known = row.sha256 or locked_sha256(row, path)
    if known is None and row.weights is not Weights.RELEASE:
        return path
    found = file_sha256(path)
    if known is None:
        write_atomically(_lock(path), f"{found}  {path.name}\n".encode())
    elif found != known:
        raise HashMismatchError(
            f"{path} is not the {row.name} weights: its sha256 is {found}, not {known}. Remove it and pull it again"
            + ("" if row.sha256 else f", or remove {_lock(path)} if it was changed on purpose")
        )
    return path


def locked_sha256(row: ModelRow, path: Path) -> str | None:
    """Return the sha256 that a published file had when it was first used, as 64 hex digits; None before that.

    It is kept beside the file, as sha256sum writes it. Only files whose publisher gives no hash have one. Raises
    HashMismatchError for a record that was cut off.
    """
    lock = _lock(path)
    if row.weights is not Weights.RELEASE or row.sha256 is not None or not lock.is_file():
        return None
    known = lock.read_bytes()[:64]
    if not re.fullmatch(rb"[0-9a-f]{64}", known):
        raise HashMismatchError(f"{lock} holds no sha256: remove it if {path} is the right file")
    return known.decode()


def _lock(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def _missing(row: ModelRow, path: Path) -> str:
    if row.weights is Weights.USER:
        return f"{row.name} needs {path}, which is not there; correct its row"
    if row.url is None:
        return f"{row.name} needs {path}, which this checkout lacks; restore it with git checkout"
    return (
        f"{row.name} needs {path}: run goldpan models pull {row.name}, or download {row.url} and put it there, "
        "or choose a built-in model"
    )


def _built(row: ModelRow, cache: Path) -> Path:
    # Imported here: onnx is needed only by whoever builds, and the builder needs nothing of the registry.
    from models.vit import VIT_B32, build_vit

    path = cache / f"{row.name}-{VIT_B32.recipe}.onnx"
    return path if path.is_file() else write_atomically(path, build_vit(VIT_B32))


def write_atomically(path: Path, content: bytes) -> Path:
    """Write a file in one step, so that two processes may write the same one at once; return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file as 64 hex digits."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
