"""Links whose own path says what they are, and the hosts of videos."""

from __future__ import annotations

import re

from actors.crawler.resolvers.links import Link
from actors.crawler.resolvers.plan import Plan, fetch, skip
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
        "tif",
        "tiff",
        "webp",
    }
)
VIDEO_EXTENSIONS = frozenset(
    {"avi", "flv", "gifv", "m3u8", "m4v", "mkv", "mov", "mp4", "mpd", "mpeg", "mpg", "ogv", "webm", "wmv"}
)
_VIDEO_HOSTS = (
    r"redgifs\.com|gfycat\.com|gifdeliverynetwork\.com|youtube\.com|youtube-nocookie\.com|youtu\.be|"
    r"vimeo\.com|streamable\.com|streamja\.com|streamff\.com|clips\.twitch\.tv|twitch\.tv|tiktok\.com|"
    r"dailymotion\.com|dai\.ly|rumble\.com|coub\.com|bitchute\.com|medal\.tv|liveleak\.com"
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
        """Fetch what is named like an image; what else it may be is not asked."""
        if link.extension in VIDEO_EXTENSIONS:
            return skip(Reason.VIDEO, f"a .{link.extension} file")
        if link.segments and _FILE_PAGE.match(link.segments[-1]):
            return skip(Reason.NOT_AN_IMAGE_LINK, "a page about a file")
        named = link.extension in IMAGE_EXTENSIONS
        if named or (link.parameter("format") or "").lower() in IMAGE_EXTENSIONS:
            return fetch(link.url)
        return skip(Reason.NOT_AN_IMAGE_LINK, "not named like an image")
