"""What is checked before a run starts, so that it fails early, with one message that names the way out."""

from __future__ import annotations

import configparser
import errno
import os
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from rich.console import Console
from rich.text import Text

from actors.crawler.sources import open_source, parse_source
from actors.ledger import Ledger
from actors.storage import Output
from flows.exits import PreflightError
from flows.fit import taste_from_folder
from flows.settings import Settings
from models.registry import (
    cache_folder,
    encoder_row,
    file_sha256,
    fingerprint_of,
    resolve_weights,
    watermark_row,
)
from models.row_file import is_path
from models.taste import Taste

_OF_FILES = ("urls", "folder", "dump")
_CREDENTIALS = ("client_id", "client_secret", "username", "password")


def given(flags: dict[str, Any]) -> dict[str, Any]:
    """Leave out the flags that were not given, so that the environment and the file can speak."""
    nested = {name: given(value) if isinstance(value, dict) else value for name, value in flags.items()}
    return {name: value for name, value in nested.items() if value not in (None, {})}


def absolute(settings: Settings) -> Settings:
    """Name the output and the sources' files by absolute paths: another process may work in another folder."""
    out = settings.out if "://" in settings.out else _absolute(settings.out)
    known = tuple(one if "://" in one else _absolute(one) for one in settings.known)
    sources = tuple(map(_absolute_source, settings.sources))
    encoder = _absolute(settings.encoder) if is_path(settings.encoder) else settings.encoder
    return settings.model_copy(update={"out": out, "sources": sources, "known": known, "encoder": encoder})


def _absolute_source(text: str) -> str:
    spec = parse_source(text)
    if spec.kind not in _OF_FILES or "://" in spec.name:
        return text
    options = "".join(f",{name}={value}" for name, value in spec.options.items())
    return f"{spec.kind}:{_absolute(spec.name)}{options}"


def _absolute(path: str) -> str:
    try:
        return str(Path(path).expanduser().absolute())
    except RuntimeError as error:
        raise PreflightError(f"{path}: there is no such user; write the path in full") from error


def with_credentials(settings: Settings) -> Settings:
    """Fill in what PRAW would read here, from its variables or praw.ini: another node may have neither.

    What is set already stays. https://praw.readthedocs.io/en/stable/getting_started/configuration.html
    """
    access = settings.crawl.reddit
    unset = [name for name in _CREDENTIALS if getattr(access, name) is None]
    if not unset or {parse_source(source).kind for source in settings.sources} == {"folder"}:
        return settings
    reddit = access.model_copy(update=_from_praw(unset))
    crawl = settings.crawl.model_copy(update={"reddit": reddit})
    return settings.model_copy(update={"crawl": crawl})


def _from_praw(names: list[str]) -> dict[str, str | SecretStr]:
    # Slow to import, and of use to Reddit only.
    from praw.config import Config

    try:
        config = Config(os.environ.get("praw_site") or "DEFAULT")  # noqa: SIM112
    except configparser.Error:
        return {}  # the source's own check says what is wrong with praw.ini
    read = {name: value for name in names if (value := getattr(config, name))}
    return {name: value if name == "username" else SecretStr(value) for name, value in read.items()}


def sources_or_retry(sources: list[str] | None, retry: str | None) -> list[str]:
    """Make sure that there is something to do; --retry needs no source."""
    if not sources and retry is None:
        raise PreflightError("no SOURCE: name one, such as demo, reddit:r/EarthPorn or urls:links.txt")
    return sources or []


def endless(settings: Settings, *, dry: bool) -> None:
    """Make sure that --follow has a source that it can follow, and --dry-run none that never ends."""
    if dry and settings.endless:
        raise PreflightError(
            "--dry-run lists all that the sources have: leave out --follow, and name sources that end"
        )
    if settings.follow and not settings.endless:
        raise PreflightError(
            f"--follow: nothing new will come of {', '.join(settings.sources)}; it follows reddit:… sources only"
        )


def output(settings: Settings) -> Output:
    """Open the output, and make sure it can be written to."""
    opened = Output(settings.out)
    opened.check_writable()
    return opened


def ledger(output: Output) -> Ledger:
    """Read what earlier runs left; a shard or a manifest that is damaged is said with the way out."""
    try:
        return Ledger(output)
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.ENOENT):
            raise  # the disk's; Arrow's own of broken Parquet have no number
        told = f"{type(error).__name__}: {' '.join(str(error).split())}"[:200]
        raise PreflightError(
            f"--out {output.shown}: what earlier runs left there cannot be read ({told}). "
            "See what is damaged: goldpan doctor OUT, and mend it: goldpan doctor OUT --repair"
        ) from error


def sources(settings: Settings) -> None:
    """Make sure each source is known, can be read, and accepts our credentials.

    Files in a folder are known by their paths inside of it, so that two folders could hide each other's: one a run.
    """
    folders = [source for source in settings.sources if parse_source(source).kind == "folder"]
    if len(folders) > 1:
        raise PreflightError(
            f"{' and '.join(folders)}: one folder a run, as files of the same name would count as one. "
            "Name a folder that holds them all, or make a run for each, with an --out of its own"
        )
    for source in settings.sources:
        open_source(parse_source(source), settings.crawl, follow=settings.follow).check()


def detector(settings: Settings) -> None:
    """Make sure that the watermark detector is known, and its weights are here."""
    resolve_weights(watermark_row(settings.watermark_detector))


def taste(settings: Settings, console: Console) -> Taste:
    """Load the taste, or fit one on a folder of images; it has to match the encoder."""
    row = encoder_row(settings.encoder)
    weights = resolve_weights(row)
    if settings.taste is None:
        raise PreflightError("no --taste: give a folder of at least 30 images you like, or a fitted taste")
    folder = Path(settings.taste).expanduser()
    if not folder.is_dir():
        raise PreflightError(f"--taste {settings.taste}: there is no such folder")
    if (folder / "taste.json").exists():
        loaded = Taste.load(folder)
    else:
        console.print(Text(f"fitting a taste on {folder}"), soft_wrap=True)
        loaded = taste_from_folder(
            folder,
            encoder=settings.encoder,
            keep=settings.keep,
            cache=cache_folder() / "tastes",
            threads=os.cpu_count() or 1,
            on_progress=None,
        )
    loaded.check_encoder(fingerprint_of(row, file_sha256(weights)))
    return loaded
