"""A local server that speaks as much of Reddit's API as a listing needs, and misbehaves when told to."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Trouble = tuple[int, dict[str, str]]


@dataclass
class World:
    """What the server serves: children by path and by fullname, and troubles that come first."""

    listings: dict[str, list[Any]] = field(default_factory=dict)
    by_id: dict[str, Any] = field(default_factory=dict)
    troubles: list[Trouble] = field(default_factory=list)
    statuses: dict[str, Trouble] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    between_pages: Callable[[World], None] | None = None
    grants: list[str] = field(default_factory=list)
    accepts: bool = True


def make_server(world: World) -> ThreadingHTTPServer:
    """Start serving on a free port; ``shutdown`` ends it."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode())
            world.grants += form["grant_type"]
            if not world.accepts:
                self._answer(401, {"message": "Unauthorized", "error": 401})
                return
            self._answer(200, {"access_token": "t", "token_type": "bearer", "expires_in": 3600, "scope": "*"})

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            world.asked.append((parts.path, query))
            if world.troubles:
                status, headers = world.troubles.pop(0)
                self._answer(status, {"message": "trouble", "error": status}, headers)
            elif parts.path in world.statuses:
                status, headers = world.statuses[parts.path]
                self._answer(status, {"message": "no", "error": status}, headers)
            else:
                self._answer(200, _listing(world, parts.path, query))

        def _answer(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
            raw = json.dumps(body).encode()
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    return server


def _listing(world: World, path: str, query: dict[str, str]) -> dict[str, Any]:
    if path == "/api/info/":
        found = [world.by_id[name] for name in query["id"].split(",") if name in world.by_id]
        return {"kind": "Listing", "data": {"after": None, "before": None, "children": found}}
    children = world.listings.get(path, [])
    start = 0
    if "after" in query:
        names = [
            (child.get("data") or {}).get("name") if isinstance(child, dict) else None for child in children
        ]
        # What is not in the listing ends it, as at Reddit.
        start = names.index(query["after"]) + 1 if query["after"] in names else len(children)
    page = children[start : start + int(query.get("limit", 25))]
    more = start + len(page) < len(children)
    after = page[-1]["data"]["name"] if more and page else None
    if world.between_pages is not None:
        world.between_pages(world)
    return {"kind": "Listing", "data": {"after": after, "before": None, "children": page}}


def post(number: int, **fields: Any) -> dict[str, Any]:
    """A child as Reddit lists it."""
    data = {
        "id": f"p{number}",
        "name": f"t3_p{number}",
        "subreddit": "EarthPorn",
        "author": "someone",
        "title": f"Title {number}",
        "permalink": f"/r/EarthPorn/comments/p{number}/title/",
        "created_utc": 1_700_000_000.0 + number,
        "over_18": False,
        "score": number,
        "url": f"https://i.redd.it/p{number}.jpg",
        "selftext_html": "x" * 50,
    }
    return {"kind": "t3", "data": data | fields}
