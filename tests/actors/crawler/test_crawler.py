from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from actors.crawler.crawler import Crawler, Resolve, UnknownKeyError
from actors.crawler.events import Awoke, Event, Fetched, Late, Offer, Resolved
from actors.crawler.files import read_file
from actors.crawler.settings import CrawlSettings, HostBudget
from models.reasons import Reason, Stage
from models.records import Candidate, Outcome, Submission
from models.schema import READY
from tests.actors.crawler.server import PNG, ImageServer, image, in_loop, until_released


def submission(item: str, *urls: str, **candidate: Any) -> Submission:
    """A submission with one candidate a URL."""
    post = {"candidates": [Candidate(item, str(n), (url,), **candidate) for n, url in enumerate(urls)]}
    return Submission(item, "test", post)


async def as_written(each: Submission) -> list[Candidate]:
    candidates: list[Candidate] = each.post["candidates"]
    return candidates


@asynccontextmanager
async def crawling(settings: CrawlSettings, resolve: Resolve = as_written) -> AsyncIterator[Crawler]:
    crawler = Crawler(settings, resolve=resolve)
    try:
        yield crawler
    finally:
        await crawler.close()


async def until(crawler: Crawler, enough: Callable[[list[Event]], bool]) -> list[Event]:
    """Gather events until they are enough; fails after ten seconds."""
    seen: list[Event] = []
    async with asyncio.timeout(10):
        while not enough(seen):
            seen += await crawler.events(0.05)
    return seen


def fetched(events: list[Event]) -> list[str]:
    return [each.ready.key for each in events if isinstance(each, Fetched)]


def late(events: list[Event]) -> list[str]:
    return [each.key for each in events if isinstance(each, Late)]


def reasons(table: pa.Table) -> list[str | None]:
    values: list[str | None] = table["reason"].to_pylist()
    return values


@in_loop
async def test_from_submissions_to_rows() -> None:
    async with ImageServer({"/a.png": image(), "/b.png": image(PNG + b"b")}) as server:
        offer = [
            Offer(7, submission("t3_a", server.url("/a.png"), server.url("/404"), width=4000, height=3000)),
            Offer(8, submission("t3_b", server.url("/b.png"))),
        ]
        async with crawling(server.settings()) as crawler:
            await crawler.offer(offer, frozenset())
            events = await until(crawler, lambda seen: len(fetched(seen)) == 3)
            pending = await crawler.pending()
            table = await crawler.block(["t3_b/0", "t3_a/0", "t3_a/1"])
            after = await crawler.pending()
    assert isinstance(events[0], Awoke)
    resolved = [each for each in events if isinstance(each, Resolved)]
    assert [(each.order, [one.key for one in each.candidates]) for each in resolved] == [
        (7, ["t3_a/0", "t3_a/1"]),
        (8, ["t3_b/0"]),
    ]
    assert {each.ready.key: each.order for each in events if isinstance(each, Fetched)} == {
        "t3_a/0": 7, "t3_a/1": 7, "t3_b/0": 8,
    }  # fmt: skip
    assert pending["held_bytes"] == pending["used_bytes"] == 2 * len(PNG) + 1
    assert set(after.values()) == {0}
    assert table.schema.equals(READY)
    assert table["key"].to_pylist() == ["t3_b/0", "t3_a/0", "t3_a/1"]
    assert table["data"].to_pylist() == [PNG + b"b", PNG, None]
    assert reasons(table) == [None, None, "not_found"]
    assert table["stage"].to_pylist() == [None, None, "fetch"]
    assert table["http_status"].to_pylist() == [200, 200, 404]
    assert table["width"].to_pylist() == [None, 4000, 4000]
    assert table["url"].to_pylist() == [server.url("/b.png"), server.url("/a.png"), server.url("/404")]


@in_loop
async def test_the_awakening_is_told_once() -> None:
    async with crawling(CrawlSettings()) as crawler:
        assert [type(event) for event in await crawler.events(1)] == [Awoke]
        assert await crawler.events(0.01) == []


@in_loop
async def test_a_block_is_handed_out_once() -> None:
    async with ImageServer({"/a": image()}) as server, crawling(server.settings()) as crawler:
        await crawler.offer([Offer(0, submission("t3_a", server.url("/a")))], frozenset())
        await until(crawler, lambda seen: len(fetched(seen)) == 1)
        with pytest.raises(UnknownKeyError, match=r"t3_x/0.*fetch"):
            await crawler.block(["t3_a/0", "t3_x/0"])
        with pytest.raises(UnknownKeyError):
            await crawler.block(["t3_a/0", "t3_a/0"])
        assert (await crawler.block(["t3_a/0"])).num_rows == 1
        with pytest.raises(UnknownKeyError, match="t3_a/0"):
            await crawler.block(["t3_a/0"])
        assert (await crawler.block([])).schema.equals(READY)


