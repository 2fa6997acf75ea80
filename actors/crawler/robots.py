"""Whether a host's ``X-Robots-Tag`` lines ask that an image is not used for this.

The header: https://developers.google.com/search/docs/crawling-indexing/robots-meta-tag#xrobotstag; noai and
noimageai: https://www.deviantart.com/team/journal/UPDATE-All-Deviations-Are-Opted-Out-of-AI-Datasets-934500371
"""

from __future__ import annotations

from collections.abc import Iterable

_OPT_OUTS = frozenset({"noai", "noimageai", "noindex", "noimageindex", "none", "noml"})
# Directives that have a value of their own behind a colon: no crawler's name.
_VALUED = frozenset({"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"})


def opted_out(lines: Iterable[str], token: str | None = None) -> bool:
    """Tell whether any line opts out; ``token`` is our crawler's name, to which a directive may be addressed.

    An address (``name: directive, directive``) holds to the end of its line or the next address.
    """
    return any(_line_opts_out(line.lower(), (token or "").lower()) for line in lines)


def _line_opts_out(line: str, token: str) -> bool:
    ours = True
    for part in line.split(","):
        name, colon, directive = (text.strip() for text in part.partition(":"))
        if not colon:
            directive = name
        elif name not in _VALUED and not directive[:1].isdigit():  # which would be a time: 15:00
            ours = name in (token, "*")
        if ours and directive in _OPT_OUTS:
            return True
    return False


def crawler_token(user_agent: str) -> str | None:
    """Give the crawler's name out of ``<platform>:<app id>:<version> (…)`` or ``name/version``."""
    product = user_agent.split(" ", 1)[0]
    parts = product.split(":")
    return (parts[1] if len(parts) > 1 else product.split("/", 1)[0]) or None
