from __future__ import annotations

from pathlib import Path

import pytest

from actors.crawler.listing import Listed, Listing
from actors.crawler.settings import CrawlSettings
from actors.crawler.sources import Page, SourceError


def url_list(folder: Path, name: str, count: int) -> str:
    path = folder / name
    path.write_text("\n".join(f"https://a.example/{name}{number}.jpg" for number in range(count)))
    return f"urls:{path}"


def page_of(listed: Listed | None) -> Page:
    assert listed is not None and listed.page is not None
    return listed.page


def all_of(listing: Listing) -> list[Listed]:
    found = []
    while (listed := listing.next_page({})) is not None:
        found.append(listed)
    return found


def test_a_listing_gives_its_pages_and_then_none(tmp_path: Path) -> None:
    source = url_list(tmp_path, "list.txt", 150)
    listing = Listing([source], CrawlSettings())
    *listed, last = all_of(listing)
    assert last == Listed(source, ended=True)
    pages = [page_of(one) for one in listed]
    assert [len(page.submissions) for page in pages] == [100, 50, 0]
    assert listing.next_page({}) is None
    again = page_of(Listing([source], CrawlSettings()).next_page({source: pages[0].cursor}))
    assert again.submissions == pages[1].submissions


def test_finite_sources_are_read_one_after_another(tmp_path: Path) -> None:
    sources = [url_list(tmp_path, "a.txt", 150), url_list(tmp_path, "b.txt", 50)]
    listed = all_of(Listing(sources, CrawlSettings()))
    assert [one.source for one in listed] == [sources[0]] * 4 + [sources[1]] * 3


def test_a_source_that_fails_ends_alone(tmp_path: Path) -> None:
    sources = [f"urls:{tmp_path}/none.txt", url_list(tmp_path, "b.txt", 5)]
    first, *rest = all_of(Listing(sources, CrawlSettings()))
    assert first.page is None and "no such file" in (first.failure or "")
    assert [len(page_of(one).submissions) for one in rest[:-1]] == [5, 0] and rest[-1].ended


def test_a_source_that_is_none_says_so() -> None:
    with pytest.raises(SourceError, match="did you mean"):
        Listing(["redit:r/A"], CrawlSettings())


def test_without_credentials_reddit_is_not_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("praw_client_id", "praw_client_secret"):
        monkeypatch.delenv(name, raising=False)
    asked = Listing([], CrawlSettings()).posts(["abc"])
    assert not asked.posts and not asked.spent and "credentials" in asked.why
