from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from actors.crawler.robots import crawler_token, opted_out


@pytest.mark.parametrize(
    ("lines", "token", "expected"),
    [
        (["noindex, nofollow"], None, True),
        (["noimageindex"], None, True),
        (["NoAI"], None, True),
        (["noml"], None, True),
        (["none"], None, True),
        (["nofollow"], None, False),
        ([], None, False),
        (["googlebot: noindex"], None, False),
        (["googlebot: nofollow, noindex"], None, False),
        (["noai, googlebot: nofollow"], None, True),
        (["otherbot: nofollow", "noimageai"], None, True),
        (["otherbot: noai"], "mybot", False),
        (["MyBot: noai"], "mybot", True),
        (["otherbot: nofollow, mybot: noai"], "mybot", True),
        (["unavailable_after: 25 Jun 2030 15:00:00 PST, noai"], None, True),
        (["unavailable_after: Wed, 25 Jun 2030 15:00:00 PST, noai"], None, True),
        (["max-image-preview: large, noai"], None, True),
        (["max-snippet:-1, max-image-preview:large"], None, False),
        (["*: noai"], None, True),
        (["unavailable_after: 2030-06-25T15:00:00Z, noai"], None, True),
        (["unavailable_after: Wed, 15:00 25 Jun 2030, noai"], None, True),
        (["unavailable_after: 25 Jun 2010 15:00:00 PST"], None, False),
        (["GPTBot/1.0: noai, noindex"], None, False),
        (["some bot: noai"], "mybot", False),
        (["googlebot: nofollow, noai", "all"], "mybot", False),
        (["mybot: nofollow, NoImageIndex"], "MYBOT", True),
        (["", ":", ": noai"], None, True),
        (["index, follow", "max-image-preview:large", " NOINDEX "], None, True),
        (["unavailable_after: 2030-06-25T15:00:00+00:00"], None, False),
        (["Otherbot : nofollow , noai"], None, False),
        (["googlebot: noindex, *: noimageai"], None, True),
        (["noimageindex2, noaix, no ai, nonesuch"], None, False),
        (["", ",,,", ":"], None, False),
        (["max-snippet: -1, noml"], "mybot", True),
        (["MYBOT: noarchive, otherbot: noai"], "mybot", False),
    ],
)
def test_opt_outs(lines: list[str], token: str | None, expected: bool) -> None:
    assert opted_out(lines, token) is expected


def test_a_hostile_line_costs_no_time() -> None:
    began = time.monotonic()
    assert not opted_out([" " * 8000, ":" * 8000, "," * 8000, "a:" * 4000, "a," * 4000])
    assert time.monotonic() - began < 1


def test_the_shared_cases(shared_data: Path) -> None:
    lines = (shared_data / "resolver_cases.jsonl").read_text().splitlines()
    cases = [case for case in map(json.loads, lines) if case["kind"] == "x_robots_tag"]
    assert cases
    for case in cases:
        asked = case["input"]
        assert opted_out(asked["headers"], asked["user_agent_token"]) is case["expect"]["disallowed"], asked


def test_our_token_is_the_app_in_the_user_agent() -> None:
    assert crawler_token("linux:goldpan:0.1.0 (by /u/x)") == "goldpan"
    assert crawler_token("goldpan/0.1 (+x)") == "goldpan"
