from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from aiohttp import web
from typer.testing import CliRunner

from flows.resolve import resolve
from tests.actors.sources.reddit_server import World, make_server, post

SHARED = Path(os.environ.get("GOLDPAN_SHARED_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
CASES = SHARED / "resolver_cases.jsonl"
app = typer.Typer()
app.command()(resolve)


def run(*arguments: str, text: str = "") -> tuple[int, list[dict[str, Any]]]:
    result = CliRunner().invoke(app, arguments, input=text)
    return result.exit_code, [json.loads(line) for line in result.stdout.splitlines()]


def cases() -> list[dict[str, Any]]:
    return [json.loads(line) for line in CASES.read_text().splitlines()] if CASES.exists() else []


def called(text: str) -> tuple[str, str]:
    """A call's method and id: ``flickr.… photo_id=1``, ``GET …/image/ID`` or ``GET /api/info?id=t3_x``."""
    method, target = text.split(" (", maxsplit=1)[0].split(";", maxsplit=1)[0].split()[:2]
    head, _, identity = target.rpartition("=" if "=" in target else "/")
    return f"{method} {head}", identity


@pytest.mark.skipif(not CASES.exists(), reason="the shared resolver cases are not beside this checkout")
def test_the_shared_cases_resolve_as_expected() -> None:
    wrong = []
    for case in cases():
        expected, kind = case["expect"], case["kind"]
        flags = () if kind in ("post", "url") else ("--kind", kind)
        code, (answer,) = run(*flags, text=json.dumps(case["input"]))
        fits = code == 0 and all(
            answer.get(key) == expected[key] for key in ("action", "disallowed") if key in expected
        )
        fits &= "urls" not in expected or answer["urls"] == expected["urls"]
        fits &= "call" not in expected or called(answer["call"]) == called(expected["call"])
        if not fits:
            wrong.append((case, answer))
    assert wrong == []


def test_a_line_out_has_every_field_for_each_line_in() -> None:
    lines = [
        '"https://i.redd.it/a.jpg"',
        '{"id": "x", "url": "https://imgur.com/a/abcde"}',
        "",
        "nope",
        "5",
        '"a b"',
    ]
    code, answers = run(text="\n".join(lines))
    assert code == 0
    assert [(one["action"], one["reason"]) for one in answers] == [
        ("download", None),
        ("api", None),
        ("fatal", "malformed"),
        ("fatal", "malformed"),
        ("skip", "bad_url"),
    ]
    for one in answers:
        assert {"action", "urls", "call", "fallback", "reason", "resolver"} <= one.keys()


def test_a_wrapped_child_of_a_listing_is_its_post() -> None:
    _, (answer,) = run(text='{"kind": "t3", "data": {"id": "x", "url": "https://i.redd.it/a.jpg"}}')
    assert answer["urls"] == ["https://i.redd.it/a.jpg"]


def test_lone_surrogates_and_deep_nesting_are_no_stop() -> None:
    lines = [
        r'"https://i.redd.it/\ud800.jpg"',
        r'{"id": "x", "url": "\ud800", "preview": "\udfff"}',
        "[" * 100_000,
    ]
    code, answers = run(text="\n".join(lines))
    assert (code, [one["reason"] for one in answers]) == (0, ["bad_url", "bad_url", "malformed"])


def test_over_18_is_a_setting() -> None:
    marked = '{"id": "x", "url": "https://i.redd.it/a.jpg", "over_18": true}'
    assert run(text=marked)[1][0]["action"] == "skip"
    assert run("--over-18", "keep", text=marked)[1][0]["action"] == "download"


def test_a_file_is_read_and_a_missing_one_is_a_usage_error(tmp_path: Path) -> None:
    path = tmp_path / "posts.jsonl"
    path.write_text('"https://i.redd.it/a.jpg"\n')
    assert run(str(path))[1][0]["urls"] == ["https://i.redd.it/a.jpg"]
    result = CliRunner().invoke(app, [str(tmp_path / "none.jsonl")])
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("answer", "action", "reason"),
    [
        (
            {
                "requested": "https://i.imgur.com/a.jpg",
                "status": 302,
                "location": "https://i.imgur.com/removed.png",
            },
            "skip",
            "removed_at_host",
        ),
        (
            {
                "requested": "https://i.imgur.com/a.jpg",
                "status": 200,
                "etag": '"d835884373f4d6c8f24742ceabe74946"',
            },
            "skip",
            "removed_at_host",
        ),
        (
            {"requested": "https://a.example/a", "status": 301, "location": "https://b.example/a"},
            "redirect",
            None,
        ),
        ({"requested": "https://a.example/a", "status": 200, "content_type": "image/webp"}, "download", None),
        ({"requested": "https://a.example/a", "status": 200, "content_type": "video/mp4"}, "skip", "video"),
        ({"requested": "https://a.example/a", "status": 429}, "retry_later", "rate_limited"),
        ({"requested": "https://a.example/a", "status": 503}, "retry_later", "server_error"),
        ({"requested": "https://a.example/a", "status": 403}, "skip", "forbidden"),
        (
            {"requested": "https://i.imgur.com/a.jpg", "status": 200, "width": 161, "height": 81},
            "skip",
            "removed_at_host",
        ),
        ({"status": 200, "headers": {"Content-Type": "text/html", "ETag": "x"}}, "skip", "not_an_image"),
        ({"requested": "https://a.example/a", "status": 200, "content_length": 0}, "skip", "empty"),
        ({}, "skip", "http_error"),
        ([], "skip", "http_error"),
    ],
)
def test_a_response_is_judged_as_the_fetcher_would(answer: Any, action: str, reason: str | None) -> None:
    code, (told,) = run("--kind", "response", text=json.dumps(answer))
    assert (code, told["action"], told["reason"]) == (0, action, reason)


def test_headers_that_are_no_list_are_malformed() -> None:
    assert run("--kind", "x_robots_tag", text='{"headers": null}')[1][0]["reason"] == "malformed"
    assert run("--kind", "x_robots_tag", text='{"headers": [null, "noai"]}')[1][0] == {"disallowed": True}


def test_bytes_that_are_no_text_are_malformed_and_what_follows_is_answered() -> None:
    lines = b'"https://i.redd.it/\xff.jpg"\n\xef\xbb\xbf"https://i.redd.it/a.jpg"\n' + b"9" * 5000 + b"\n{}\n"
    result = CliRunner().invoke(app, [], input=lines)
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 0
    assert [one["reason"] for one in answers] == ["malformed", None, "malformed", "malformed"]


def test_links_in_a_text_follow_the_setting_of_the_environment_and_of_a_file(tmp_path: Path) -> None:
    text = json.dumps({"id": "x", "is_self": True, "selftext": "see https://i.redd.it/a.png"})
    assert run(text=text)[1][0]["action"] == "option"
    config = tmp_path / "goldpan.yaml"
    config.write_text("crawl: {selftext_links: true, over_18: keep}")
    marked = text.replace("{", '{"over_18": true, ', 1)
    assert run("--config", str(config), text=marked)[1][0]["urls"] == ["https://i.redd.it/a.png"]
    assert run("--config", str(config), "--over-18", "skip", text=marked)[1][0]["reason"] == "over_18"
    environment = {"GOLDPAN_CRAWL__SELFTEXT_LINKS": "true"}
    result = CliRunner(env=environment).invoke(app, [], input=text)
    assert json.loads(result.stdout)["action"] == "download"


def test_a_locked_original_is_told_beside_what_is_shown() -> None:
    size = {"label": "Large", "width": 1024, "height": 768, "source": "https://l/1_b.jpg", "media": "photo"}
    _, (answer,) = run("--kind", "flickr_api", text=json.dumps({"sizes": {"size": [size]}, "stat": "ok"}))
    assert (answer["action"], answer["urls"], answer["locked"]) == ("download", ["https://l/1_b.jpg"], ["0"])


FOLLOWING = [sys.executable, "-m", "flows.resolve"]


@pytest.mark.parametrize("flags", [[], ["--online"]])
def test_each_line_of_a_pipe_is_answered_at_once_and_an_interrupt_ends_it(flags: list[str]) -> None:
    with subprocess.Popen(
        [*FOLLOWING, *flags], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin and process.stdout and process.stderr
        for name in ("a", "b"):
            process.stdin.write(f'"https://i.redd.it/{name}.jpg"\n'.encode())
            process.stdin.flush()
            assert f"/{name}.jpg" in process.stdout.readline().decode()
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
        assert b"Traceback" not in process.stderr.read()


def test_a_reader_that_leaves_is_no_traceback(tmp_path: Path) -> None:
    path = tmp_path / "many.jsonl"
    path.write_text('"https://i.redd.it/a.jpg"\n' * 5000)
    with subprocess.Popen([*FOLLOWING, str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout and process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()
        assert process.wait(20) == 1


def test_online_asks_reddit_about_posts_where_there_are_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    world = World(by_id={"t3_p1": post(1)})
    server = make_server(world)
    environment = {
        "GOLDPAN_CRAWL__REDDIT": json.dumps(
            {
                "client_id": "id",
                "client_secret": "hush",
                "reddit_url": f"http://127.0.0.1:{server.server_port}",
            }
        )
    }
    lines = '"https://redd.it/p1"\n{"id": "x", "url": "https://www.reddit.com/gallery/gone"}\n'
    result = CliRunner(env=environment).invoke(app, ["--online"], input=lines)
    server.shutdown()
    server.server_close()
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(one["urls"], one["reason"]) for one in answers] == [
        (["https://i.redd.it/p1.jpg"], None),
        ([], "not_found"),
    ]
    assert [query["id"] for path, query in world.asked if path == "/api/info/"] == ["t3_p1,t3_gone"]


def test_online_makes_the_calls_with_the_keys_of_the_environment() -> None:
    async def serve(work: Callable[[int], list[dict[str, Any]]]) -> list[dict[str, Any]]:
        async def album(request: web.Request) -> web.Response:
            known = request.headers.get("Authorization") == "Client-ID key"
            image = {"id": "aaaaa", "type": "image/png", "link": "https://i.imgur.com/aaaaa.png"}
            return web.json_response(
                {"data": {"images": [image]} if known else {"error": "Invalid client_id"}}
            )

        app = web.Application()
        app.router.add_get("/3/album/abcde", album)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            return await asyncio.to_thread(work, runner.addresses[0][1])
        finally:
            await runner.cleanup()

    def work(port: int) -> list[dict[str, Any]]:
        environment = {
            "GOLDPAN_CRAWL__IMGUR_CLIENT_ID": "key",
            "GOLDPAN_CRAWL__HOST_MAP": json.dumps({"api.imgur.com": f"http://127.0.0.1:{port}"}),
            "GOLDPAN_CRAWL__ALLOW_PRIVATE": json.dumps([f"127.0.0.1:{port}"]),
        }
        lines = '"https://imgur.com/a/abcde"\n"https://i.redd.it/a.jpg"\n'
        result = CliRunner(env=environment).invoke(app, ["--online"], input=lines)
        return [json.loads(line) for line in result.stdout.splitlines()]

    answers = asyncio.run(serve(work))
    assert [one["urls"] for one in answers] == [
        ["https://i.imgur.com/aaaaa.png"],
        ["https://i.redd.it/a.jpg"],
    ]
