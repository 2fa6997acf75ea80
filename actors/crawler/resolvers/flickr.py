"""flickr: photo pages, short links, static files, albums and galleries (https://www.flickr.com/services/api)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from actors.crawler.resolvers.links import Link
from actors.crawler.resolvers.plan import (
    SINGLE,
    Call,
    Part,
    Plan,
    ask,
    download,
    fatal,
    fetch,
    later,
    redirect,
    skip,
)
from actors.crawler.resolvers.shapes import mapping_of, number_of, objects_of, pixels_of, text_of
from actors.crawler.resolvers.site import Request
from actors.crawler.settings import CrawlSettings
from models.reasons import Reason

API = "https://api.flickr.com/services/rest/"
BUSY_SECONDS = 300.0
PER_PAGE = 500
GET_SIZES = "flickr.photos.getSizes"
ALBUM = "flickr.photosets.getPhotos"
GALLERY = "flickr.galleries.getPhotos"
LOOK_UP_USER = "flickr.urls.lookupUser"
_ID_NAMES = {GET_SIZES: "photo_id", ALBUM: "photoset_id", GALLERY: "gallery_id"}
_BASE58 = "123456789abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ"
_STATIC_HOST = re.compile(r"(?:live|farm\d+|c\d+)\.staticflickr\.com|(?:farm\d+\.)?static\.flickr\.com")
_STATIC_NAME = re.compile(r"(\d+)_[0-9a-z]+(?:_([a-z0-9]{1,2}))??(_d)?\.(?:jpg|jpeg|png|gif)", re.IGNORECASE)
# What anybody may see of a photo whose owner locks what is larger (or, since 2025-05, has a free account;
# https://github.com/mikf/gallery-dl/issues/7381).
_UNLOCKED_SIDE = 1024
_SIZE_SUFFIXES = ("o", "6k", "5k", "4k", "3k", "k", "h", "l", "c", "z", "m")
_NSID = re.compile(r"\d+@N\d+")
_WORD = re.compile(r"[0-9a-zA-Z]+")
_LONGEST_SHORT = 16


class FlickrResolver:
    """Links to flickr; without an API key only the static file of a link is left."""

    name = "flickr"
    pattern = re.compile(
        r"https?://(?:flic\.kr|(?:(?:www|secure|m)\.)?flickr\.com|(?:live|farm\d+|c\d+)\.staticflickr\.com|"
        r"(?:farm\d+\.)?static\.flickr\.com)(?::\d+)?(?:[/?]|$)",
        re.IGNORECASE,
    )
    examples = (
        "https://flic.kr/p/FPVo9U",
        "https://www.flickr.com/photos/59437997@N05/16089302239/sizes/o/",
        "https://m.flickr.com/photos/shona_s/sets/72157633471741607",
        "https://www.flickr.com/photos/flickr/galleries/72157681572514792/",
        "https://live.staticflickr.com/65535/54563472386_47218c24e9_o_d.jpg",
        "https://c2.staticflickr.com/8/7272/7581357130_0e7a4a9d0a_k.jpg",
        "https://www.flickr.com/gp/137434519@N08/83Q029",
        "http://farm1.static.flickr.com/2/1418878_1e92283336_m.jpg",
    )

    def resolve(self, link: Link) -> Plan:
        """Tell photos from albums and galleries, by the path."""
        if link.host == "flic.kr":
            return _short(link)
        if _STATIC_HOST.fullmatch(link.host):
            return _static(link)
        return _page(link)

    def request(self, call: Call, settings: CrawlSettings) -> Request | None:
        """Give the API request, None without an API key."""
        if settings.flickr_api_key is None:
            return None
        params = {"method": call.method, "format": "json", "nojsoncallback": "1"}
        params["api_key"] = settings.flickr_api_key.get_secret_value()
        if call.method == LOOK_UP_USER:
            return Request(API, params=params | {"url": f"https://www.flickr.com/photos/{call.owner}/"})
        params[_ID_NAMES[call.method]] = call.id
        if call.method != GET_SIZES:
            extras = ",".join(["media", *(f"url_{suffix}" for suffix in _SIZE_SUFFIXES)])
            params |= {"extras": extras, "per_page": str(PER_PAGE), "page": str(call.page)}
        if call.method == ALBUM and call.owner:
            params["user_id"] = call.owner
        return Request(API, params=params)

    def pause(self, headers: Mapping[str, str]) -> float | None:
        """Give None: flickr tells of no budget."""
        return None

    def read(self, call: Call | None, body: Any) -> Plan:
        """Read the API's answer about a photo's sizes, an album, a gallery or an album's owner."""
        if text_of(body, "stat") == "fail":
            return _read_error(number_of(body, "code"))
        if "sizes" in (body if isinstance(body, dict) else {}):
            return _read_sizes(objects_of(body["sizes"], "size"))
        if call and call.method == LOOK_UP_USER and (owner := text_of(mapping_of(body, "user"), "id")):
            return _ask_about(ALBUM, call.id, owner=owner)
        listing = mapping_of(body, "photoset") or mapping_of(body, "photos")
        if not listing:
            return skip(Reason.API_ERROR, "flickr answered without photos")
        parts = [_album_part(photo, place) for place, photo in enumerate(objects_of(listing, "photo"))]
        return download(*parts) if parts else skip(Reason.EMPTY_ALBUM, "flickr album without photos")


