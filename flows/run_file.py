"""``runs/<id>.json``: what a run was asked to do, with which versions and models, and how it ended."""

from __future__ import annotations

import platform
import secrets
from collections import Counter
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from types import TracebackType
from typing import Any

from models.taste import Taste

from actors.storage import Output
from flows.settings import Settings
from models.schema import SCHEMA_VERSION

_PACKAGES = (
    "goldpan",
    "ray",
    "numpy",
    "pyarrow",
    "pillow",
    "onnxruntime-gpu",
    "onnxruntime",
    "praw",
    "aiohttp",
)


def new_run() -> str:
    """Name a run: when it started, and six random digits."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"


class RunFile:
    """Written when a run starts, and again when it ends; without secrets, which pydantic masks."""

    def __init__(self, run: str, output: Output, settings: Settings, taste: Taste) -> None:
        self._output = output
        self._facts: dict[str, Any] = {
            "run": run,
            "started": datetime.now(UTC),
            "ended": None,
            "how": "running",
            "settings": settings.model_dump(mode="json"),
            "schema": SCHEMA_VERSION,
            "encoder": {"name": taste.encoder, "fingerprint": taste.encoder_fingerprint},
            "taste": {"fingerprint": taste.fingerprint, "threshold": taste.threshold},
            "python": platform.python_version(),
            "versions": _versions(),
            "reasons": {},
        }

    def __enter__(self) -> RunFile:
        self._write()
        return self

    def finish(self, reasons: Counter[str], *, interrupted: bool) -> None:
        """Note what was committed, and how the run ended."""
        self._facts |= {"how": "interrupted" if interrupted else "done", "reasons": dict(reasons)}

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._facts["how"] = f"failed: {type(error).__name__}"
        self._facts["ended"] = datetime.now(UTC)
        self._write()

    def _write(self) -> None:
        self._output.write_json(f"runs/{self._facts['run']}.json", self._facts)


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
