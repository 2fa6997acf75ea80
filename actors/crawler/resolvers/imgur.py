"""imgur: pages, direct links and their thumbnails, albums and galleries; API v3 (https://apidocs.imgur.com)."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any

from actors.crawler.resolvers.links import Link, read_link
from actors.crawler.resolvers.plan import (
    SINGLE,
    Call,
    Part,
    Plan,
    ask,
    download,
    fatal,
    later,
    skip,
)
from actors.crawler.resolvers.shapes import mapping_of, number_of, objects_of, pixels_of, text_of
from actors.crawler.resolvers.site import Request
from actors.crawler.settings import CrawlSettings
from models.reasons import Reason

API = "https://api.imgur.com/3"
OVER_CAPACITY_SECONDS = 600.0
_OVER_CAPACITY = "imgur over capacity"
RATE_LIMIT_SECONDS = 3600.0
# Ids have 5 or 7 characters, never 6 (https://github.com/honestbleeps/Reddit-Enhancement-Suite/pull/2912); a
# thumbnail's name has one more, its size.
_ID = re.compile(r"[A-Za-z0-9]{5}(?:[A-Za-z0-9]{2})?")
_THUMBNAIL = re.compile(r"([A-Za-z0-9]{5}|[A-Za-z0-9]{7})[sbtmlhgr]")
_ANIMATIONS = frozenset({"gifv", "mp4", "webm"})
_KEPT_EXTENSIONS = frozenset({"jpg", "jpeg", "png", "gif"})
_NO_PICTURES = frozenset({"favicon.ico", "robots.txt", "sitemap.xml"})
# Below this many calls are left for those of others, and for what is on its way.
_RESERVE = 25
# The site's own pages and orders, of which some are as long as an id.
_PAGES = frozenset((  # noqa: SIM905
    "about account advertise apps arcade beta blog contact custom emerald help hot image jobs "
    "memegen new notifications privacy random register removalrequest removed rules search settings "
    "signin store tags top topics tos upload user vidgif viral"
).split())  # fmt: skip
_KEY_REFUSED = re.compile(
    r"client[_ -]?id|access token|authentication|auth(?:orization)? header", re.IGNORECASE
)
_UNKNOWN = re.compile(r"unable to find|not found", re.IGNORECASE)


class ImgurResolver:
    """Links to imgur; with a Client-ID its API tells what they are, without one single images still resolve."""

    name = "imgur"
    pattern = re.compile(r"https?://(?:(?:www|i|m|o)\.)?imgur\.(?:com|io)(?::\d+)?(?:[/?]|$)", re.IGNORECASE)
    examples = (
        "https://imgur.com/21yMxCS",
        "https://i.imgur.com/zxaY6s.gif",
        "http://m.imgur.com/a/TcBmP",
        "https://imgur.com/gallery/some-words-zf2fIms",
        "https://imgur.io/t/funny/zf2fIms",
        "https://imgur.com/r/pics/iHJ7tsM",
        "https://o.imgur.com/lFJai6i.gifv",
    )

    def resolve(self, link: Link) -> Plan:
        """Tell an image from an album and from what may be either, by the path."""
        match link.segments:
            case ["a", name, *_]:
                return _ask_for("album", _last_word(name))
            case ["gallery", name, *_] | ["t" | "topic", _, name, *_]:
                return _ask_for("gallery", _last_word(name))
            case ["r", _, name, *_] | ["download", name, *_]:
                return _top_level(name)
            case ["a" | "gallery" | "t" | "topic" | "r" | "download", *_] | []:
                return skip(Reason.NOT_AN_IMAGE_LINK, "imgur page without an image of its own")
            case [name, *_]:
                return _top_level(name)
        raise AssertionError(link.segments)

    def request(self, call: Call, settings: CrawlSettings) -> Request | None:
        """Give the API request, None without a Client-ID."""
        if settings.imgur_client_id is None:
            return None
        secret = settings.imgur_client_id.get_secret_value()
        return Request(f"{API}/{call.method}/{call.id}", headers={"Authorization": f"Client-ID {secret}"})

    def pause(self, headers: Mapping[str, str]) -> float | None:
        """Give the seconds to leave the API alone where its budget is nearly spent (X-RateLimit-…)."""
        told = dict(headers)
        user, client = (number_of(told, f"x-ratelimit-{whose}remaining") for whose in ("user", "client"))
        if user is not None and user < _RESERVE:
            reset = number_of(told, "x-ratelimit-userreset") or 0.0
            return min(max(reset - time.time(), OVER_CAPACITY_SECONDS), RATE_LIMIT_SECONDS)
        # The app's budget is a day's, and when it starts anew is not told.
        return RATE_LIMIT_SECONDS if client is not None and client < _RESERVE else None

    def read(self, call: Call | None, body: Any) -> Plan:
        """Read the API's answer about an image, an album or a gallery post."""
        if (trouble := read_trouble(body)) is not None:
            return trouble
        # Version 3 wraps its answer; the site's own API (post/v1) does not, and names its images media.
        data = body.get("data", body if "id" in body else None) if isinstance(body, dict) else None
        if isinstance(data, list):  # …/album/ID/images
            data = {"images": data}
        if not isinstance(data, dict) or not data:
            return skip(Reason.API_ERROR, "imgur answered without data")
        if "media" in data:
            data = {**data, "images": data["media"]}
        if "images" in data or data.get("is_album") is True or (call and call.method == "album"):
            return _read_album(call, data)
        return download(_part(data, SINGLE))


def _top_level(name: str) -> Plan:
    """A name right behind the host: an image, unless it is one of the site's own pages."""
    word = name.lower()
    if word.startswith("removed."):
        return skip(Reason.REMOVED_AT_HOST, "imgur removed placeholder")
    if word in _NO_PICTURES or word.partition(".")[0] in _PAGES:
        return skip(Reason.NOT_AN_IMAGE_LINK, f"imgur {word} page")
    names = re.split("[,&]", name)
    return _several(names) if len(names) > 1 else _image(name)


