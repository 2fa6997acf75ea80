"""Reading a link as posts and lists have it: escaped, without a scheme, relative, or not a link at all."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit, urlunsplit

_SCHEMELESS = re.compile(r"(?:[a-z0-9-]+\.)+[a-z]{2,}(?::\d+)?(?:[/?#]|$)", re.IGNORECASE)
_HOST = re.compile(r"[^\s/?#@<>\"\\^`{|}]+")
# Twitter's old links name a size behind it: photo.jpg:large.
_EXTENSION = re.compile(r"\.(\w+)(?::\w+)?\s*$", re.ASCII)
_LONGEST = 8000


@dataclass(frozen=True, slots=True)
class Link:
    """An http or https URL without its fragment and userinfo; ``host`` is in lower case, without a port.

    ``segments`` are the path's parts that are not empty, percent-decoded.
    """

    url: str
    host: str
    segments: tuple[str, ...]
    query: str

    @property
    def extension(self) -> str:
        """The last segment's extension in lower case, without the dot; "" where there is none."""
        found = _EXTENSION.search(self.segments[-1]) if self.segments else None
        return found[1].lower() if found else ""

    def parameter(self, name: str) -> str | None:
        """The first value of a query parameter, decoded."""
        return next(iter(parse_qs(self.query).get(name, [])), None)


def unescape(text: str) -> str:
    """Undo the escaping of ``&``, ``<`` and ``>`` that Reddit applies unless ``raw_json=1`` was sent.

    Only these: a general HTML unescape would turn the query ``&copy=1`` into ``©=1``.
    """
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def read_link(text: str) -> Link | None:
    """Read a link; None where it cannot be asked over http or https."""
    text = _with_scheme(unescape(text.strip()))
    if len(text) > _LONGEST:
        return None
    try:
        parts = urlsplit(text)
        host, port = (parts.hostname or "").rstrip("."), parts.port
        text.encode("utf-8")
    except ValueError:  # also what UTF-8 cannot hold
        return None
    if parts.scheme not in ("http", "https") or not _HOST.fullmatch(host) or port == 0:
        return None
    netloc = parts.netloc.rpartition("@")[2]
    segments = tuple(unquote(part) for part in parts.path.split("/") if part)
    return Link(urlunsplit((parts.scheme, netloc, parts.path, parts.query, "")), host, segments, parts.query)


def _with_scheme(text: str) -> str:
    if text.startswith("//"):
        return f"https:{text}"
    # Reddit writes links to itself relative to its own root.
    if re.match(r"/(?:r|u|user|gallery|comments)/", text):
        return f"https://www.reddit.com{text}"
    return f"https://{text}" if _SCHEMELESS.match(text) else text
