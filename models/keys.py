"""Keys and file names: how a candidate is named everywhere, and where its image goes."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from operator import mul

import numpy as np
import pyarrow as pa

from models.records import Submission

Hashes = np.ndarray[tuple[int], np.dtype[np.uint64]]
NO_CANDIDATE = "-"
NO_SUBREDDIT = "_"
# What ``image_path`` gives, and its stem.
IMAGE_NAME = re.compile(r"(?P<stem>images/.+)_(?P<digits>[0-9a-f]{8})\.\w+")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_NAME = 100
_SEED = 20261126
_LENGTH = 0x9E3779B97F4A7C15  # any odd number
_PIECE = 1 << 13
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
    data = key.encode()
    total: int = len(data) * _LENGTH + sum(map(mul, data, _weights(len(data))[0]))
    return total % (1 << 64)


def key_hashes(keys: pa.Array | pa.ChunkedArray) -> Hashes:
    """Hash a column of keys, none of them null, as ``key_hash`` does, many times as fast.

    Multilinear hashing of the bytes with fixed random weights (https://arxiv.org/abs/1202.4961): two keys share a
    hash with a probability of 2⁻⁶⁴ where an odd difference is among their bytes', 2⁻⁵⁷ at worst.
    """
    pieces = [_hashed(keys.slice(start, _PIECE)) for start in range(0, len(keys), _PIECE)]
    return np.concatenate([np.empty(0, np.uint64), *pieces])


def _hashed(keys: pa.Array | pa.ChunkedArray) -> Hashes:
    text = keys.cast(pa.large_string())
    text = text.combine_chunks() if isinstance(text, pa.ChunkedArray) else text
    _, offsets, data = text.buffers()
    ends = np.frombuffer(offsets, np.int64)[text.offset : text.offset + len(text) + 1]
    starts, lengths = ends[:-1] - ends[0], np.diff(ends)
    found: Hashes = lengths.astype(np.uint64) * np.uint64(_LENGTH)
    filled = lengths > 0
    if filled.any():
        values = np.frombuffer(data, np.uint8)[ends[0] : ends[-1]].astype(np.uint64)
        places = np.arange(len(values)) - np.repeat(starts, lengths)
        values *= _weights(int(lengths.max()))[1][places]
        found[filled] += np.add.reduceat(values, starts[filled])
    return found


def _weights(count: int) -> tuple[list[int], Hashes]:
    return _drawn(max(64, 1 << count.bit_length()))


@cache
def _drawn(count: int) -> tuple[list[int], Hashes]:
    # A generator's first numbers are the same however many are asked for.
    drawn = np.random.Generator(np.random.PCG64(_SEED)).integers(0, 1 << 64, count, np.uint64)
    return drawn.tolist(), drawn


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
    extension = EXTENSIONS.get(image_format, image_format.lower())
    return f"{image_stem(submission, media)}_{sha256[:8]}.{extension}"


def image_stem(submission: Submission, media: str) -> str:
    """Give what a candidate's file is named before its content is known: ``images/<subreddit>/<item>_<media>``."""
    folder = safe_name(submission.subreddit) if submission.subreddit else NO_SUBREDDIT
    kind, colon, rest = submission.item.partition(":")
    item = rest[:16] if colon and kind == "url" else rest if colon else submission.item
    return f"images/{folder}/{safe_name(item)}_{safe_name(media)}"
