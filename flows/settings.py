"""Every setting of a run, validated in one place: YAML file < environment < flags."""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

import pydantic_settings
import yaml
from pydantic import (
    BaseModel,
    ByteSize,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from actors.crawler.settings import MEBIBYTE, CrawlSettings
from actors.crawler.sources import parse_source
from actors.duplicates import NEAR_BITS
from actors.retries import check_retry
from models.gates import ContentGates
from models.precision import Asked

PREFIX = "GOLDPAN_"
FOLLOW_SECONDS = 5
# Variables with our prefix that are no settings: models/registry.py, actors/weights.py and the tests read them.
_OTHER_VARIABLES = frozenset(("GOLDPAN_CACHE", "GOLDPAN_MIRROR", "GOLDPAN_OFFLINE", "GOLDPAN_SHARED_DATA"))


class SettingsError(Exception):
    """A setting that cannot be used; the message names it, and the nearest known one."""


class WindowSettings(BaseModel):
    """When a window closes: by count, by bytes, or by time."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    count: int = Field(256, ge=1, description="candidates in a window; the first ones are smaller")
    bytes: ByteSize = Field(ByteSize(128 * MEBIBYTE), description="bytes in a window")
    seconds: float | None = Field(
        None,
        gt=0,
        description=f"close after this many seconds; if unset by count only, {FOLLOW_SECONDS} in an endless run",
    )
    in_flight: int = Field(2, ge=1, description="windows judged or committed at a time")
    compact: int = Field(
        64, ge=0, description="windows of a day that are put together in one shard; 0: never"
    )


class LogFormat(StrEnum):
    """What a run says of itself, to a person or to a machine."""

    TEXT = "text"
    JSON = "json"


class WatchSettings(BaseModel):
    """How a run is watched: by its events, its records, its metrics."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    events: str | None = Field(
        None, description="a file, a FIFO, or - for stdout: each event as a line of JSON"
    )
    log_format: LogFormat = Field(LogFormat.TEXT, description="json: an object for each line on stderr")
    log_file: str | None = Field(None, description="a file for records, beside stderr")
    log_bytes: ByteSize = Field(ByteSize(16 * MEBIBYTE), ge=1, description="a larger log file is begun anew")
    log_files: int = Field(4, ge=1, description="older log files that are kept")
    metrics_port: int | None = Field(None, ge=0, le=65535, description="where Prometheus finds a run; 0: any")
    metrics_host: str = Field("127.0.0.1", description="the address that it listens on")


