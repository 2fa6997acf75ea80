"""The Arctic Shift archive: everything it has, once, whatever it answers in between."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import ThreadingHTTPServer
from typing import Any

import pytest

from actors.crawler.backoff import Backoff
from actors.crawler.settings import CrawlSettings
from actors.crawler.sources import (
    Cursor,
    Page,
    Source,
    SourceError,
    arctic,
    arctic_client,
    open_source,
    parse_source,
)
from tests.actors.sources.arctic_server import SLOW_DOWN, Archive, make_server, trouble
from tests.actors.sources.dump_posts import post

START = 1_700_000_000
SOURCE = "arctic:EarthPorn"


@pytest.fixture
def archive() -> Archive:
    return Archive()


@pytest.fixture
def server(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadingHTTPServer]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = make_server(archive)
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits a hundred times as short as they are, for tests of what comes after them."""
    monkeypatch.setattr(arctic_client, "_POLITE", 0.005)
    monkeypatch.setattr(arctic, "_BACKOFF", Backoff(0.01, 0.05))


def opened(server: ThreadingHTTPServer, text: str = SOURCE, **settings: Any) -> Source:
    settings.setdefault("arctic_url", f"http://127.0.0.1:{server.server_port}/")
    return open_source(parse_source(text), CrawlSettings(**settings))


def read(
    server: ThreadingHTTPServer, text: str = SOURCE, cursor: Cursor | None = None, **settings: Any
) -> list[Page]:
    return patiently(opened(server, text, **settings).pages(json.loads(json.dumps(cursor))))


def patiently(pages: Iterator[Page]) -> list[Page]:
    """Read to the end as the driver does, which waits as long as a page says."""
    found = []
    for page in pages:
        found.append(page)
        time.sleep(page.pause)
    return found


def items(pages: list[Page]) -> list[str]:
    return [one.item for page in pages for one in page.submissions]


def names(numbers: range) -> list[str]:
    return [f"t3_p{number}" for number in numbers]