def next_page(call: Call, body: Any) -> Call | None:
    """Give the call for the next page of an album or gallery, None after the last."""
    listing = mapping_of(body, "photoset") or mapping_of(body, "photos")
    pages = number_of(listing, "pages") or 1
    if call.page >= pages:
        return None
    return Call(call.method, call.id, call.text, call.owner, call.page + 1)


def base58(text: str) -> int | None:
    """Read a short link's id; None where a character is not of the alphabet (which lacks 0, O, I and l)."""
    number = 0
    for character in text if len(text) <= _LONGEST_SHORT else "0":
        digit = _BASE58.find(character)
        if digit < 0:
            return None
        number = number * 58 + digit
    return number or None


def _page(link: Link) -> Plan:
    match link.segments:
        case ["photos", owner, "albums" | "sets", identity, *_] if identity.isdecimal():
            return _ask_about(ALBUM, identity, owner=owner)
        case ["photos", _, "galleries", identity, *_] if identity.isdecimal():
            return _ask_about(GALLERY, identity)
        case ["photos", _, identity, *_] if identity.isdecimal():
            return _ask_about(GET_SIZES, identity)
        case ["photo.gne" | "photo_zoom.gne"] if (named := _named(link)) is not None:
            return _ask_about(GET_SIZES, named)
        case ["gp", _, _, *_]:
            return redirect(link.url, "a guest pass")
    return skip(Reason.NOT_AN_IMAGE_LINK, "flickr page that is no photo, album or gallery")


def _named(link: Link) -> str | None:
    """The photo that an old page names in its query, by its id or by that of its short link."""
    identity = link.parameter("id") or ""
    number = base58(link.parameter("short") or "")
    return identity if identity.isdecimal() else str(number) if number is not None else None


def _short(link: Link) -> Plan:
    match link.segments:
        case [kind, code, *_] if kind in ("p", "s", "y"):
            identity = base58(code)
            if identity is None:
                return skip(Reason.NOT_AN_IMAGE_LINK, "not a flickr short id (base58)")
            return _ask_about({"p": GET_SIZES, "s": ALBUM, "y": GALLERY}[kind], str(identity))
    return skip(Reason.NOT_AN_IMAGE_LINK, "flickr short link that is no photo")


def _static(link: Link) -> Plan:
    name = _STATIC_NAME.fullmatch(link.segments[-1]) if link.segments else None
    if name is None and link.segments[:1] == ("video",):
        return skip(Reason.VIDEO, "a video's file")
    if name is None:
        return skip(Reason.NOT_AN_IMAGE_LINK, "not a flickr image file")
    identity, size, attachment = name[1], (name[2] or "").lower(), name[3]
    # _d only asks the browser to save the file.
    plain = re.sub(r"_d(?=\.\w+(?:\?|$))", "", link.url) if attachment else link.url
    if size == "o":
        return fetch(plain, link.url)
    # From h up each size has its own secret, so a larger URL cannot be made from a smaller one.
    return _ask_about(GET_SIZES, identity, plain, link.url)