@in_loop
async def test_what_is_known_judged_or_declared_too_small_is_not_fetched() -> None:
    async with ImageServer({"/a": image()}) as server, crawling(server.settings()) as crawler:
        skipped = Candidate("t3_v", "-", outcome=Outcome(Reason.VIDEO, Stage.RESOLVE, "v.redd.it"))
        offer = [
            Offer(0, submission("t3_a", *[server.url("/a")] * 3)),
            Offer(1, Submission("t3_v", "test", {"candidates": [skipped]})),
            Offer(2, submission("t3_s", server.url("/a"), width=800, height=600)),
            Offer(3, submission("t3_w", server.url("/a"), width=10_000, height=1000)),
            Offer(4, submission("t3_z", server.url("/a"), width=-1, height=0)),
        ]
        await crawler.offer(offer, frozenset({"t3_a/0", "t3_a/2"}))
        events = await until(crawler, lambda seen: len(fetched(seen)) == 5)
        table = await crawler.block(["t3_a/1", "t3_v/-", "t3_s/0", "t3_w/0", "t3_z/0"])
    resolved = {each.order: each.candidates for each in events if isinstance(each, Resolved)}
    assert [each.key for each in resolved[0]] == ["t3_a/1"]
    assert resolved[2][0].outcome == Outcome(Reason.TOO_SMALL, Stage.RESOLVE)
    assert reasons(table) == [None, "video", "too_small", "too_wide", None]
    assert table["stage"].to_pylist() == [None, "resolve", "resolve", "resolve", None]
    assert table["detail"].to_pylist()[1] == "v.redd.it"
    assert server.hits == {"/a": 2}


@in_loop
async def test_offered_twice_is_fetched_once() -> None:
    server = ImageServer()
    server.paths["/a"] = until_released(server, image())
    async with server, crawling(server.settings()) as crawler:
        offer = [Offer(0, submission("t3_a", server.url("/a")))]
        await crawler.offer(offer, frozenset())
        await crawler.offer(offer, frozenset())
        await until(crawler, lambda seen: len([each for each in seen if isinstance(each, Resolved)]) == 2)
        server.released.set()
        assert fetched(await until(crawler, fetched_any)) == ["t3_a/0"]
        await crawler.offer(offer, frozenset())
        assert fetched(await until(crawler, fetched_any)) == ["t3_a/0"]
    assert server.hits["/a"] == 1


def fetched_any(seen: list[Event]) -> bool:
    return bool(fetched(seen))


@in_loop
async def test_bytes_ahead_are_bounded_and_given_out_in_order() -> None:
    size, connections, limit = 100_000, 4, 350_000
    async with ImageServer({"/a": image(PNG[:8] + bytes(size - 8))}) as server:
        settings = server.settings(
            ahead_bytes=limit,
            patience=600,
            default_budget=HostBudget(connections=connections, per_second=1e6),
        )
        async with crawling(settings) as crawler:
            await crawler.offer(
                [Offer(n, submission(f"t3_{n:02}", server.url(f"/a?{n:02}"))) for n in range(20)], frozenset()
            )
            order: list[str] = []
            while len(order) < 20:
                await asyncio.sleep(0.05)  # long enough to run ahead, were it not bounded
                keys = fetched(await until(crawler, fetched_any))
                pending = await crawler.pending()
                assert pending["held_bytes"] <= pending["used_bytes"] <= limit + size
                await crawler.block(keys)
                order += keys
    assert sorted(order) == [f"t3_{n:02}/0" for n in range(20)]
    # In the run's order, up to those that were on their way together.
    assert all(abs(place - int(key[3:5])) <= connections for place, key in enumerate(order))
    asked = [int(each.query_string) for each in server.requests]
    assert all(abs(place - number) <= connections for place, number in enumerate(asked))


@in_loop
async def test_an_image_beyond_the_whole_budget_still_arrives() -> None:
    server = ImageServer({"/a": image(PNG[:8] + bytes(500_000))})
    async with server, crawling(server.settings(ahead_bytes=1000)) as crawler:
        offer = [Offer(n, submission(f"t3_{n}", server.url("/a"))) for n in range(3)]
        await crawler.offer(offer, frozenset())
        for n in range(3):
            events = await until(crawler, fetched_any)
            assert fetched(events) == [f"t3_{n}/0"]
            assert (await crawler.pending())["used_bytes"] == 500_008
            await crawler.block([f"t3_{n}/0"])


