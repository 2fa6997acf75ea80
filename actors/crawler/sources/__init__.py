"""Where submissions come from: one file a source; ``parse_source`` reads the argument, ``open_source`` opens it."""

from __future__ import annotations

from actors.crawler.settings import CrawlSettings
from actors.crawler.sources.source import Cursor, Page, Source
from actors.crawler.sources.spec import SourceError, SourceSpec, parse_source

__all__ = [
    "Cursor",
    "Page",
    "Source",
    "SourceError",
    "SourceSpec",
    "is_endless",
    "open_source",
    "parse_source",
]


def open_source(spec: SourceSpec, settings: CrawlSettings, *, follow: bool = False) -> Source:
    """Open a source, to ``follow`` what is new in it where it can; SourceError, with the way out, where it cannot."""
    match spec.kind:
        case "reddit":
            return _open_reddit(spec, settings, follow)
        case "urls":
            from actors.crawler.sources.urls import UrlList

            return UrlList(spec)
        case "folder":
            from actors.crawler.sources.folder import FolderSource

            return FolderSource(spec)
        case "dump":
            from actors.crawler.sources.dump import DumpSource

            return DumpSource(spec)
        case "arctic":
            from actors.crawler.sources.arctic import ArcticShift

            return ArcticShift(spec, settings)
    raise SourceError(f"unknown source {spec.text!r}")


def _open_reddit(spec: SourceSpec, settings: CrawlSettings, follow: bool) -> Source:
    from actors.crawler.sources.client import client_of
    from actors.crawler.sources.firehose import Firehose
    from actors.crawler.sources.live import LiveListing
    from actors.crawler.sources.reddit import RedditListing

    client = client_of(settings)
    if spec.is_firehose:
        return Firehose(spec, client)
    return (LiveListing if follow and spec.can_be_followed else RedditListing)(spec, client)
