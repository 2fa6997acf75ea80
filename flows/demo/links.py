"""Posts that link elsewhere: imgur, flickr, Reddit's previews, any host with a picture, and pages without."""

from __future__ import annotations

import string
from collections.abc import Sequence

from flows.demo.desk import ALPHANUMERIC, Desk, Draft, Json, Slot, nothing_to_fetch
from flows.demo.exhibits import Exhibit, Serving
from flows.demo.posts import suffix_of

IMGUR_REMOVED = "https://i.imgur.com/removed.png"
FLICKR_REMOVED = "https://s.yimg.com/pw/images/en-us/photo_unavailable_l.png"
FINE_HOSTS = ("photos.wanderfolk.example", "img.fernpost.example", "cdn.snapshelf.example")
# Every trouble has several hosts, as a host that is always in trouble would soon be asked no more.
TROUBLED_HOSTS: dict[Serving, tuple[str, ...]] = {
    Serving.BROKEN: (
        "media.oldforum.example",
        "pics.backyardnas.example",
        "up.tinyhost.example",
        "f.lastlight.example",
    ),
    Serving.DEAD: (
        "gone.northlens.example",
        "www.closedshop.example",
        "img.unplugged.example",
        "a.adrift.example",
    ),
    Serving.RECOVERS: ("img.slowbakery.example", "cdn.coldstart.example"),
    Serving.BUSY: ("img.busycorner.example",),
    Serving.FORBIDDEN: ("members.lensclub.example", "hotlink.nope.example"),
    Serving.HUGE: ("raw.bigscans.example",),
    Serving.OPTED_OUT: ("art.kestrelstudio.example", "portfolio.mirelens.example"),
    Serving.HTML: ("pictures.parkedname.example", "blog.softwall.example"),
    Serving.EMPTY: ("drop.emptybox.example", "img.fernpost.example"),
}
DEAD_HOSTS = TROUBLED_HOSTS[Serving.DEAD]
PAGES = (
    "https://news.dailyridge.example/2026/01/trail-reopens", "https://en.wikipedia.org/wiki/Scree",
    "https://github.com/moss-and-granite/contours", "https://imgur.com/user/mossandgranite",
    "https://imgur.com/r/pics", "https://docs.tidewatch.example/handbook.pdf",
    "https://shop.peakandpine.example/tents?size=2", "https://www.flickr.com/photos/northlens/",
    "https://maps.footpath.example/@47.1,11.3,12z", "https://podcast.slowwalk.example/episodes/14",
)  # fmt: skip
FLICKR_SIZES = (("Square", 75, "s"), ("Medium", 500, ""), ("Large", 1024, "b"))


def direct(desk: Desk, slot: Slot, exhibits: Sequence[Exhibit]) -> Draft:
    """A link straight to a file on some host: a host in trouble, where the exhibit is."""
    (exhibit,) = exhibits
    host = desk.pick(TROUBLED_HOSTS.get(exhibit.serving, FINE_HOSTS))
    path = f"/2026/{desk.fresh(8, string.ascii_lowercase)}.{suffix_of(exhibit)}"
    return _link(desk.show(host, path, exhibit), exhibit)


def preview_link(desk: Desk, slot: Slot, exhibits: Sequence[Exhibit]) -> Draft:
    """A link to Reddit's own preview of a picture, with or without a slug; the original is on i.redd.it."""
    (exhibit,) = exhibits
    media, suffix = desk.reddit_media(), suffix_of(exhibit)
    desk.show("i.redd.it", f"/{media}.{suffix}", exhibit)
    name = f"{'' if desk.rng.random() < 0.5 else 'a-view-i-like-v0-'}{media}.{suffix}"
    url = desk.show("preview.redd.it", f"/{name}", exhibit)
    return _link(f"{url}?width=1080&format=pjpg&auto=webp&s={desk.signature()}", exhibit)


def external_preview(desk: Desk, slot: Slot, exhibits: Sequence[Exhibit]) -> Draft:
    """A link to Reddit's preview of another host's picture: only the signed URL answers."""
    (exhibit,) = exhibits
    url = desk.show(
        "external-preview.redd.it", f"/{desk.fresh(43, ALPHANUMERIC)}.{suffix_of(exhibit)}", exhibit
    )
    return _link(f"{url}?auto=webp&s={desk.signature()}", exhibit)


def page_link(desk: Desk, slot: Slot, exhibits: Sequence[Exhibit]) -> Draft:
    """A link to a page or a document."""
    (exhibit,) = exhibits
    fields = _link(desk.pick(PAGES), exhibit).fields
    return nothing_to_fetch(fields | {"post_hint": "link"}, exhibit)


def imgur_file(desk: Desk, slot: Slot, exhibits: Sequence[Exhibit]) -> Draft:
    """A link to a file on i.imgur.com."""
    (exhibit,) = exhibits
    record = _imgur_image(desk, exhibit)
    return _link(record["link"], exhibit)


def imgur_page(desk: Desk, slot: Slot, exhibits: Sequence[Exhibit]) -> Draft:
    """A link to an imgur image's page, without an extension."""
    (exhibit,) = exhibits
    record = _imgur_image(desk, exhibit)
    return _link(f"https://imgur.com/{record['id']}", exhibit)


