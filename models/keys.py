"""Keys and file names: how a candidate is named everywhere, and where its image goes."""

from __future__ import annotations

import hashlib
import re

from models.records import Submission

NO_CANDIDATE = "-"
NO_SUBREDDIT = "_"
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_NAME = 100
# https://learn.microsoft.com/windows/win32/fileio/naming-a-file
_RESERVED = {"con", "prn", "aux", "nul"} | {f"{port}{n}" for port in ("com", "lpt") for n in range(10)}
EXTENSIONS = {
    "JPEG": "jpg", "MPO": "jpg", "PNG": "png", "WEBP": "webp", "GIF": "gif", "AVIF": "avif",
    "BMP": "bmp", "TIFF": "tif", "HEIF": "heic", "JPEG2000": "jp2", "ICO": "ico",
}  # fmt: skip


def url_item(url: str) -> str:
    """Name a URL of a list: ``url:<sha256 of the url>``."""
    return f"url:{hashlib.sha256(url.encode('utf-8', 'surrogatepass')).hexdigest()}"


def folder_item(relative_path: str) -> str:
    """Name a file of a folder: ``folder:<relative path>``; undecodable bytes in its name are escaped."""
    return f"folder:{relative_path.encode('utf-8', 'backslashreplace').decode()}"


def item_of(key: str) -> str:
    """Give the item of a key (a folder's item may itself hold slashes; a media id never does)."""
    return key.rpartition("/")[0]


def key_hash(key: str) -> int:
    """Hash a key or an item to 64 bits, the form in which the ledger remembers it."""
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "little")


def safe_name(text: str) -> str:
    """Turn text into a name that every file system takes; what had to be changed is told apart by a hash."""
    name = _UNSAFE.sub("-", text).strip(".-")[:_LONGEST_NAME]
    if name and name == text and name.lower().split(".")[0] not in _RESERVED:
        return name
    told_apart = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{told_apart}-{name}".strip("-")


def image_path(submission: Submission, media: str, sha256: str, image_format: str) -> str:
    """Name an accepted original, relative to the output: ``images/<subreddit>/<item>_<media>_<sha8>.<ext>``.

    ``image_format`` is Pillow's name of the content's format: the extension follows what the bytes are, not
    what their host called them.
    """
    folder = safe_name(submission.subreddit) if submission.subreddit else NO_SUBREDDIT
    kind, colon, rest = submission.item.partition(":")
    item = rest[:16] if colon and kind == "url" else rest if colon else submission.item
    extension = EXTENSIONS.get(image_format, image_format.lower())
    return f"images/{folder}/{safe_name(item)}_{safe_name(media)}_{sha256[:8]}.{extension}"
