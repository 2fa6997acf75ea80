"""Files at s3:// are read under the caps of any other, and for a folder source only."""

from __future__ import annotations

from actors.crawler.settings import CrawlSettings
from models.records import Candidate
from tests.actors.crawler.server import PNG, in_loop
from tests.actors.crawler.test_crawler import crawling, reasons
from tests.s3 import Bucket


@in_loop
async def test_files_at_s3_are_read_for_a_folder_and_only_for_it(bucket: Bucket) -> None:
    bucket.put("x/a b%41.png", PNG)
    bucket.put("x/big.png", PNG + bytes(200_000))
    bucket.put("x/empty.png", b"")
    bucket.put("x/note.txt", b"no image")
    names = ["a%20b%2541.png", "big.png", "empty.png", "note.txt", "gone.png"]
    places = [f"{bucket.uri}/x/{name}" for name in names]
    candidates = [Candidate(f"folder:{n}", "0", (place,)) for n, place in enumerate(places)]
    posts = [Candidate(item, "0", (places[0],)) for item in ("t3_x", "url:x")]
    async with crawling(CrawlSettings(max_bytes=100_000)) as crawler:
        table = await crawler.fetch([*candidates, *posts])
        bucket.let_in_only_who_is_known()
        denied = await crawler.fetch(candidates[:1])
    expected = [None, "too_large", "empty", "not_an_image", "unreadable", "bad_url", "bad_url"]
    assert reasons(table) == expected
    assert table["data"].to_pylist()[0] == PNG
    assert table["url"].to_pylist()[0] == table["final_url"].to_pylist()[0] == places[0]
    assert (reasons(denied), denied["detail"].to_pylist()) == (["unreadable"], ["ACCESS_DENIED"])
    assert set(table["host"].to_pylist()) == {None}
