"""Rows of the user's: any ONNX file as an encoder, by a few lines of YAML."""

from __future__ import annotations

from pathlib import Path, PurePath

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from models.registry import Layout, ModelRow, ResizeRule, RowError, Task, Weights, cache_folder

_SUFFIXES = frozenset((".yaml", ".yml", ".onnx"))


class InputRow(BaseModel):
    """A model of the user's and its input. ``size`` is the side of a square, ``mean`` and ``std`` are on 0…1."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")
    model: str = Field(min_length=1, description="a path, or an http(s) URL")
    sha256: str | None = Field(None, pattern=r"^[0-9a-f]{64}$")
    size: int = Field(ge=8, le=2048)
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    layout: Layout = Layout.NCHW
    resize: ResizeRule = ResizeRule.STRETCH_BICUBIC
    input: str = "input"
    output: str | None = None

    @property
    def is_remote(self) -> bool:
        """Tell whether the model has to be downloaded."""
        return self.model.startswith(("https://", "http://"))

    @field_validator("std")
    @classmethod
    def _spread(cls, std: tuple[float, float, float]) -> tuple[float, float, float]:
        if any(deviation <= 0 for deviation in std):
            raise ValueError("std must be above 0 in every channel")
        return std


class EncoderFile(InputRow):
    """An encoder of the user's; ``dimension`` numbers come out, scaled to length 1 where ``normalise``."""

    dimension: int = Field(ge=1, le=65536)
    normalise: bool = True
    licence: str = "the user's to know"

    def model_row(self, folder: Path) -> ModelRow:
        """Give the row that its session and its preprocessing keep to; a relative path starts at ``folder``."""
        return ModelRow(
            name=self.name,
            task=Task.ENCODER,
            weights=Weights.RELEASE if self.is_remote else Weights.USER,
            file=f"{self.name}.onnx" if self.is_remote else str(folder / Path(self.model).expanduser()),
            url=self.model if self.is_remote else None,
            sha256=self.sha256,
            input_name=self.input,
            output_name=self.output,
            size=self.size,
            dimension=self.dimension,
            mean=self.mean,
            std=self.std,
            layout=self.layout,
            resize=self.resize,
            normalise=self.normalise,
            licence=self.licence,
            source=self.model,
        )


def is_path(name: str) -> bool:
    """Tell whether an encoder is named by a path: of a row file, or of a model that has one beside it."""
    return PurePath(name).suffix.lower() in _SUFFIXES


def rows_folder() -> Path:
    """Return the folder that added rows are kept in."""
    return cache_folder() / "rows"


def added_rows() -> dict[str, Path]:
    """Return the row file of each encoder that was added, by its name."""
    return {path.stem: path for path in sorted(rows_folder().glob("*.yaml"))}


def read_encoder(path: Path) -> ModelRow:
    """Read the row of an encoder from its file, or from the .yaml beside a model; RowError names file and field."""
    path = path.absolute()
    return read_file(path).model_row(path.parent)


def read_file(path: Path) -> EncoderFile:
    """Read a row file as it is; raises RowError."""
    if path.suffix.lower() == ".onnx":
        path = path.with_suffix(".yaml")
    try:
        held = yaml.safe_load(path.read_bytes())
    except FileNotFoundError as error:
        raise RowError(
            f"there is no row file {path}; write name, model, size, dimension, mean and std of the model into it"
        ) from error
    except OSError as error:
        raise RowError(f"the row file {path} cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise RowError(
            f"the row file {path} is not YAML; correct it: {str(error).splitlines()[0]}"
        ) from error
    if not isinstance(held, dict):
        raise RowError(f"the row file {path} holds no row: write each field as name: value, as in size: 224")
    try:
        return EncoderFile(**held)
    except (ValidationError, TypeError) as error:
        raise RowError(f"the row file {path}: {_explained(error)}") from error


def _explained(error: ValidationError | TypeError) -> str:
    if isinstance(error, TypeError):
        return "every field's name is a word"
    told = [(".".join(map(str, problem["loc"])), problem["msg"]) for problem in error.errors()]
    return "; ".join(f"{name}: {text.removeprefix('Value error, ')}" for name, text in told)
