"""What a fetched URL's status and headers say, by the same rules as the fetcher, without its body."""

from __future__ import annotations

import re
from typing import Any

from actors.crawler.failures import status_error
from actors.crawler.resolvers.links import read_link
from actors.crawler.resolvers.plan import Action, Call, Plan, fetch, later, skip
from actors.crawler.resolvers.shapes import mapping_of, number_of, text_of
from models.reasons import Reason

REDIRECTS = (301, 302, 303, 307, 308)
# https://github.com/openimages/dataset/issues/9
_FLICKR_GONE = re.compile(r"photo_unavailable(?:_\w+)?\.(?:png|gif|jpg)", re.IGNORECASE)
_IMGUR = re.compile(r"(?:\w+\.)?imgur\.(?:com|io)")
IMGUR_REMOVED_SIZE = (161, 81)
IMGUR_REMOVED_MD5 = "d835884373f4d6c8f24742ceabe74946"
_UNKNOWN_TYPES = ("application/octet-stream", "binary/octet-stream", "application/x-download")


def read_response(answer: Any) -> Plan:
    """Judge ``{requested, status, content_type, location, etag, md5, content_length, width, height}``.

    All may be absent; headers may also stand in an object of their own, ``headers``, as they are written.
    """
    answer = _flat(answer)
    requested, status = text_of(answer, "requested") or "", number_of(answer, "status") or 0
    placeholder = _placeholder(requested, answer)
    if placeholder is not None:
        return placeholder
    if int(status) in REDIRECTS:
        location = text_of(answer, "location") or ""
        call = Call("redirect", location, f"GET {location}")
        return Plan(Action.REDIRECT, call=call) if location else skip(Reason.REDIRECTS, "no Location")
    error = status_error(int(status))
    if error is not None and error.temporary:
        return later(error.reason, f"status {status:.0f}")
    if error is not None:
        return skip(error.reason, "gone" if error.reason is Reason.NOT_FOUND else f"status {status:.0f}")
    if number_of(answer, "content_length") == 0:
        return skip(Reason.EMPTY, "no bytes")
    kind = (text_of(answer, "content_type") or "").partition(";")[0].strip().lower()
    return _by_content_type(kind, requested)


def _flat(answer: Any) -> dict[str, Any]:
    if not isinstance(answer, dict):
        return {}
    both = {**mapping_of(answer, "headers"), **answer}
    return {str(name).lower().replace("-", "_"): value for name, value in both.items()}


def _by_content_type(kind: str, requested: str) -> Plan:
    if kind.startswith("image/") or kind in ("", *_UNKNOWN_TYPES):
        return fetch(requested)
    if kind.startswith("video/"):
        return skip(Reason.VIDEO, "a video instead of an image")
    return skip(Reason.NOT_AN_IMAGE, f"{kind.rpartition('/')[2]} instead of image")


def _placeholder(requested: str, answer: Any) -> Plan | None:
    for url in (requested, text_of(answer, "location") or ""):
        link = read_link(url)
        name = link.segments[-1].lower() if link and link.segments else ""
        if _FLICKR_GONE.fullmatch(name):
            return skip(Reason.REMOVED_AT_HOST, "flickr unavailable placeholder")
        if link and name == "removed.png" and _IMGUR.fullmatch(link.host):
            return skip(Reason.REMOVED_AT_HOST, "imgur removed placeholder")
    size = (number_of(answer, "width"), number_of(answer, "height"))
    if size == IMGUR_REMOVED_SIZE and _IMGUR.fullmatch(_host(requested)):
        return skip(Reason.REMOVED_AT_HOST, "imgur removed placeholder")
    tags = {(text_of(answer, key) or "").strip('W/"').lower() for key in ("etag", "md5")}
    if IMGUR_REMOVED_MD5 in tags:
        return skip(Reason.REMOVED_AT_HOST, "imgur removed placeholder")
    return None


def _host(url: str) -> str:
    link = read_link(url)
    return link.host if link else ""
