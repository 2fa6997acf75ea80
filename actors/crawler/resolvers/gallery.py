"""The images a post carries itself: gallery items in their order, and images inside a text."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from actors.crawler.failures import ASK_AGAIN_SECONDS
from actors.crawler.resolvers.links import read_link
from actors.crawler.resolvers.plan import Part
from actors.crawler.resolvers.reddit import file_url, page_part
from actors.crawler.resolvers.shapes import mapping_of, objects_of, pixels_of, text_of
from models.reasons import Reason

# The MIME type tells the file's own extension: image/jpg and image/jpeg are different objects.
_EXTENSIONS = frozenset({"jpg", "jpeg", "png", "gif", "webp"})


def gallery_parts(post: dict[str, Any]) -> list[Part]:
    """Give a part for every item, in ``gallery_data``'s order, each with its size; unusable ones with a reason.

    Rows of old dumps lack ``gallery_data``: there the order of ``media_metadata`` has to do.
    """
    metadata = mapping_of(post, "media_metadata")
    if not metadata:
        return []
    items = objects_of(mapping_of(post, "gallery_data"), "items") or [{"media_id": name} for name in metadata]
    found: dict[str, Part] = {}
    for item in items:
        if (name := text_of(item, "media_id")) and name not in found:
            found[name] = _item(item, name, mapping_of(metadata, name))
    return list(found.values())


def inline_parts(post: dict[str, Any]) -> list[Part]:
    """Give a part for every image inside the text; emotes and embeds of other hosts are none."""
    metadata = mapping_of(post, "media_metadata")
    names = [name for name in metadata if isinstance(name, str) and "|" not in name]
    return [part_of(name, mapping_of(metadata, name)) for name in names]


def _item(item: dict[str, Any], name: str, meta: dict[str, Any]) -> Part:
    if item.get("is_deleted") is True:
        return Part(media=name, reason=Reason.REMOVED, detail="deleted from the gallery")
    if not meta:
        return Part(media=name, reason=Reason.API_ERROR, detail="not in media_metadata")
    return part_of(name, meta)


def part_of(name: str, meta: dict[str, Any]) -> Part:
    """Read one entry of ``media_metadata``."""
    status = text_of(meta, "status")
    if status in ("unprocessed", "failed"):
        reason = Reason.NOT_READY if status == "unprocessed" else Reason.API_ERROR
        return Part(media=name, reason=reason, detail=status, seconds=ASK_AGAIN_SECONDS)
    if status not in ("valid", None):
        return Part(media=name, reason=Reason.API_ERROR, detail="not valid at its host")
    if text_of(meta, "e") == "RedditVideo":
        return Part(media=name, reason=Reason.VIDEO, detail="video")
    if "|" in name:
        return Part(media=name, reason=Reason.NOT_AN_IMAGE_LINK, detail="an embed of another host")
    return _image(name, meta)


def _image(name: str, meta: dict[str, Any]) -> Part:
    size = mapping_of(meta, "s")
    width, height = pixels_of(size, "x"), pixels_of(size, "y")
    url = text_of(size, "u") or text_of(size, "gif") or text_of(size, "mp4")
    if url is None and text_of(meta, "e") == "AnimatedImage":
        return Part(media=name, reason=Reason.VIDEO, detail="an animation without a GIF")
    if url is None:
        return _by_type(name, meta, width, height)
    part = page_part(url, name)
    link = read_link(url)
    hosted = link is not None and link.host in ("i.redd.it", "preview.redd.it")
    if link is None or not hosted or not part.urls or not link.extension:
        return replace(part, width=width, height=height)
    # The file is named by the media id, whatever slug the preview has; also that of which only the mp4 is named
    # (preview.redd.it/ID.gif?format=mp4).
    original = file_url(f"{name}{PurePosixPath(link.segments[-1]).suffix}")
    return Part((original, *part.urls[1:]), name, width, height)


def _by_type(name: str, meta: dict[str, Any], width: int | None, height: int | None) -> Part:
    extension = (text_of(meta, "m") or "").removeprefix("image/")
    if extension not in _EXTENSIONS:
        return Part(media=name, reason=Reason.API_ERROR, detail="neither a URL nor a type")
    return Part((file_url(f"{name}.{extension}"),), name, width, height)
