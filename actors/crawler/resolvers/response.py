"""What a fetched URL's status and headers say, by the same rules as the fetcher, without its body."""

from __future__ import annotations

from typing import Any
from urllib.parse import urljoin

from actors.crawler import placeholders
from actors.crawler.backoff import retry_after
from actors.crawler.failures import REDIRECTS, status_error
from actors.crawler.resolvers.links import read_link
from actors.crawler.resolvers.plan import Action, Call, Plan, fetch, later, skip
from actors.crawler.resolvers.shapes import mapping_of, number_of, text_of
from actors.crawler.robots import crawler_token, opted_out
from actors.crawler.settings import CrawlSettings
from models.reasons import Reason

_UNKNOWN_TYPES = ("application/octet-stream", "binary/octet-stream", "application/x-download")
_LENGTHS = ("content_length", "bytes", "length", "size")


def read_response(answer: Any, settings: CrawlSettings) -> Plan:
    """Judge ``{requested, status, content_type, location, etag, md5, content_length, width, height, …}``.

    All may be absent; headers (``retry_after`` and ``x_robots_tag`` are read too) may also stand in an object of
    their own, ``headers``, as they are written.
    """
    answer = _flat(answer)
    requested, status = text_of(answer, "requested") or "", number_of(answer, "status") or 0
    for plan in (_placeholder(requested, answer), _by_status(int(status), requested, answer)):
        if plan is not None:
            return plan
    if settings.robots and opted_out(_robots_lines(answer), crawler_token(settings.user_agent)):
        return skip(Reason.OPTED_OUT, "X-Robots-Tag")
    if (length := _length(answer)) is not None and not 0 < length <= settings.max_bytes:
        return skip(Reason.TOO_LARGE if length else Reason.EMPTY, f"{length:.0f} bytes")
    kind = (text_of(answer, "content_type") or "").partition(";")[0].strip().lower()
    return _by_content_type(kind, requested)


def _flat(answer: Any) -> dict[str, Any]:
    if not isinstance(answer, dict):
        return {}
    both = {**mapping_of(answer, "headers"), **answer}
    return {str(name).lower().replace("-", "_"): value for name, value in both.items()}


def _by_status(status: int, requested: str, answer: dict[str, Any]) -> Plan | None:
    """What a status comes to that is not a success."""
    if status in REDIRECTS:
        location = _location(requested, answer)
        call = Call("redirect", location, f"GET {location}")
        return Plan(Action.REDIRECT, call=call) if location else skip(Reason.REDIRECTS, "no Location")
    error = status_error(status)
    if error is None:
        return None
    if error.temporary:
        return later(error.reason, f"status {status}", _pause(answer))
    return skip(error.reason, "gone" if error.reason is Reason.NOT_FOUND else f"status {status}")


def _location(requested: str, answer: dict[str, Any]) -> str:
    location = text_of(answer, "location") or ""
    try:
        return urljoin(requested, location.strip()) if location else ""
    except ValueError:  # brackets that hold no address
        return ""


def _pause(answer: dict[str, Any]) -> float | None:
    seconds = number_of(answer, "retry_after")
    return seconds if seconds is not None else retry_after(text_of(answer, "retry_after"))


def _length(answer: dict[str, Any]) -> float | None:
    return next((size for name in _LENGTHS if (size := number_of(answer, name)) is not None), None)


def _robots_lines(answer: dict[str, Any]) -> list[str]:
    lines = answer.get("x_robots_tag")
    lines = lines if isinstance(lines, list) else [lines]
    return [line for line in lines if isinstance(line, str)]


def _by_content_type(kind: str, requested: str) -> Plan:
    if kind.startswith("image/") or kind in ("", *_UNKNOWN_TYPES):
        return fetch(requested)
    if kind.startswith("video/"):
        return skip(Reason.VIDEO, "a video instead of an image")
    return skip(Reason.NOT_AN_IMAGE, f"{kind.rpartition('/')[2]} instead of image")


def _placeholder(requested: str, answer: Any) -> Plan | None:
    for url in (requested, text_of(answer, "final_url") or "", _location(requested, answer)):
        link = read_link(url)
        if link and link.segments and (found := placeholders.of_url(link.host, link.segments[-1])):
            return skip(Reason.REMOVED_AT_HOST, found)
    link = read_link(requested)
    size = (number_of(answer, "width"), number_of(answer, "height"))
    tags = tuple(text_of(answer, key) or "" for key in ("etag", "md5"))
    host = link.host if link else ""
    found = placeholders.of_image(host, size, tags)
    if found is None and size == (None, None) and _length(answer) == placeholders.IMGUR_REMOVED_BYTES:
        found = placeholders.of_image(host, placeholders.IMGUR_REMOVED_SIZE, ())
    return skip(Reason.REMOVED_AT_HOST, found) if found else None
