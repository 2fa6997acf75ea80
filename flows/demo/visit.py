"""Visiting the demo world: starts its server beside a run, lends the run its settings, and tells the truth after."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console

from actors.shards import read_verdicts
from actors.storage import Output
from flows.demo.truth import Score, Truth, score
from flows.exits import PreflightError

NAME = "demo"
_OPTIONS = {"seed": int, "scale": float, "photos": Path}
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Visit:
    """A running demo world: the source to mine, the crawl settings that reach it, and its liked pictures."""

    source: str
    settings: dict[str, Any]
    liked: str | None
    truth: Path

    def lend(self, flags: dict[str, Any]) -> dict[str, Any]:
        """Fill in what the user did not set: how to reach the world, and a taste."""
        crawl = self.settings | flags.get("crawl", {})
        private = [*self.settings["allow_private"], *flags.get("crawl", {}).get("allow_private", [])]
        sources = [self.source if _is_demo(source) else source for source in flags["sources"]]
        lent = {"sources": sources, "crawl": crawl | {"allow_private": private}}
        return ({"taste": self.liked} if self.liked else {}) | flags | lent

    def verdict(self, output: Output) -> str:
        """Compare what an output holds with the world's truth, as lines to print."""
        return "\n".join(_lines(self.score(output)))

    def score(self, output: Output) -> Score:
        """Compare the output's rows with the truth."""
        rows = [
            pair
            for _, table in read_verdicts(output, ["key", "verdict"])
            for pair in zip(table["key"].to_pylist(), table["verdict"].to_pylist(), strict=True)
        ]
        return score(Truth.load(self.truth), rows)


def enter(
    stack: ExitStack, sources: list[str], photos: Path | None, console: Console, *, liked: bool
) -> Visit | None:
    """Start the world that a ``demo`` source asks for, until the stack unwinds; None where none does.

    ``liked``: paint the pictures it likes too, for a run without a taste of its own.
    """
    asked = [source for source in sources if _is_demo(source)]
    if not asked:
        if photos is not None:
            raise PreflightError("--photos goes with the source demo: goldpan mine demo --photos DIR …")
        return None
    if len(asked) > 1:
        raise PreflightError("one demo at a time: name it once among the sources")
    options = _options(asked[0]) | ({"photos": photos} if photos else {}) | ({} if liked else {"liked": 0})
    console.print(f"starting the demo world{', and painting the pictures it likes' if liked else ''}")
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="goldpan-demo-")))
    return _start(stack, options, folder / "truth.json")


def _is_demo(source: str) -> bool:
    return source.partition(",")[0] == NAME


def _options(source: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for part in source.split(",")[1:]:
        name, _, value = part.partition("=")
        if name not in _OPTIONS:
            raise PreflightError(f"{source}: no option {name!r}; demo takes {', '.join(_OPTIONS)}")
        try:
            found[name] = _OPTIONS[name](value)
        except ValueError as error:
            raise PreflightError(f"{source}: {name}={value} is not a number") from error
    return found


def _start(stack: ExitStack, options: dict[str, Any], truth: Path) -> Visit:
    command = [sys.executable, "-m", "flows.demo", "serve", "--truth", str(truth)]
    for name, value in options.items():
        command += [f"--{name}", str(value)]
    # It ends when its stdin closes: with the run, however that ends.
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
    assert server.stdin is not None and server.stdout is not None
    stack.callback(server.wait)
    stack.callback(server.stdin.close)
    line = server.stdout.readline()
    if not line:
        raise PreflightError("the demo world did not start; its message is above")
    told = orjson.loads(line)
    return Visit(told["source"], told["settings"], told["liked"], truth)


def _lines(found: Score) -> list[str]:
    lines = [
        f"against the world's truth: precision {found.precision:.3f}, recall {found.recall:.3f} "
        f"({found.accepted} accepted, {found.wanted} wanted)",
        f"rows: {len(found.missing)} missing, {len(found.twice)} twice, {len(found.unexpected)} unexpected",
    ]
    for what, keys in (("wrong", found.wrong), ("missed", found.missed), ("missing", found.missing)):
        if keys:
            lines.append(f"{what}: {', '.join(keys[:_SHOWN])}{' …' if len(keys) > _SHOWN else ''}")
    return lines
