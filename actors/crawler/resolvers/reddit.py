"""Reddit's own hosts: its image and preview servers, and links to posts."""

from __future__ import annotations

import re
from collections.abc import Callable

from actors.crawler.resolvers.links import Link, read_link
from actors.crawler.resolvers.plan import Call, Part, Plan, ask, fetch, redirect, skip
from models.reasons import Reason

INFO = "info"
_POST_ID = re.compile(r"[a-z0-9]{1,13}", re.IGNORECASE)
# Of the title, in front of a preview's name (https://github.com/qsniyg/maxurl/issues/1284).
_SLUG = re.compile(r".+-(?:v\d+-(?=[^/-]+$)|(?=[a-z0-9]{13}\.\w+$))", re.IGNORECASE)
_VIDEO_FILES = frozenset({"gifv", "mp4", "m3u8", "mpd"})
_PAGE_HOSTS = r"(?:[\w-]+\.)?reddit\.com"
_FILE_HOSTS = (
    r"(?:[\w-]+\.)*redditmedia\.com|i\.reddituploads\.com|"  # www.redditmedia.com serves pages to embed
    r"reddit-uploaded-media\.s3-accelerate\.amazonaws\.com"
)


class RedditResolver:
    """Links to Reddit: its files directly, its posts through ``/api/info``."""

    name = "reddit"
    pattern = re.compile(
        rf"https?://(?:(?:[\w-]+\.)?redd\.it|{_PAGE_HOSTS}|reddit\.app\.link|{_FILE_HOSTS})(?::\d+)?(?:[/?]|$)",
        re.IGNORECASE,
    )
    examples = (
        "https://i.redd.it/8fpgv17yqlh81.jpg",
        "https://preview.redd.it/some-words-v0-98qtcv1pmjkc1.png?width=1200&s=6106bc",
        "https://external-preview.redd.it/abc.jpg?auto=webp&s=1",
        "https://v.redd.it/cvabpjacrvta1",
        "https://redd.it/1nz2ic5",
        "https://old.reddit.com/r/analog/comments/179exao/title/",
        "https://www.reddit.com/r/analog/s/hKrTTvFVwZ",
        "https://www.reddit.com/gallery/1skh6dk",
        "https://i.redditmedia.com/abc.jpg?s=1",
    )

    def resolve(self, link: Link) -> Plan:
        """Tell files from posts, by the host."""
        for hosts, plan in _BY_HOST:
            if re.fullmatch(hosts, link.host):
                return plan(link)
        return fetch(link.url)


def file_url(name: str) -> str:
    """Give the original's URL on i.redd.it, for a file's name as a preview has it (maybe behind a slug)."""
    return f"https://i.redd.it/{_SLUG.sub('', name)}"


def ask_about_post(identity: str) -> Plan:
    """Ask ``/api/info`` about a post, by its id without the ``t3_``."""
    identity = identity.lower().removeprefix("t3_")
    if not _POST_ID.fullmatch(identity):
        return _no_image()
    call = Call(INFO, identity, f"GET /api/info?id=t3_{identity}")
    return ask(call, detail="goldpan needs Reddit credentials to ask about a post")


def _file(link: Link) -> Plan:
    match link.segments:
        case [name] if "." not in name:
            return fetch(link.url)
        case [name] if link.extension in _VIDEO_FILES:
            return skip(Reason.VIDEO, f"a .{link.extension} file")
        case [name]:
            spare = link.host == "preview.redd.it" and not _is_filmed(link)
            return fetch(file_url(name), *([link.url] if spare else []))
        case []:
            return _no_image()
    return fetch(link.url)


def _preview_of_others(link: Link) -> Plan:
    return skip(Reason.VIDEO, "a preview as mp4") if _is_filmed(link) else fetch(link.url)


def _is_filmed(link: Link) -> bool:
    return link.parameter("format") == "mp4"


def _video(_: Link) -> Plan:
    return skip(Reason.VIDEO, "v.redd.it")


def _short(link: Link) -> Plan:
    match link.segments:
        case [identity] if "." not in identity:
            return ask_about_post(identity)
    return _page(link)


def _page(link: Link) -> Plan:
    match link.segments:
        case ["media", *_] if (target := read_link(link.parameter("url") or "")) is not None:
            # Only one level: what Reddit wraps is one of its own files.
            wrapped = RedditResolver.pattern.match(target.url) and "reddit.com" not in target.host
            return RedditResolver().resolve(target) if wrapped else _no_image()
        case ["r" | "u" | "user", _, "s", _, *_]:
            return _redirect(link)
        case ["link", _, "video", *_] | ["video", *_]:
            return skip(Reason.VIDEO, "a video's page")
        case ["r" | "u" | "user", _, "comments" | "gallery", identity, *_]:
            return ask_about_post(identity)
        case ["comments" | "gallery" | "tb", identity, *_]:
            return ask_about_post(identity)
    return _no_image()


def _redirect(link: Link) -> Plan:
    return redirect(link.url, "a share link")


def _no_image() -> Plan:
    return skip(Reason.NOT_AN_IMAGE_LINK, "a page of Reddit without an image of its own")


def page_part(url: str, media: str) -> Part:
    """One image of a post by the URL that its metadata gives: the original first, the preview after it."""
    link = read_link(url)
    if link is None:
        return Part(media=media, reason=Reason.BAD_URL, detail="its metadata has no usable URL")
    if not RedditResolver.pattern.match(link.url):
        return Part((link.url,), media)
    plan = RedditResolver().resolve(link)
    urls = plan.parts[0].urls if plan.parts else ()
    return Part(urls, media, reason=None if urls else plan.reason, detail=plan.detail)


# Every other host of the pattern serves files, whose URL is as it has to be.
_BY_HOST: tuple[tuple[str, Callable[[Link], Plan]], ...] = (
    (r"(?:i|preview)\.redd\.it", _file),
    (r"external-preview\.redd\.it", _preview_of_others),
    (r"v\.redd\.it", _video),
    (r"(?:www\.)?redd\.it", _short),
    (r"(?:www\.)?redditmedia\.com", _page),
    (r"reddit\.app\.link", _redirect),
    (_PAGE_HOSTS, _page),
)
