"""Posts whose media Reddit itself holds: images, galleries, inline images, crossposts, videos, text."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from flows.demo.desk import Desk, Draft, Json, Slot, nothing_to_fetch
from flows.demo.exhibits import Exhibit, Serving

Carrier = Callable[[Desk, Slot, Sequence[Exhibit]], Draft]
# Reddit fills in a preview for about a third of its posts only.
PREVIEW_SHARE = 0.4
REMOVERS = ("moderator", "deleted", "reddit", "automod_filtered", "author")
# Where a gallery's item has what Reddit will say of it once it is processed.
RIPE = "_ripe"
UNUSABLE = {Serving.UNREADY: "unprocessed", Serving.FAILED: "failed"}
ANIMATION_SIZE = (128, 128)
_MIME = {
    "jpg": "image/jpg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "gif": "image/gif",
}


def suffix_of(exhibit: Exhibit) -> str:
    """The extension that links to an exhibit carry."""
    return exhibit.picture.suffix if exhibit.picture else "jpg"


def image_post(desk: Desk, slot: Slot, exhibits: Sequence[Exhibit]) -> Draft:
    """A link to one picture on i.redd.it."""
    (exhibit,) = exhibits
    media, suffix = desk.reddit_media(), suffix_of(exhibit)
    url = desk.show("i.redd.it", f"/{media}.{suffix}", exhibit)
    fields: Json = {"url": url, "url_overridden_by_dest": url, "domain": "i.redd.it"}
    if exhibit.serving is Serving.FINE and exhibit.size and desk.rng.random() < PREVIEW_SHARE:
        fields |= {"post_hint": "image", "preview": _preview(desk, media, suffix, exhibit.size)}
    return Draft(fields, (("0", exhibit),))


def _preview(desk: Desk, media: str, suffix: str, size: tuple[int, int]) -> Json:
    source = {
        "url": f"https://preview.redd.it/{media}.{suffix}?auto=webp&s={desk.signature()}",
        "width": size[0],
        "height": size[1],
    }
    return {"images": [{"source": source, "resolutions": [], "variants": {}, "id": media}], "enabled": True}


def gallery_post(desk: Desk, slot: Slot, exhibits: Sequence[Exhibit]) -> Draft:
    """A gallery; its order is that of gallery_data, and media_metadata has another one."""
    shown = [(desk.reddit_media(), exhibit) for exhibit in exhibits]
    metadata = {media: _metadata(desk, media, exhibit) for media, exhibit in shown}
    shuffled = desk.rng.sample(sorted(metadata), len(metadata))
    items = [{"media_id": media, "id": 100 + place} for place, (media, _) in enumerate(shown)]
    url = f"https://www.reddit.com/gallery/{slot.id}"
    fields: Json = {
        "url": url,
        "url_overridden_by_dest": url,
        "domain": "reddit.com",
        "is_gallery": True,
        "gallery_data": {"items": items},
        "media_metadata": {media: metadata[media] for media in shuffled},
    }
    return Draft(fields, tuple(shown))


def _metadata(desk: Desk, media: str, exhibit: Exhibit) -> Json:
    if exhibit.serving in UNUSABLE:
        return {"status": UNUSABLE[exhibit.serving]}
    if exhibit.serving is Serving.ANIMATED:
        return _animation(desk, media)
    suffix = suffix_of(exhibit)
    desk.show("i.redd.it", f"/{media}.{suffix}", exhibit)
    width, height = exhibit.size or (0, 0)
    link = (
        f"https://preview.redd.it/{media}.{suffix}?width={width}&format=pjpg&auto=webp&s={desk.signature()}"
    )
    source = {"y": height, "x": width, "u": link}
    entry = {"status": "valid", "e": "Image", "m": _MIME[suffix], "p": [], "s": source, "id": media}
    return {"status": "unprocessed", RIPE: entry} if exhibit.serving is Serving.RIPENS else entry


def processed(post: Json) -> Json:
    """Give a post as Reddit knows it once its gallery is processed."""
    metadata = post.get("media_metadata") or {}
    ripe = {media: entry.get(RIPE, entry) for media, entry in metadata.items()}
    return post | {"media_metadata": ripe} if metadata else post


def unprocessed(post: Json) -> Json:
    """Give a post as Reddit lists it while its gallery is new."""
    metadata = post.get("media_metadata") or {}
    raw = {media: _without(entry, RIPE) for media, entry in metadata.items()}
    return post | {"media_metadata": raw} if metadata else post


def _without(entry: Json, name: str) -> Json:
    return {key: value for key, value in entry.items() if key != name}


def _animation(desk: Desk, media: str) -> Json:
    width, height = ANIMATION_SIZE
    mp4 = f"https://preview.redd.it/{media}.gif?format=mp4&s={desk.signature()}"
    source = {"y": height, "x": width, "gif": f"https://i.redd.it/{media}.gif", "mp4": mp4}
    return {"status": "valid", "e": "AnimatedImage", "m": "image/gif", "p": [], "s": source, "id": media}


def inline_post(desk: Desk, slot: Slot, exhibits: Sequence[Exhibit]) -> Draft:
    """A text post with pictures between its paragraphs."""
    shown = [(desk.reddit_media(), exhibit) for exhibit in exhibits]
    metadata = {media: _metadata(desk, media, exhibit) for media, exhibit in shown}
    text = "\n\n".join(f"A note on this one:\n\n![img]({media})" for media in metadata)
    return Draft(_text_fields(slot, text) | {"media_metadata": metadata}, tuple(shown))


def text_post(desk: Desk, slot: Slot, exhibits: Sequence[Exhibit]) -> Draft:
    """A text post without pictures."""
    (exhibit,) = exhibits
    return nothing_to_fetch(_text_fields(slot, "I keep wondering & would like to hear from you."), exhibit)


def _text_fields(slot: Slot, text: str) -> Json:
    domain = f"self.{slot.subreddit.name}"
    return {
        "url": f"https://www.reddit.com{slot.permalink}",
        "domain": domain,
        "is_self": True,
        "selftext": text,
    }


def video_post(desk: Desk, slot: Slot, exhibits: Sequence[Exhibit]) -> Draft:
    """A video that Reddit hosts."""
    (exhibit,) = exhibits
    url = f"https://v.redd.it/{desk.reddit_media()}"
    video = {
        "reddit_video": {"fallback_url": f"{url}/CMAF_720.mp4", "width": 1280, "height": 720, "is_gif": False}
    }
    fields = {"url": url, "url_overridden_by_dest": url, "domain": "v.redd.it", "is_video": True}
    return nothing_to_fetch(
        fields | {"media": video, "secure_media": video, "post_hint": "hosted:video"}, exhibit
    )


def player_post(desk: Desk, slot: Slot, exhibits: Sequence[Exhibit]) -> Draft:
    """A video that another site plays."""
    (exhibit,) = exhibits
    url = f"https://redgifs.com/watch/{desk.fresh(24, 'abcdefghijklmnopqrstuvwxyz')}"
    fields = {"url": url, "url_overridden_by_dest": url, "domain": "redgifs.com", "post_hint": "rich:video"}
    return nothing_to_fetch(fields, exhibit)


def emptied_gallery(desk: Desk, slot: Slot, exhibits: Sequence[Exhibit]) -> Draft:
    """A gallery whose pictures are gone: Reddit leaves the fields null, or the list empty."""
    (exhibit,) = exhibits
    url = f"https://www.reddit.com/gallery/{slot.id}"
    emptied: Json = {"gallery_data": None, "media_metadata": None}
    if desk.rng.random() < 0.3:
        emptied = {"gallery_data": {"items": []}, "media_metadata": {}}
    fields = {"url": url, "url_overridden_by_dest": url, "domain": "reddit.com", "is_gallery": True}
    return nothing_to_fetch(fields | emptied, exhibit)


def removed_post(desk: Desk, slot: Slot, exhibits: Sequence[Exhibit]) -> Draft:
    """An image post that a moderator, a filter or its author took away."""
    draft = image_post(desk, slot, exhibits)
    return nothing_to_fetch(draft.fields | {"removed_by_category": desk.rng.choice(REMOVERS)}, exhibits[0])


def nsfw(carrier: Carrier) -> Carrier:
    """The same post, marked NSFW."""

    def marked(desk: Desk, slot: Slot, exhibits: Sequence[Exhibit]) -> Draft:
        return nothing_to_fetch(carrier(desk, slot, exhibits).fields | {"over_18": True}, exhibits[0])

    return marked


def crosspost_fields(parent: Json) -> Json:
    """What a crosspost says of its own: media and gallery stay with the parent."""
    link = parent["url"]
    return {
        "url": link,
        "url_overridden_by_dest": link,
        "domain": parent["domain"],
        "crosspost_parent": parent["name"],
        "crosspost_parent_list": [parent],
    }