def imgur_gallery_image(desk: Desk, slot: Slot, exhibits: Sequence[Exhibit]) -> Draft:
    """A link to imgur's gallery that turns out to be one image."""
    (exhibit,) = exhibits
    record = _imgur_image(desk, exhibit)
    desk.imgur[f"gallery/{record['id']}"] = record | {"is_album": False}
    return _link(f"https://imgur.com/gallery/{record['id']}", exhibit)


def imgur_album(desk: Desk, slot: Slot, exhibits: Sequence[Exhibit]) -> Draft:
    """A link to an imgur album, by its own path or through the gallery."""
    records = [_imgur_image(desk, exhibit) for exhibit in exhibits]
    url = _album(desk, records)
    shown = tuple((record["id"], exhibit) for record, exhibit in zip(records, exhibits, strict=True))
    return Draft(_link_fields(url), shown)


def empty_imgur_album(desk: Desk, slot: Slot, exhibits: Sequence[Exhibit]) -> Draft:
    """A link to an imgur album without images."""
    (exhibit,) = exhibits
    return nothing_to_fetch(_link_fields(_album(desk, [])), exhibit)


def gifv(desk: Desk, slot: Slot, exhibits: Sequence[Exhibit]) -> Draft:
    """A link to imgur's video form of an animation."""
    (exhibit,) = exhibits
    record = _imgur_image(desk, exhibit)
    return nothing_to_fetch(_link_fields(f"https://i.imgur.com/{record['id']}.gifv"), exhibit)


def flickr_page(desk: Desk, slot: Slot, exhibits: Sequence[Exhibit]) -> Draft:
    """A link to a flickr photo's page."""
    (exhibit,) = exhibits
    photo = _flickr_photo(desk, exhibit)
    return _link(f"https://www.flickr.com/photos/northlens/{photo['id']}/", exhibit)


def flickr_static(desk: Desk, slot: Slot, exhibits: Sequence[Exhibit]) -> Draft:
    """A link to a file on flickr's static host: the original, or a smaller size of it."""
    (exhibit,) = exhibits
    photo = _flickr_photo(desk, exhibit)
    return _link(photo["sources"][-1 if desk.rng.random() < 0.6 else -2], exhibit)


def _link(url: str, exhibit: Exhibit) -> Draft:
    return Draft(_link_fields(url), (("0", exhibit),))


def _link_fields(url: str) -> Json:
    return {"url": url, "url_overridden_by_dest": url, "domain": url.split("/")[2].removeprefix("www.")}


def _imgur_image(desk: Desk, exhibit: Exhibit) -> Json:
    """imgur's record of an image (https://apidocs.imgur.com), and the file behind it."""
    name, suffix = desk.fresh(7, ALPHANUMERIC), suffix_of(exhibit)
    animated = exhibit.serving is Serving.ANIMATED
    if animated:
        suffix = "gif"
    removed = IMGUR_REMOVED if exhibit.serving is Serving.REMOVED else None
    link = f"https://i.imgur.com/{name}.{suffix}"
    if not animated:
        desk.show("i.imgur.com", f"/{name}.{suffix}", exhibit, removed)
    width, height = exhibit.size or (None, None)
    kind = "image/jpeg" if suffix == "jpg" else f"image/{suffix}"
    record: Json = {
        "id": name,
        "type": kind,
        "animated": animated,
        "link": link,
        "width": width,
        "height": height,
    }
    if animated:
        record |= {"mp4": f"https://i.imgur.com/{name}.mp4", "has_sound": False}
    desk.imgur[f"image/{name}"] = record
    return record


def _album(desk: Desk, records: Sequence[Json]) -> str:
    name = desk.fresh(7, ALPHANUMERIC)
    album = {"id": name, "is_album": True, "images_count": len(records), "images": list(records)}
    desk.imgur[f"album/{name}"] = desk.imgur[f"gallery/{name}"] = album
    return f"https://imgur.com/{'a' if desk.rng.random() < 0.7 else 'gallery'}/{name}"


def _flickr_photo(desk: Desk, exhibit: Exhibit) -> Json:
    """flickr's record of a photo: each size has a link, and the original has a secret of its own."""
    number, secret, original = (
        desk.fresh(11, "123456789"),
        desk.fresh(10, "0123456789abcdef"),
        desk.fresh(10, "abcdef"),
    )
    removed = FLICKR_REMOVED if exhibit.serving is Serving.REMOVED else None
    width, height = exhibit.size or (1600, 1067)
    sizes = [
        (label, *_fitted(width, height, side), f"{number}_{secret}{'_' if mark else ''}{mark}.jpg")
        for label, side, mark in FLICKR_SIZES
    ]
    sizes.append(("Original", width, height, f"{number}_{original}_o.{suffix_of(exhibit)}"))
    sources = [f"https://live.staticflickr.com/65535/{name}" for _, _, _, name in sizes]
    desk.show("live.staticflickr.com", f"/65535/{sizes[-1][3]}", exhibit, removed)
    if removed:
        desk.show("live.staticflickr.com", f"/65535/{sizes[-2][3]}", exhibit, removed)
    # flickr's own dimensions are numbers in some answers and strings in others.
    listed = [
        {"label": label, "width": str(w), "height": h, "source": source, "media": "photo"}
        for (label, w, h, _), source in zip(sizes, sources, strict=True)
    ]
    desk.flickr[number] = {"sizes": {"canblog": 0, "candownload": 1, "size": listed}, "stat": "ok"}
    return {"id": number, "sources": sources}


def _fitted(width: int, height: int, side: int) -> tuple[int, int]:
    share = side / max(width, height)
    return round(width * share), round(height * share)
