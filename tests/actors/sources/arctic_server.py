"""A local server that speaks Arctic Shift's search, as its documentation has it, and misbehaves when told to."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

# A status, headers, and a body: text as it is, anything else as JSON; seconds to wait before it.
Trouble = tuple[int, dict[str, str], Any, float]
SLOW_DOWN = {"data": None, "error": "Timeout. Maybe slow down a bit"}


def trouble(
    status: int, headers: dict[str, str] | None = None, body: Any = None, delay: float = 0.0
) -> Trouble:
    """Something else than posts."""
    return status, headers or {}, body, delay


@dataclass
class Archive:
    """What the server has; ``troubles`` come first, ``refuses`` says which limits are too much for it."""

    posts: list[Any] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)
    agents: set[str] = field(default_factory=set)
    refuses: Callable[[str], bool] = lambda limit: False
    capacity: int = 250  # posts that "auto" gives
    inclusive: bool = False  # whether "after" means from that second on
    heeds_after: bool = True
    shuffles: bool = False  # another order within a second each time


def make_server(archive: Archive) -> ThreadingHTTPServer:
    """Start serving on a free port; ``shutdown`` ends it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            archive.agents.add(self.headers["User-Agent"])
            if parts.path != "/api/posts/search":
                self._answer(404, {}, "<html>not here</html>")
                return
            archive.asked.append(query)
            if archive.troubles:
                status, headers, body, delay = archive.troubles.pop(0)
                time.sleep(delay)
                self._answer(status, headers, body)
            elif archive.refuses(query["limit"]):
                self._answer(422, {}, SLOW_DOWN)
            else:
                self._answer(*_search(archive, query))

        def _answer(self, status: int, headers: dict[str, str], body: Any) -> None:
            raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            self.send_response(status)
            for name, value in {**archive.headers, **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            with contextlib.suppress(BrokenPipeError):
                self.wfile.write(raw)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    return server


def _search(archive: Archive, query: dict[str, str]) -> tuple[int, dict[str, str], Any]:
    limit = query["limit"]
    if limit != "auto" and not 1 <= int(limit) <= 100:
        return 400, {}, {"data": None, "error": "limit must be between 1 and 100"}
    if query.get("sort") != "asc" or "fields" in query:
        return 400, {}, {"data": None, "error": "not as goldpan should ask"}
    most = archive.capacity if limit == "auto" else int(limit)
    after = int(query.get("after", -1)) - archive.inclusive if archive.heeds_after else -1
    before = int(query.get("before", 1 << 40))
    found = [one for one in archive.posts if _is_asked(one, query) and after < _time(one) < before]
    turn = len(archive.asked) if archive.shuffles else 0
    found.sort(key=lambda one: (_time(one), hash((turn, str(one))) if turn else 0))
    return 200, {}, {"data": found[:most]}


def _time(post: Any) -> float:
    return float(post.get("created_utc") or 0) if isinstance(post, dict) else 0


def _is_asked(post: Any, query: dict[str, str]) -> bool:
    if not isinstance(post, dict):
        return True
    return all(
        str(post[name]).lower() == query[name].lower() for name in ("subreddit", "author") if name in query
    )
