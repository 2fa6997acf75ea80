"""What a fetched URL's status and headers say, by the same rules as the fetcher, without its body."""

from __future__ import annotations

from typing import Any

from actors.crawler import placeholders
from actors.crawler.failures import REDIRECTS, status_error
from actors.crawler.resolvers.links import read_link
from actors.crawler.resolvers.plan import Action, Call, Plan, fetch, later, skip
from actors.crawler.resolvers.shapes import mapping_of, number_of, text_of
from models.reasons import Reason

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
        if link and link.segments and (found := placeholders.of_url(link.host, link.segments[-1])):
            return skip(Reason.REMOVED_AT_HOST, found)
    link = read_link(requested)
    size = (number_of(answer, "width"), number_of(answer, "height"))
    tags = tuple(text_of(answer, key) or "" for key in ("etag", "md5"))
    found = placeholders.of_image(link.host if link else "", size, tags)
    return skip(Reason.REMOVED_AT_HOST, found) if found else None
