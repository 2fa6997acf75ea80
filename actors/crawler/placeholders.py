"""The pictures that hosts serve for what is gone, told by their URL, their bytes or their size."""

from __future__ import annotations

import re

# https://github.com/openimages/dataset/issues/9
_FLICKR_GONE = re.compile(r"photo_unavailable(?:_\w+)?\.(?:png|gif|jpg)", re.IGNORECASE)
_IMGUR = re.compile(r"(?:\w+\.)?imgur\.(?:com|io)")
# imgur's "removed" picture is also served with 200, under the name of the image that it stands for.
IMGUR_REMOVED_MD5 = "d835884373f4d6c8f24742ceabe74946"
IMGUR_REMOVED_BYTES = 503
IMGUR_REMOVED_SIZE = (161, 81)


def of_url(host: str, name: str) -> str | None:
    """Name the placeholder that a URL with this host and last segment leads to, if it does."""
    if _FLICKR_GONE.fullmatch(name):
        return "flickr unavailable placeholder"
    if name.lower() == "removed.png" and is_imgur(host):
        return "imgur removed placeholder"
    return None


def of_image(host: str, size: tuple[float | None, float | None], tags: tuple[str, ...]) -> str | None:
    """Name the placeholder that an image of this host is; ``tags`` are its ETag or md5, hexadecimal."""
    if IMGUR_REMOVED_MD5 in (tag.strip('W/"').lower() for tag in tags):
        return "imgur removed placeholder"
    if size == IMGUR_REMOVED_SIZE and is_imgur(host):
        return "imgur removed placeholder"
    return None


def is_imgur(host: str) -> bool:
    """Tell whether a host is imgur's own: i.stack.imgur.com is Stack Exchange's."""
    return bool(_IMGUR.fullmatch(host.rstrip(".").lower()))