class Settings(BaseSettings):
    """All of a run's settings; secrets among them come from the environment only."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True
    )

    sources: tuple[str, ...] = Field(
        description="where to look: demo, reddit:…, dump:FILE, arctic:NAME, urls:FILE, folder:DIR"
    )
    follow: bool = Field(
        False, description="go on with what is new at Reddit's listings, until it is stopped"
    )
    retry: str | None = Field(None, description="failed, failed:REASON, or gained: what to have again")
    out: str = Field(description="the output: a folder or a URI")
    taste: str | None = Field(None, description="a fitted taste, or a folder of liked images")
    encoder: str = "gist"
    precision: Asked = Field("auto", description="of the encoder: auto, fp32, int8 or fp16")
    keep: float = Field(0.95, gt=0, lt=1, description="share of liked images that a taste keeps")
    device: Literal["auto", "cpu", "cuda"] = "auto"
    crawlers: int | None = Field(
        None, ge=1, description="crawler processes; if unset, one for every 8 CPUs of the cluster"
    )
    near_bits: int = Field(
        NEAR_BITS, ge=0, le=32, description="perceptual hashes this close are near-duplicates"
    )
    known: tuple[str, ...] = Field(
        (), description="folders of images and outputs of other runs: copies of what is there are not kept"
    )
    watermark_detector: str = Field(
        "watermark", description="what looks for marks: watermark, watermark-anti-sus"
    )
    watermark_threshold: float = Field(0.5, ge=0, le=1)
    decode_seconds: float = Field(
        60, gt=0, description="an image that takes its decoder longer is one that crashes it"
    )
    hang_seconds: float = Field(
        300, gt=0, description="an actor that gives no answer for so long is started again"
    )
    thumbs: bool = True
    limit: int | None = Field(None, ge=1, description="stop after so many submissions")
    crawl: CrawlSettings = CrawlSettings()
    window: WindowSettings = WindowSettings()
    gates: ContentGates = ContentGates()
    watch: WatchSettings = WatchSettings()

    @field_validator("retry")
    @classmethod
    def _retried(cls, text: str | None) -> str | None:
        if text is not None:
            check_retry(text)
        return text

    @property
    def endless(self) -> bool:
        """Tell whether the run goes on until it is stopped."""
        return any(parse_source(source).is_endless(follow=self.follow) for source in self.sources)

    @property
    def windows(self) -> WindowSettings:
        """When windows close: a run that goes on for ever does not wait until one is full."""
        if not self.endless or self.window.seconds is not None:
            return self.window
        return self.window.model_copy(update={"seconds": FOLLOW_SECONDS})

    @model_validator(mode="after")
    def _window_fits(self) -> Settings:
        # A window waits for its bytes while the crawler may not fetch more of them: two have to fit.
        window, ahead = self.window.bytes, self.crawl.ahead_bytes
        if 2 * window > ahead:
            raise ValueError(
                f"window.bytes ({_size(window)}) is more than half of crawl.ahead_bytes ({_size(ahead)}), and a "
                f"window could wait for ever: set window.bytes={_size(ahead // 2)} or less, or "
                f"crawl.ahead_bytes={_size(2 * window)} or more"
            )
        return self


def load_settings(flags: dict[str, Any], config: Path | None = None) -> Settings:
    """Validate a run's settings; ``flags`` may be nested, and leave out what was not given.

    Raises SettingsError with one line a problem.
    """
    held = {} if config is None else _read(config)
    _check_variables()

    class Layered(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return init_settings, env_settings, InitSettingsSource(settings_cls, held)

    try:
        return Layered(**flags)
    except ValidationError as error:
        raise SettingsError("\n".join(_explain(error))) from error
    except pydantic_settings.SettingsError as error:
        raise SettingsError(_not_json(error)) from error


def _read(config: Path) -> dict[str, Any]:
    try:
        held = yaml.safe_load(config.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError as error:
        raise SettingsError(f"--config {config}: there is no such file") from error
    except OSError as error:
        raise SettingsError(
            f"--config {config} cannot be read: {error.strerror}; name a YAML file"
        ) from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"--config {config} is not UTF-8; save it as UTF-8") from error
    except yaml.MarkedYAMLError as error:
        # Without the line's text, which may be a secret's.
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise SettingsError(f"--config {config} is not YAML; correct {line}{error.problem}") from error
    # A control character, or a date with a thirteenth month.
    except (yaml.YAMLError, ValueError) as error:
        raise SettingsError(f"--config {config} cannot be read; correct it: {error}") from error
    if held is None:
        return {}
    if not isinstance(held, dict) or not all(isinstance(name, str) for name in held):
        raise SettingsError(
            f"--config {config} holds no settings: write each as name: value, such as keep: 0.9"
        )
    return held


def _check_variables() -> None:
    for variable in sorted(os.environ):
        name = variable.upper()
        top = name.removeprefix(PREFIX).partition("__")[0].lower()
        if not name.startswith(PREFIX) or name in _OTHER_VARIABLES or top in Settings.model_fields:
            continue
        known = [*(_variable(name) for name in _names(Settings)), *_OTHER_VARIABLES]
        raise SettingsError(f"{variable} in the environment: no such setting{_nearest(name, known)}")


def _not_json(error: pydantic_settings.SettingsError) -> str:
    ours = [name for name in sorted(os.environ) if name.upper().startswith(PREFIX)]
    if isinstance(error.__cause__, json.JSONDecodeError):
        ours = [name for name in ours if os.environ[name] == error.__cause__.doc] or ours
    return (
        f"{' or '.join(ours)} in the environment: lists and maps are JSON there, "
        f"such as {PREFIX}CRAWL__ALLOW_PRIVATE='[\"localhost:8080\"]'"
    )


def assign(flags: dict[str, Any], assignment: str) -> None:
    """Put ``a.b=value`` into nested flags, the value as YAML has it: a number, a word, [a, list], {a: map}.

    Raises SettingsError where it has no such form, or is a secret or a group that holds one: a command line is
    there for all to see.
    """
    name, equals, value = assignment.partition("=")
    if not equals or not name:
        raise SettingsError(f"--set {assignment}: give it as name=value, such as crawl.patience=10")
    _refuse_secrets(name)
    *groups, last = name.split(".")
    for group in groups:
        flags = flags.setdefault(group, {})
        if not isinstance(flags, dict):
            raise SettingsError(
                f"--set {name}: {group} is one value, which holds no settings; set it as a whole"
            )
    try:
        flags[last] = yaml.safe_load(value)
    except (yaml.YAMLError, ValueError) as error:
        raise SettingsError(f"--set {name}: its value cannot be read, put it in quotes: {value}") from error


def _refuse_secrets(name: str) -> None:
    for secret in sorted(_secrets(Settings)):
        if f"{name}.".startswith(f"{secret}."):
            raise SettingsError(f"--set {name}: a secret; set {_variable(secret)} in the environment")
        if secret.startswith(f"{name}."):
            raise SettingsError(
                f"--set {name}: it holds secrets such as {secret}; set {_variable(secret)} in the environment, "
                f"and what is no secret by its own name, as --set {name}.…=value"
            )


def _explain(error: ValidationError) -> Iterator[str]:
    for problem in error.errors():
        name = ".".join(map(str, problem["loc"]))
        if problem["type"] == "extra_forbidden":
            yield f"{name}: no such setting{_nearest(name, _names(Settings))}"
        else:
            message = problem["msg"].removeprefix("Value error, ")
            yield f"{name}: {message}" if name else message


def _nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.4)
    return f"; did you mean {near[0]}?" if near else "; docs/settings.md has them all"


def _variable(name: str) -> str:
    return f"{PREFIX}{name.upper().replace('.', '__')}"


def _size(count: int) -> str:
    """Write bytes exactly, so that they can be set again."""
    return f"{count // MEBIBYTE}MiB" if count % MEBIBYTE == 0 else str(count)


def _names(model: type[BaseModel]) -> Iterator[str]:
    return (name for name, _ in _fields(model))


def _secrets(model: type[BaseModel]) -> set[str]:
    return {name for name, field in _fields(model) if "Secret" in str(field.annotation)}


def _fields(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        yield prefix + name, field
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _fields(field.annotation, f"{prefix}{name}.")