def _last_word(name: str) -> str:
    """The id at the end of a slug, without an extension."""
    return name.split(".", 1)[0].rpartition("-")[2]


def _ask_for(method: str, identity: str, *urls: str, reason: Reason = Reason.NEEDS_CREDENTIALS) -> Plan:
    if not _ID.fullmatch(identity) or identity.lower() in _PAGES:
        return skip(Reason.NOT_AN_IMAGE_LINK, "not an imgur id")
    detail = (
        "goldpan needs an imgur Client-ID for this" if reason is Reason.NEEDS_CREDENTIALS else "animation"
    )
    call = Call(method, identity, f"GET {API}/{method}/{identity}")
    return ask(call, *urls, reason=reason, detail=detail)


def _image(name: str) -> Plan:
    extension = name.rpartition(".")[2].lower() if "." in name else ""
    identity = _image_id(name)
    if extension in _ANIMATIONS:
        return _ask_for("image", identity, reason=Reason.VIDEO)
    return _ask_for("image", identity, _direct(identity, extension))


def _image_id(name: str) -> str:
    identity = _last_word(name).removesuffix("_d")
    thumbnail = _THUMBNAIL.fullmatch(identity)
    return thumbnail[1] if thumbnail else identity


def _direct(identity: str, extension: str = "") -> str:
    # The host serves the file by its id whatever the extension says: .webp is where it would convert.
    return f"https://i.imgur.com/{identity}.{extension if extension in _KEPT_EXTENSIONS else 'jpg'}"


def _several(names: list[str]) -> Plan:
    """Old links name several images at once, between commas."""
    identities = [identity for name in names if _ID.fullmatch(identity := _image_id(name))]
    if not identities:
        return skip(Reason.NOT_AN_IMAGE_LINK, "not imgur ids")
    return download(*(Part((_direct(identity),), identity) for identity in dict.fromkeys(identities)))


def read_trouble(body: Any) -> Plan | None:
    """Give what to do about an answer that says it is a failure, None where it does not."""
    if isinstance(body, str):  # a page
        full = "capacity" in body.lower()
        return later(Reason.RATE_LIMITED, _OVER_CAPACITY, OVER_CAPACITY_SECONDS) if full else None
    data, errors = mapping_of(body, "data"), objects_of(body, "errors")
    status = number_of(errors[0], "code") if errors else number_of(body, "status")
    message = _message(data, errors)
    failed = errors or message or (isinstance(body, dict) and body.get("success") is False)
    if not failed and (status is None or status < 400):
        return None
    if "capacity" in message.lower():
        return later(Reason.RATE_LIMITED, _OVER_CAPACITY, OVER_CAPACITY_SECONDS)
    if status == 429:
        return later(Reason.RATE_LIMITED, "imgur rate limit", RATE_LIMIT_SECONDS)
    if status == 401 or _KEY_REFUSED.search(message):
        return fatal(Reason.NEEDS_CREDENTIALS, "imgur refuses the api key")
    return _final_trouble(status, message)


def _final_trouble(status: float | None, message: str) -> Plan:
    if status in (404, 410) or _UNKNOWN.search(message):
        return skip(Reason.NOT_FOUND, "imgur knows no such id")
    if status is not None and status >= 500:
        return later(Reason.SERVER_ERROR, "imgur unavailable", OVER_CAPACITY_SECONDS)
    return skip(Reason.FORBIDDEN if status == 403 else Reason.API_ERROR, "imgur api error")


def _message(data: dict[str, Any], errors: list[dict[str, Any]]) -> str:
    """Whatever the answer says went wrong, "" where nothing did."""
    said = [text_of(errors[0], key) for key in ("status", "detail")] if errors else []
    error = data.get("error")
    said += [error] if isinstance(error, str) else [text_of(error, "message")]
    return " ".join(text for text in said if text) or ("an error" if error else "")


def _read_album(call: Call | None, data: dict[str, Any]) -> Plan:
    images = objects_of(data, "images")
    count = number_of(data, "images_count") or 0
    # A gallery post lists its first images only.
    identity = call.id if call is not None and call.method == "gallery" else text_of(data, "id") or ""
    cut = count > len(images) and (not images or (call is not None and call.method == "gallery"))
    if cut and _ID.fullmatch(identity):
        return _ask_for("album", identity)
    parts = [_part(image, text_of(image, "id") or str(place)) for place, image in enumerate(images)]
    return download(*parts) if parts else skip(Reason.EMPTY_ALBUM, "imgur album without images")


def _part(image: dict[str, Any], media: str) -> Part:
    kinds = [text_of(image, key) or "" for key in ("type", "mime_type")]
    kind = next((kind for kind in kinds if "/" in kind), "")
    animated = image.get("animated") is True or mapping_of(image, "metadata").get("is_animated") is True
    identity = text_of(image, "id")
    link = text_of(image, "link") or text_of(image, "url")
    link = link or (_direct(identity) if identity and _ID.fullmatch(identity) else None)
    found = read_link(link) if link else None
    # An animated PNG is its own file; any other animation is delivered as a video, and the link of one over
    # 20 MB is a thumbnail.
    filmed = kind.startswith("video/") or (found is not None and found.extension in _ANIMATIONS)
    if filmed or (animated and kind != "image/png"):
        return Part(media=media, reason=Reason.VIDEO, detail="animated")
    if found is None:
        return Part(media=media, reason=Reason.API_ERROR, detail="imgur image without a link")
    return Part((found.url,), media, pixels_of(image, "width"), pixels_of(image, "height"))
