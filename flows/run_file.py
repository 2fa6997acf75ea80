"""``runs/<id>.json``: what a run was asked to do, with which versions and models, and how it ended."""

from __future__ import annotations

import platform
import secrets
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from types import TracebackType
from typing import Any

from actors.storage import Output
from flows.settings import Settings
from flows.watching.events import Event, News
from flows.watching.masking import Mask
from models.schema import SCHEMA_VERSION
from models.taste import Taste

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


MOST_NOTES = 1000


def new_run() -> str:
    """Name a run: when it started, and six random digits."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"


class RunFile:
    """A watcher that writes when a run starts, when there is something to note, and when it ends; without secrets."""

    def __init__(self, run: str, output: Output, settings: Settings, taste: Taste) -> None:
        self._output = output
        self._mask = Mask(settings)
        self._facts: dict[str, Any] = {
            "run": run,
            "started": datetime.now(UTC),
            "ended": None,
            "how": "running",
            "settings": shown_settings(settings, output),
            "x_robots_tag": "heeded" if settings.crawl.robots else "not heeded",
            "schema": SCHEMA_VERSION,
            "encoder": {"name": taste.encoder, "fingerprint": taste.encoder_fingerprint},
            "taste": {"fingerprint": taste.fingerprint, "threshold": taste.threshold},
            "python": platform.python_version(),
            "versions": versions(),
            "reasons": {},
            "notes": [],
        }

    def __enter__(self) -> RunFile:
        self._write()
        return self

    def told(self, news: News) -> None:
        """Keep what the user was told meanwhile, such as a gap in what was seen; the latest MOST_NOTES."""
        if isinstance(news, Event) and news.text is not None:
            note = {"at": datetime.now(UTC), "note": self._mask(news.text)}
            self._facts["notes"] = [*self._facts["notes"], note][-MOST_NOTES:]
            # A note that cannot be written now is written with the end, which tells if that fails too.
            with suppress(OSError):
                self._write()

    def finish(self, reasons: Counter[str], *, interrupted: bool) -> None:
        """Note what was committed, and how the run ended."""
        self._facts |= {"how": "interrupted" if interrupted else "done", "reasons": dict(reasons)}

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._facts["how"] = f"failed: {type(error).__name__}"
        self._facts["ended"] = datetime.now(UTC)
        try:
            self._write()
        except OSError as problem:
            # What ended the run (a full disk, most likely the same one) is what its user has to see.
            if error is None:
                raise
            error.add_note(f"{self._path} could not be written either: {problem}")

    @property
    def _path(self) -> str:
        return f"runs/{self._facts['run']}.json"

    def _write(self) -> None:
        self._output.write_json(self._path, self._facts)


def shown_settings(settings: Settings, output: Output) -> dict[str, Any]:
    """Give a run's settings as they may be written down."""
    held: dict[str, Any] = Mask(settings)(settings.model_dump(mode="json"))
    return held | {"out": output.shown}


def versions() -> dict[str, str]:
    """Give the versions of what a run was made with; what is not installed as a package has none."""
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