def _ask_about(method: str, identity: str, *urls: str, owner: str | None = None) -> Plan:
    text = f"{method} {_ID_NAMES[method]}={identity}"
    if method == ALBUM and owner and not _NSID.fullmatch(owner):
        method = LOOK_UP_USER
    call = Call(method, identity, text, owner)
    return ask(call, *urls, detail="goldpan needs a flickr API key for this")


def _read_error(code: float | None) -> Plan:
    # https://www.flickr.com/services/api/flickr.photos.getSizes.html, "Error Codes"
    match code:
        case 1:
            return skip(Reason.NOT_FOUND, "flickr knows no such id")
        case 2 | 98 | 99:
            return skip(Reason.FORBIDDEN, "flickr: no permission")
        case 100:
            return fatal(Reason.NEEDS_CREDENTIALS, "flickr refuses the api key")
        case 105 | 106 | 0:
            return later(Reason.SERVER_ERROR, "flickr unavailable", BUSY_SECONDS)
    return skip(Reason.API_ERROR, f"flickr api error {code:.0f}" if code is not None else "flickr api error")


def _read_sizes(sizes: list[dict[str, Any]]) -> Plan:
    if any(text_of(size, "media") == "video" for size in sizes):
        return skip(Reason.VIDEO, "video: its photo sizes are poster frames")
    offers = [
        _offer(size, "source", "width", "height", text_of(size, "label") == "Original") for size in sizes
    ]
    return download(_largest(offers, SINGLE))


def _album_part(photo: dict[str, Any], place: int) -> Part:
    media = text_of(photo, "id") or str(place)
    if text_of(photo, "media") == "video":
        return Part(media=media, reason=Reason.VIDEO, detail="video")
    offers = [
        _offer(photo, f"url_{size}", f"width_{size}", f"height_{size}", size == "o")
        for size in _SIZE_SUFFIXES
    ]
    part = _largest(offers, media)
    made = _made_urls(photo)
    return replace(part, urls=made, reason=None, detail="") if made and not part.urls else part


def _made_urls(photo: dict[str, Any]) -> tuple[str, ...]:
    """The sizes that share a photo's secret (https://www.flickr.com/services/api/misc.urls.html): 1024, 500."""
    known = [text_of(photo, key) for key in ("server", "id", "secret")]
    if not all(text and _WORD.fullmatch(text) for text in known):
        return ()
    server, identity, secret = known
    return tuple(
        f"https://live.staticflickr.com/{server}/{identity}_{secret}{suffix}.jpg" for suffix in ("_b", "")
    )


@dataclass(frozen=True, slots=True)
class _Offer:
    """One size of a photo."""

    url: str | None
    width: int | None
    height: int | None
    original: bool

    @property
    def area(self) -> int:
        return (self.width or 0) * (self.height or 0)

    @property
    def locked(self) -> bool:
        """Whether it is the largest of those that are never locked, and not the photo itself."""
        return not self.original and max(self.width or 0, self.height or 0) == _UNLOCKED_SIDE


def _offer(size: dict[str, Any], url: str, width: str, height: str, original: bool) -> _Offer:
    return _Offer(text_of(size, url), pixels_of(size, width), pixels_of(size, height), original)


def _largest(offers: list[_Offer], media: str) -> Part:
    """The largest area wins; of equal ones the later, which is the original where there is one."""
    best = max(reversed([offer for offer in offers if offer.url]), key=lambda offer: offer.area, default=None)
    if best is None or best.url is None:
        return Part(media=media, reason=Reason.API_ERROR, detail="flickr offers no size")
    detail = "its owner keeps what is larger back" if best.locked else ""
    return Part((best.url,), media, best.width, best.height, detail=detail, locked=best.locked)
