"""What is checked before a run starts, so that it fails early, with one message that names the way out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from rich.console import Console

from actors.crawler.sources import open_source, parse_source
from actors.storage import Output
from flows.exits import PreflightError
from flows.fit import taste_from_folder
from flows.settings import Settings
from models.registry import cache_folder, encoder_row, file_sha256, resolve_weights
from models.taste import Taste


def given(flags: dict[str, Any]) -> dict[str, Any]:
    """Leave out the flags that were not given, so that the environment and the file can speak."""
    nested = {name: given(value) if isinstance(value, dict) else value for name, value in flags.items()}
    return {name: value for name, value in nested.items() if value not in (None, {})}


def output(settings: Settings) -> Output:
    """Open the output, and make sure it can be written to."""
    opened = Output(settings.out)
    opened.check_writable()
    return opened


def sources(settings: Settings) -> None:
    """Make sure each source is known, can be read, and accepts our credentials."""
    for source in settings.sources:
        open_source(parse_source(source), settings.crawl).check()


def taste(settings: Settings, console: Console) -> Taste:
    """Load the taste, or fit one on a folder of images; it has to match the encoder."""
    weights = resolve_weights(encoder_row(settings.encoder))
    if settings.taste is None:
        raise PreflightError("no --taste: give a folder of at least 30 images you like, or a fitted taste")
    folder = Path(settings.taste).expanduser()
    if not folder.is_dir():
        raise PreflightError(f"--taste {settings.taste}: there is no such folder")
    if (folder / "taste.json").exists():
        loaded = Taste.load(folder)
    else:
        console.print(f"fitting a taste on {folder}", highlight=False)
        loaded = taste_from_folder(
            folder,
            encoder=settings.encoder,
            keep=settings.keep,
            cache=cache_folder() / "tastes",
            threads=os.cpu_count() or 1,
            on_progress=None,
        )
    loaded.check_encoder(file_sha256(weights))
    return loaded
