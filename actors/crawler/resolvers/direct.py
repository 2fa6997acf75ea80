"""Links whose own path says what they are, and the hosts of videos."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from actors.crawler.resolvers.links import Link
from actors.crawler.resolvers.plan import Call, Plan, fetch, skip
from models.reasons import Reason

IMAGE_EXTENSIONS = frozenset(
    {
        "avif",
        "bmp",
        "gif",
        "heic",
        "heif",
        "jfif",
        "jp2",
        "jpe",
        "jpeg",
        "jpg",
        "jxl",
        "pjpeg",
        "png",
        "pnj",
        "tif",
        "tiff",
        "webp",
    }
)
VIDEO_EXTENSIONS = frozenset(
    {"avi", "flv", "gifv", "m3u8", "m4v", "mkv", "mov", "mp4", "mpd", "mpeg", "mpg", "ogv", "webm", "wmv"}
)
# Of files that are no images, whose type need not be asked.
_OTHER_EXTENSIONS = frozenset((  # noqa: SIM905
    "7z ai apk asp aspx bz2 cfm css csv doc docx eps epub exe flac gz htm html ics jar js json jsp m4a md mp3 "
    "ogg opus pdf php3 ppt pptx ps psd rar rss rtf shtml stl svg swf tar torrent txt wav xhtml xls xlsx xml xz zip"
).split())  # fmt: skip
# Where image hosts name the format in the query: pbs.twimg.com, images.unsplash.com, qpic.cn.
_FORMAT_PARAMETERS = ("format", "fm", "wx_fmt")
HEAD = "HEAD"
_VIDEO_HOSTS = (
    r"redgifs\.com|gfycat\.com|gifdeliverynetwork\.com|youtube\.com|youtube-nocookie\.com|youtu\.be|"
    r"vimeo\.com|streamable\.com|streamja\.com|streamff\.com|clips\.twitch\.tv|twitch\.tv|tiktok\.com|"
    r"dailymotion\.com|dai\.ly|rumble\.com|coub\.com|bitchute\.com|medal\.tv|liveleak\.com|pornhub\.com"
)
# A wiki's File: page ends like the file it describes.
_FILE_PAGE = re.compile(r"(?:file|image|datei|fichier):", re.IGNORECASE)


class VideoResolver:
    """Hosts that show nothing but videos."""

    name = "video"
    pattern = re.compile(rf"https?://(?:[\w-]+\.)*(?:{_VIDEO_HOSTS})(?::\d+)?(?:[/?]|$)", re.IGNORECASE)
    examples = ("https://redgifs.com/watch/somename", "https://youtu.be/dQw4w9WgXcQ")

    def resolve(self, link: Link) -> Plan:
        """Skip, but for a picture that such a host serves as a file."""
        if link.extension in IMAGE_EXTENSIONS:
            return fetch(link.url)
        return skip(Reason.VIDEO, "video host")


class DirectResolver:
    """Every other link: an image by its extension, or by the format its query names."""

    name = "direct"
    pattern = re.compile(r"https?://", re.IGNORECASE)
    examples = (
        "https://example.com/a/photo.JPG?x=1",
        "https://pbs.twimg.com/media/EabCdEf?format=jpg&name=large",
    )

    def resolve(self, link: Link) -> Plan:
        """Fetch what is named like an image; of what is not named at all, a call could ask the type."""
        if link.extension in VIDEO_EXTENSIONS:
            return skip(Reason.VIDEO, f"a .{link.extension} file")
        if _is_wiki_page(link):
            return skip(Reason.NOT_AN_IMAGE_LINK, "a page about a file")
        formats = ((link.parameter(name) or "").lower() for name in _FORMAT_PARAMETERS)
        if link.extension in IMAGE_EXTENSIONS or any(name in IMAGE_EXTENSIONS for name in formats):
            return fetch(link.url)
        untyped = bool(link.segments or link.query) and link.extension not in _OTHER_EXTENSIONS
        call = Call(HEAD, link.url, f"{HEAD} {link.url}") if untyped else None
        return replace(skip(Reason.NOT_AN_IMAGE_LINK, "not named like an image"), call=call)


def _is_wiki_page(link: Link) -> bool:
    """Whether it is a wiki's page about a file, in any language: …/wiki/Datei:Alps.jpg."""
    match link.segments:
        case [*_, "wiki", page] if ":" in page:
            return True
    return bool(link.segments) and _FILE_PAGE.match(link.segments[-1]) is not None


def read_type(url: str, headers: Mapping[str, str]) -> Plan:
    """Judge a link by the type its host tells; what tells none, or bytes of any type, is none."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind.startswith("image/") and not kind.startswith("image/svg"):
        return fetch(url)
    if kind.startswith("video/"):
        return skip(Reason.VIDEO, "a video by its type")
    return skip(Reason.NOT_AN_IMAGE_LINK, f"of type {kind}" if kind else "its host tells no type")
