"""From the URL as a post has it to the one that is asked, and back to the one that is shown."""

from __future__ import annotations

import re
from collections.abc import Mapping

from yarl import URL

_LONGEST_SHOWN = 2000
_HOST = re.compile(r"[\w.-]+|[0-9a-f:.]+", re.ASCII | re.IGNORECASE)
_USERINFO = re.compile(r"//[^/?#]*@")


class BadUrlError(ValueError):
    """Not a URL that can be fetched."""


def clean(text: str) -> URL:
    """Read an http or https URL, without its userinfo and fragment; BadUrlError where it is none."""
    try:
        url = URL(text.strip())
        # A port that is not a number, and a host that is no IDNA name, show only when they are asked for.
        usable = (
            url.scheme in ("http", "https") and _HOST.fullmatch(url.raw_host or "") and url.host and url.port
        )
    except (ValueError, TypeError) as error:
        raise BadUrlError(type(error).__name__) from None
    if not usable:
        raise BadUrlError
    # Making a URL anew takes longer than looking at it, and few have either.
    if url.raw_user is not None or url.raw_password is not None:
        url = url.with_user(None)
    return url.with_fragment(None) if url.raw_fragment else url


def join(base: URL, location: str) -> URL:
    """Give where a redirect from ``base`` leads; BadUrlError where that cannot be fetched."""
    try:
        target = base.join(URL(location.strip()))
    except (ValueError, TypeError):
        raise BadUrlError from None
    return clean(str(target))


def shown(text: str) -> str:
    """Give text of a URL or path as it may stand in a row: no userinfo, valid UTF-8, of bounded length."""
    return printable(without_userinfo(text))


def without_userinfo(text: str) -> str:
    """Take ``user:password@`` out of a URL, or of what only looks like one."""
    return _USERINFO.sub("//", text)


def unread(uri: str) -> str:
    """Give what of a URI that cannot be read, or must not be, may be shown.

    A secret with a slash in it is the very reason why it cannot be read, so all before the last @ goes.
    """
    scheme, separator, rest = uri.partition("://")
    return printable(scheme + separator + (rest.rpartition("@")[2].partition("?")[0] if separator else ""))


def printable(text: str) -> str:
    """Escape what UTF-8 cannot hold (lone surrogates, undecodable file names) and bound the length."""
    return text[:_LONGEST_SHOWN].encode("utf-8", "backslashreplace").decode()


class HostMap:
    """Hosts that another server answers for: their requests go there, with the original ``Host`` header."""

    def __init__(self, bases: Mapping[str, str]) -> None:
        self._bases = {host.lower(): clean(base) for host, base in bases.items()}

    def place(self, url: URL) -> tuple[URL, dict[str, str]]:
        """Give the URL to connect to, and the headers that go with it."""
        base = self._bases.get((url.host or "").rstrip("."))
        if base is None:
            return url, {}
        place = URL.build(
            scheme=base.scheme,
            authority=base.raw_authority,
            path=base.raw_path.rstrip("/") + url.raw_path,
            query_string=url.raw_query_string,
            encoded=True,
        )
        return place, {"Host": url.host_port_subcomponent or ""}
