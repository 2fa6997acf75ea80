"""imgur: pages, direct links and their thumbnails, albums and galleries; API v3 (https://apidocs.imgur.com)."""

from __future__ import annotations

import re
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
RATE_LIMIT_SECONDS = 3600.0
_ID = re.compile(r"[A-Za-z0-9]{5,7}")
# Image ids have 5 or 7 characters; a thumbnail's name has one more, its size.
_THUMBNAIL = re.compile(r"([A-Za-z0-9]{5}|[A-Za-z0-9]{7})[sbtmlhgr]")
_ANIMATIONS = frozenset({"gifv", "mp4", "webm"})
_KEPT_EXTENSIONS = frozenset({"jpg", "jpeg", "png", "gif"})
_NO_PICTURES = frozenset({"favicon.ico", "robots.txt", "sitemap.xml"})
_PAGES = frozenset(
    {
        "about",
        "account",
        "advertise",
        "apps",
        "arcade",
        "beta",
        "blog",
        "emerald",
        "help",
        "hot",
        "jobs",
        "memegen",
        "new",
        "notifications",
        "privacy",
        "random",
        "register",
        "removed",
        "rules",
        "search",
        "settings",
        "signin",
        "store",
        "tags",
        "top",
        "topics",
        "tos",
        "upload",
        "user",
        "vidgif",
    }
)
_KEY_REFUSED = re.compile(
    r"client[_ -]?id|access token|authentication|auth(?:orization)? header", re.IGNORECASE
)


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
                return _image(name)
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

    def read(self, call: Call | None, body: Any) -> Plan:
        """Read the API's answer about an image, an album or a gallery post."""
        data = body.get("data") if isinstance(body, Mapping) else None
        errors = objects_of(body, "errors")
        if errors or text_of(data, "error") is not None or mapping_of(data, "error"):
            return _read_error(body, data, errors)
        if isinstance(data, list):  # …/album/ID/images
            data = {"images": data}
        if not isinstance(data, dict) or not data:
            return skip(Reason.API_ERROR, "imgur answered without data")
        if "images" in data or data.get("is_album") is True or (call and call.method == "album"):
            return _read_album(call, data)
        return download(_part(data, SINGLE))


def _top_level(name: str) -> Plan:
    """A name right behind the host: an image, unless it is one of the site's own pages."""
    word = name.lower()
    if word.startswith("removed."):
        return skip(Reason.REMOVED_AT_HOST, "imgur removed placeholder")
    if word in _PAGES | _NO_PICTURES:
        return skip(Reason.NOT_AN_IMAGE_LINK, f"imgur {word} page")
    return _several(name.split(",")) if "," in name else _image(name)


def _last_word(name: str) -> str:
    """The id at the end of a slug, without an extension."""
    return name.split(".", 1)[0].rpartition("-")[2]


def _ask_for(method: str, identity: str, *urls: str, reason: Reason = Reason.NEEDS_CREDENTIALS) -> Plan:
    if not _ID.fullmatch(identity):
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


def _read_error(body: Any, data: Any, errors: list[dict[str, Any]]) -> Plan:
    status = number_of(errors[0], "code") if errors else number_of(body, "status")
    message = text_of(data, "error") or text_of(mapping_of(data, "error"), "message") or ""
    if "capacity" in message.lower():
        return later(Reason.RATE_LIMITED, "imgur over capacity", OVER_CAPACITY_SECONDS)
    if status == 429:
        return later(Reason.RATE_LIMITED, "imgur rate limit", RATE_LIMIT_SECONDS)
    if status == 401 or _KEY_REFUSED.search(message):
        return fatal(Reason.NEEDS_CREDENTIALS, "imgur refuses the api key")
    if status in (404, 410):
        return skip(Reason.NOT_FOUND, "imgur knows no such id")
    if status is not None and status >= 500:
        return later(Reason.SERVER_ERROR, "imgur unavailable", OVER_CAPACITY_SECONDS)
    return skip(Reason.FORBIDDEN if status == 403 else Reason.API_ERROR, "imgur api error")


def _read_album(call: Call | None, data: dict[str, Any]) -> Plan:
    images = objects_of(data, "images")
    count = number_of(data, "images_count") or 0
    # A gallery post lists its first images only.
    if call is not None and call.method == "gallery" and count > len(images):
        return _ask_for("album", call.id)
    parts = [_part(image, text_of(image, "id") or str(place)) for place, image in enumerate(images)]
    return download(*parts) if parts else skip(Reason.EMPTY_ALBUM, "imgur album without images")


def _part(image: dict[str, Any], media: str) -> Part:
    kind = text_of(image, "type") or ""
    if image.get("animated") is True or kind.startswith("video/"):
        # Also because the link of an animation over 20 MB is a thumbnail.
        return Part(media=media, reason=Reason.VIDEO, detail="animated")
    identity = text_of(image, "id")
    link = text_of(image, "link") or (_direct(identity) if identity and _ID.fullmatch(identity) else None)
    found = read_link(link) if link else None
    if found is None:
        return Part(media=media, reason=Reason.API_ERROR, detail="imgur image without a link")
    return Part((found.url,), media, pixels_of(image, "width"), pixels_of(image, "height"))