@in_loop
async def test_a_failure_holds_no_bytes() -> None:
    async with ImageServer() as server, crawling(server.settings(ahead_bytes=1)) as crawler:
        offer = [Offer(n, submission(f"t3_{n}", server.url("/404"))) for n in range(30)]
        await crawler.offer(offer, frozenset())
        await until(crawler, lambda seen: len(fetched(seen)) == 30)
        assert (await crawler.pending())["used_bytes"] == 0


@in_loop
async def test_a_slow_answer_is_late_once_and_arrives_all_the_same() -> None:
    server = ImageServer({"/fast": image()})
    server.paths["/slow"] = until_released(server, image())
    async with server, crawling(server.settings(patience=0.1)) as crawler:
        offer = [
            Offer(0, submission("t3_s", server.url("/slow"))),
            Offer(1, submission("t3_f", server.url("/fast"))),
        ]
        await crawler.offer(offer, frozenset())
        events = await until(crawler, lambda seen: bool(late(seen)))
        assert Late(0, "t3_s/0") in events
        assert fetched(events) == ["t3_f/0"]
        await asyncio.sleep(0.3)
        server.released.set()
        events = await until(crawler, fetched_any)
        assert (late(events), fetched(events)) == ([], ["t3_s/0"])


@in_loop
async def test_waiting_for_a_host_is_late_only_after_long_and_holds_no_bytes() -> None:
    server = ImageServer({"/fast": image()})
    server.paths["/slow"] = until_released(server, image())
    async with server:
        settings = server.settings(
            patience=0.05,
            host_map={"slow.example": server.base, "fast.example": server.base},
            host_budgets={"slow.example": HostBudget(connections=1, per_second=1e6)},
            ahead_bytes=3 << 16,  # three promises
        )
        async with crawling(settings) as crawler:
            slow = [Offer(n, submission(f"t3_{n}", "http://slow.example/slow")) for n in range(3)]
            fast = [Offer(n, submission(f"t3_{n}", "http://fast.example/fast")) for n in range(3, 6)]
            began = asyncio.get_running_loop().time()
            await crawler.offer(slow + fast, frozenset())
            # The fast ones have no bytes before the slow ones that only wait give theirs back.
            events = await until(crawler, lambda seen: len(fetched(seen)) == 3)
            assert sorted(fetched(events)) == ["t3_3/0", "t3_4/0", "t3_5/0"]
            assert asyncio.get_running_loop().time() - began >= 0.5
            slow_and_late = [key for key in late(events) if key < "t3_3"]
            # The one that runs is late after its patience, those behind it after ten times that.
            assert slow_and_late[0] == "t3_0/0"
            assert sorted(slow_and_late) == ["t3_0/0", "t3_1/0", "t3_2/0"]
            server.released.set()
            await until(crawler, lambda seen: len(fetched(seen)) == 3)
            assert (await crawler.pending())["used_bytes"] == 6 * len(PNG)


@in_loop
async def test_what_resolves_late_never_blocks_those_who_have_the_bytes() -> None:
    resolved = asyncio.Event()

    async def resolve(each: Submission) -> list[Candidate]:
        if each.item == "t3_0":
            await resolved.wait()
        return await as_written(each)

    async with ImageServer({"/a": image()}) as server:
        settings = server.settings(ahead_bytes=len(PNG), patience=0.05)
        async with crawling(settings, resolve) as crawler:
            await crawler.offer(
                [Offer(n, submission(f"t3_{n}", server.url("/a"))) for n in range(3)], frozenset()
            )
            assert fetched(await until(crawler, fetched_any)) == ["t3_1/0"]
            resolved.set()
            events = await until(crawler, lambda seen: bool(late(seen)))
            assert (late(events), fetched(events)) == (["t3_0/0"], [])
            await crawler.block(["t3_1/0"])
            # First in the run's order, so first to have the bytes.
            assert fetched(await until(crawler, fetched_any)) == ["t3_0/0"]


