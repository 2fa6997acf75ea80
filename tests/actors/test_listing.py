from __future__ import annotations

from pathlib import Path

import pytest

from actors.crawler.listing import Listing
from actors.crawler.settings import CrawlSettings
from actors.crawler.sources import SourceError


def test_a_listing_gives_its_pages_and_then_none(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("\n".join(f"https://a.example/{number}.jpg" for number in range(150)))
    listing = Listing(f"urls:{path}", CrawlSettings())
    listing.check()
    pages = []
    while (page := listing.next_page()) is not None:
        pages.append(page)
    assert [len(page.submissions) for page in pages] == [100, 50, 0]
    assert listing.next_page() is None
    again = Listing(f"urls:{path}", CrawlSettings(), pages[0].cursor).next_page()
    assert again is not None
    assert again.submissions == pages[1].submissions


def test_a_listing_of_what_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such file"):
        Listing(f"urls:{tmp_path}/none.txt", CrawlSettings()).check()
    with pytest.raises(SourceError, match="did you mean"):
        Listing("redit:r/A", CrawlSettings())
