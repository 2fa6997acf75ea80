"""Every setting of a run, validated in one place: YAML file < environment < flags."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ByteSize, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    YamlConfigSettingsSource,
)

from actors.crawler.settings import MEBIBYTE, CrawlSettings

PREFIX = "GOLDPAN_"


class SettingsError(Exception):
    """A setting that cannot be used; the message names it, and the nearest known one."""


class WindowSettings(BaseModel):
    """When a window closes: by count, by bytes, or by time."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    count: int = Field(256, ge=1, description="candidates in a window; the first ones are smaller")
    bytes: ByteSize = Field(ByteSize(128 * MEBIBYTE), description="bytes in a window")
    seconds: float | None = Field(
        None, gt=0, description="close after this many seconds; by count only if unset"
    )
    in_flight: int = Field(2, ge=1, description="windows judged or committed at a time")


class Settings(BaseSettings):
    """All of a run's settings; secrets among them come from the environment only."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True, yaml_file_encoding="utf-8"
    )

    sources: tuple[str, ...] = Field(description="where to look: demo, reddit:…, urls:FILE, folder:DIR")
    out: str = Field(description="the output: a folder or a URI")
    taste: str | None = Field(None, description="a fitted taste, or a folder of liked images")
    encoder: str = "gist"
    keep: float = Field(0.95, gt=0, lt=1, description="share of liked images that a taste keeps")
    device: Literal["auto", "cpu", "cuda"] = "auto"
    near_bits: int = Field(8, ge=0, le=32, description="perceptual hashes this close are near-duplicates")
    watermark_threshold: float = Field(0.5, ge=0, le=1)
    thumbs: bool = True
    limit: int | None = Field(None, ge=1, description="stop after so many submissions")
    crawl: CrawlSettings = CrawlSettings()
    window: WindowSettings = WindowSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let flags win over the environment, and that over the file."""
        return init_settings, env_settings, YamlConfigSettingsSource(settings_cls)


def load_settings(flags: dict[str, Any], config: Path | None = None) -> Settings:
    """Validate a run's settings; ``flags`` may be nested, and leave out what was not given.

    Raises SettingsError with one line a problem.
    """
    if config is not None and not config.is_file():
        raise SettingsError(f"--config {config}: there is no such file")

    class FromFile(Settings):
        model_config = SettingsConfigDict(yaml_file=config)

    try:
        return FromFile(**flags)
    except ValidationError as error:
        raise SettingsError("\n".join(_explain(error))) from error


def assign(flags: dict[str, Any], assignment: str) -> None:
    """Put ``a.b=value`` into nested flags, the value as YAML has it: a number, a word, [a, list], {a: map}.

    Raises SettingsError where it has no such form, or where it is a secret: a command line is there for all to see.
    """
    name, equals, value = assignment.partition("=")
    if not equals or not name:
        raise SettingsError(f"--set {assignment}: give it as name=value, such as crawl.patience=10")
    if name in _secrets(Settings):
        raise SettingsError(
            f"--set {name}: a secret; set {PREFIX}{name.upper().replace('.', '__')} in the environment"
        )
    *groups, last = name.split(".")
    for group in groups:
        flags = flags.setdefault(group, {})
    try:
        flags[last] = yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise SettingsError(f"--set {name}: its value cannot be read: {value}") from error


def _explain(error: ValidationError) -> Iterator[str]:
    for problem in error.errors():
        name = ".".join(map(str, problem["loc"]))
        if problem["type"] != "extra_forbidden":
            yield f"{name}: {problem['msg']}"
            continue
        near = difflib.get_close_matches(name, list(_names(Settings)), n=1, cutoff=0.4)
        yield f"{name}: no such setting" + (f"; did you mean {near[0]}?" if near else "")


def _names(model: type[BaseModel]) -> Iterator[str]:
    return (name for name, _ in _fields(model))


def _secrets(model: type[BaseModel]) -> set[str]:
    return {name for name, field in _fields(model) if "Secret" in str(field.annotation)}


def _fields(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        yield prefix + name, field
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _fields(field.annotation, f"{prefix}{name}.")