@in_loop
async def test_a_replay_fetches_exactly_these_in_order() -> None:
    server = ImageServer({"/a": image(), "/b": image(PNG + b"b")})
    async with server, crawling(server.settings()) as crawler:
        candidates = [
            Candidate("t3_a", "0", (server.url("/404"), server.url("/b"))),
            Candidate("t3_b", "-", outcome=Outcome(Reason.SELF_POST, Stage.RESOLVE)),
            Candidate("t3_c", "0", (server.url("/a"),), width=9, height=2**40),
            Candidate("t3_d", "0", (server.url("/404"),)),
            Candidate("t3_e", "0", ("http://169.254.169.254/",)),
        ]
        table = await crawler.fetch(candidates)
        assert fetched(await crawler.events(0.01)) == []
    assert table["key"].to_pylist() == ["t3_a/0", "t3_b/-", "t3_c/0", "t3_d/0", "t3_e/0"]
    assert table["data"].to_pylist() == [PNG + b"b", None, PNG, None, None]
    assert reasons(table) == [None, "self_post", None, "not_found", "private_address"]
    assert table["width"].to_pylist() == [None, None, 9, None, None]
    assert table["height"].to_pylist() == [None] * 5


def odd_folder(folder: Path) -> list[str]:
    """Fill a folder with what folders hold, and name it all."""
    (folder / "a b.png").write_bytes(PNG)
    (folder / "note.txt").write_text("no image")
    (folder / "empty.png").touch()
    (folder / "big.png").write_bytes(PNG + bytes(200_000))
    os.mkfifo(folder / "fifo")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "socket"))
    undecodable = os.fsdecode(os.fsencode(folder) + b"/odd\xff.png")
    Path(undecodable).write_bytes(PNG)
    named = ["a b.png", "note.txt", "empty.png", "big.png", "fifo", "socket", ".", "gone"]
    return [
        (folder / "a b.png").as_uri(),
        *(str(folder / each) for each in named),
        "/dev/zero",
        "nul\0",
        undecodable,
    ]


@in_loop
async def test_files_of_a_folder_are_read_and_only_they(tmp_path: Path) -> None:
    places = odd_folder(tmp_path)
    candidates = [Candidate(f"folder:{n}", "0", (place,)) for n, place in enumerate(places)]
    async with crawling(CrawlSettings(max_bytes=100_000)) as crawler:
        table = await crawler.fetch([*candidates, Candidate("t3_x", "0", (places[0],))])
        await crawler.offer(
            [Offer(0, Submission("folder:x", "f", {"candidates": candidates[:1]}))], frozenset()
        )
        assert fetched(await until(crawler, fetched_any)) == ["folder:0/0"]
    expected = [None, None, "not_an_image", "empty", "too_large", *["unreadable"] * 6, None, "bad_url"]
    assert reasons(table) == expected
    data = table["data"].to_pylist()
    assert data[0] == data[1] == data[11] == PNG
    assert table["url"].to_pylist()[1] == places[1]
    assert table["url"].to_pylist()[11].endswith("odd\\udcff.png")
    assert set(table["host"].to_pylist()) == {None}


def test_a_fifo_is_not_even_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with ThreadPoolExecutor(1) as pool:
        writer = pool.submit(os.open, tmp_path / "fifo", os.O_WRONLY)  # until somebody opens it to read
        with pytest.raises(TimeoutError):
            writer.result(0.2)
        fetch = read_file(str(tmp_path / "fifo"), 1000)
        assert fetch.outcome is not None
        assert fetch.outcome.reason is Reason.UNREADABLE
        with pytest.raises(TimeoutError):
            writer.result(0.2)
        reader = os.open(tmp_path / "fifo", os.O_RDONLY)
        os.close(writer.result(5))
        os.close(reader)


@in_loop
async def test_what_nobody_expected_is_a_row_too(caplog: pytest.LogCaptureFixture) -> None:
    async def resolve(each: Submission) -> list[Candidate]:
        raise ZeroDivisionError(each.post["asked"])

    async with crawling(CrawlSettings(), resolve) as crawler:
        await crawler.offer(
            [Offer(0, Submission("t3_a", "test", {"asked": "http://h/?api_key=secret"}))], frozenset()
        )
        await until(crawler, fetched_any)
        table = await crawler.block(["t3_a/-"])
        odd: Any = (None,)
        replayed = await crawler.fetch([Candidate("t3_b", "0", odd), Candidate("t3_c", "0")])
    assert (reasons(table), table["detail"].to_pylist()) == (["malformed"], ["ZeroDivisionError"])
    assert reasons(replayed) == ["http_error", "bad_url"]
    assert "ZeroDivisionError" in caplog.text
    assert "secret" not in caplog.text


@in_loop
async def test_closing_stops_what_is_on_its_way() -> None:
    server = ImageServer()
    server.paths["/a"] = until_released(server, image())
    async with server:
        async with crawling(server.settings()) as crawler:
            await crawler.offer(
                [Offer(n, submission(f"t3_{n}", server.url("/a"))) for n in range(9)], frozenset()
            )
            await server.until(lambda: server.at_once == 9)
        await server.until(lambda: server.at_once == 0)