@pytest.mark.parametrize("inclusive", [False, True])
def test_everything_is_listed_once_in_the_order_of_time(
    archive: Archive, server: ThreadingHTTPServer, hurry: None, inclusive: bool
) -> None:
    archive.inclusive, archive.shuffles = inclusive, True
    # Three posts a second, so that answers end within seconds.
    archive.posts = [post(number, created_utc=START + number // 3) for number in range(1000)]
    archive.posts += [post(5000, "Other")]
    opened(server).check()
    found = read(server)
    listed = items(found)
    assert sorted(listed) == sorted(names(range(1000)))
    assert [one.created for page in found for one in page.submissions] == [
        float(START + n // 3) for n in range(1000)
    ]
    assert max(len(page.submissions) for page in found) == 100
    assert all(query["limit"] == "auto" and query["subreddit"] == "EarthPorn" for query in archive.asked[1:])
    assert archive.agents == {"linux:goldpan:0.1.0 (by /u/goldpan-miner)"}
    # A later run asks for what is new only.
    asked = len(archive.asked)
    archive.posts += [post(number, created_utc=START + 333 + number // 1000) for number in range(1000, 1002)]
    assert sorted(items(read(server, cursor=found[-1].cursor))) == names(range(1000, 1002))
    assert len(archive.asked) == asked + 2


def test_every_cursor_gives_exactly_the_rest(
    archive: Archive, server: ThreadingHTTPServer, hurry: None
) -> None:
    archive.posts = [post(number, created_utc=START + number // 7) for number in range(450)]
    found = read(server)
    for place in range(len(found)):
        rest = items(read(server, cursor=found[place].cursor))
        assert sorted(items(found[: place + 1]) + rest) == sorted(names(range(450)))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (f",after={START + 50}", range(50, 300)),
        (f",before={START + 50}", range(50)),
        (f",after={START + 50},before={START + 250}", range(50, 250)),
        (f",after={START + 50},limit=130", range(50, 180)),
        (",after=2023-11-14,before=2023-11-15", range(300)),
    ],
)
@pytest.mark.parametrize("inclusive", [False, True])
def test_a_range_of_time_and_a_limit_hold(
    archive: Archive, server: ThreadingHTTPServer, hurry: None, options: str, expected: range, inclusive: bool
) -> None:
    archive.inclusive = inclusive
    archive.posts = [post(number) for number in range(300)]
    found = read(server, SOURCE + options)
    assert items(found) == names(expected)
    assert items(read(server, SOURCE + options, found[-1].cursor)) == []
    assert (
        items(read(server, SOURCE + options, found[0].cursor)) == names(expected)[len(found[0].submissions) :]
    )


def test_a_users_posts_are_asked_for_by_author(
    archive: Archive, server: ThreadingHTTPServer, hurry: None
) -> None:
    archive.posts = [post(number, "AB"[number % 2]) for number in range(20)]
    assert items(read(server, "arctic:u/Author3")) == names(range(3, 20, 7))


def test_what_may_pass_is_asked_for_again(archive: Archive, server: ThreadingHTTPServer, hurry: None) -> None:
    archive.posts = [post(number) for number in range(120)]
    archive.troubles = [
        trouble(503, body="<html>down</html>"),
        trouble(500, body={"data": None, "error": "no"}),
        trouble(200, body="<html>a proxy's page</html>"),
        trouble(200, body={"data": None, "error": "Query timed out"}),
        trouble(200, body="[1, 2]"),
        trouble(408),
        trouble(429, body="slow down"),
    ]
    assert items(read(server)) == names(range(120))


def test_pauses_are_told_and_not_slept(archive: Archive, server: ThreadingHTTPServer) -> None:
    archive.posts = [post(number) for number in range(3)]
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=61), usegmt=True)
    reset = {"X-RateLimit-Remaining": "0"}
    archive.troubles = [
        trouble(429, {"Retry-After": "120"}),
        trouble(429, {"Retry-After": soon}),
    ]
    for least, most in ((110, 120), (50, 61)):
        pages = opened(server).pages(None)
        page = next(pages)
        assert least <= page.pause <= most and page.submissions == ()
        # Who asks sooner is told again, and the server is left alone.
        asked = len(archive.asked)
        assert least < next(pages).pause <= most and len(archive.asked) == asked
    for value, least, most in (
        ("45", 35, 45),
        (f"{time.time() + 45:.0f}", 30, 46),
        (f"{(time.time() + 45) * 1000:.0f}", 30, 46),
        ("99999999", 3590, 3600),
        ("nan", 0, 1),
    ):
        archive.troubles = [trouble(200, {**reset, "X-RateLimit-Reset": value}, {"data": [post(1)]})]
        pages = opened(server).pages(None)
        assert items([next(pages)]) == ["t3_p1"]
        assert least <= next(pages).pause <= most
    archive.troubles, archive.headers = [], {"X-RateLimit-Remaining": "100", "X-RateLimit-Reset": "45"}
    pages = opened(server).pages(None)
    assert items([next(pages)]) == names(range(3)) and next(pages).pause <= 0.5


def test_less_is_asked_for_where_it_was_too_much_and_more_again_later(
    archive: Archive, server: ThreadingHTTPServer, hurry: None
) -> None:
    archive.posts = [post(number) for number in range(2000)]
    archive.troubles = [trouble(422, body=SLOW_DOWN)] * 2
    assert items(read(server)) == names(range(2000))
    limits = [query["limit"] for query in archive.asked]
    assert [limit for limit, _ in itertools.groupby(limits)] == ["auto", "100", "50", "100", "auto"]
    archive.asked.clear()
    archive.refuses = lambda limit: limit != "50"
    assert items(read(server)) == names(range(2000))


def test_a_server_that_takes_too_long_is_asked_for_less_and_blocks_nobody(
    archive: Archive, server: ThreadingHTTPServer, hurry: None
) -> None:
    archive.posts = [post(number) for number in range(10)]
    archive.troubles = [trouble(200, body={"data": []}, delay=3.5)]
    pages = opened(server, idle_timeout=2.5).pages(None)
    started = time.monotonic()
    assert next(pages).submissions == () and time.monotonic() - started < 2
    assert items(patiently(pages)) == names(range(10))
    assert [query["limit"] for query in archive.asked][:2] == ["auto", "100"]


def test_a_second_with_more_posts_than_an_answer_is_neither_lost_nor_an_endless_loop(
    archive: Archive, server: ThreadingHTTPServer, hurry: None
) -> None:
    # More than 50, less than the server can: after refusals only "auto" brings them all.
    archive.posts = [post(number, created_utc=START + (number >= 50)) for number in range(230)]
    archive.posts += [post(number, created_utc=START + 5) for number in range(230, 240)]
    archive.troubles = [trouble(422, body=SLOW_DOWN)] * 2
    assert items(read(server)) == names(range(240))


@pytest.mark.parametrize("inclusive", [False, True])
@pytest.mark.parametrize("refuses", [False, True])
def test_a_second_with_more_posts_than_any_answer_is_noted(
    archive: Archive, server: ThreadingHTTPServer, hurry: None, inclusive: bool, refuses: bool
) -> None:
    archive.inclusive, archive.capacity = inclusive, 100
    if refuses:
        archive.refuses = lambda limit: limit != "50"
    archive.posts = [
        post(number, created_utc=START + (number >= 10) + (number >= 400)) for number in range(410)
    ]
    found = read(server)
    listed = items(found)
    assert (
        set(listed) >= {*names(range(10)), *names(range(400, 410))} and len(set(listed)) == len(listed) < 150
    )
    notes = [note for page in found for note in page.notes]
    assert len(notes) == 1 and "posts or more were made at 2023-11-14 22:13:21 UTC" in notes[0]


def test_what_is_no_post_is_a_submission_all_the_same(
    archive: Archive, server: ThreadingHTTPServer, hurry: None
) -> None:
    archive.posts = [post(1), None, 5, post(2, created_utc=None), post(3, created_utc=START + 10**9), post(4)]
    listed = [one for page in read(server) for one in page.submissions]
    assert sorted(one.item for one in listed if one.post) == names(range(1, 5))
    assert len(listed) == 6


def test_what_will_not_pass_says_what_to_do(
    archive: Archive, server: ThreadingHTTPServer, hurry: None
) -> None:
    def fails(way_out: str, **settings: Any) -> None:
        with pytest.raises(SourceError, match=way_out):
            opened(server, **settings).check()

    fails("arctic:EarthPorn: Arctic Shift has no such posts; check the spelling and the dates")
    archive.troubles = [trouble(400, body={"error": "Invalid subreddit"})]
    fails(r"refuses the request \(status 400, Invalid subreddit\); check the name")
    archive.troubles = [trouble(301, {"Location": "https://elsewhere.example/"})]
    fails("leads to https://elsewhere.example/; if it has moved, set crawl.arctic_url")
    archive.troubles = [trouble(503)]
    fails("answers with status 503, and no posts; try again later")
    fails(r"status 404", arctic_url=f"http://127.0.0.1:{server.server_port}/other")
    fails(r"cannot be reached \(ConnectionError\); try again later", arctic_url="http://127.0.0.1:9")
    for status in (422, 429):  # it is up
        archive.troubles = [trouble(status)]
        opened(server).check()
    archive.posts = [post(1)]
    archive.refuses = lambda limit: True
    with pytest.raises(
        SourceError, match=r"Timeout\. Maybe slow down a bit, 10 times in a row; try again later"
    ):
        read(server)
    archive.refuses, archive.heeds_after = lambda limit: False, False
    archive.posts = [post(number) for number in range(500)]
    with pytest.raises(SourceError, match=r"crawl\.arctic_url does not heed after="):
        read(server)


def test_an_answer_without_end_is_given_up(
    archive: Archive, server: ThreadingHTTPServer, hurry: None
) -> None:
    archive.posts = [post(1)]
    archive.troubles = [trouble(200, body="x" * 3_000_000)]
    assert items(read(server, max_bytes=1_000_000)) == ["t3_p1"]
    assert [query["limit"] for query in archive.asked][:2] == ["auto", "100"]


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="'ftp://x' is no URL; write it as https://host"):
        CrawlSettings(arctic_url="ftp://x")
