"""A Reddit whose posts come, are deleted, held back and burst as a script says, on a clock that its readers move.

Nothing here sleeps: a request takes simulated time, and who wants to wait tells the clock. So ten minutes of Reddit
take seconds, and the same script goes the same way for every reader.
"""

from __future__ import annotations

import json
import math
import random
import threading
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

FIRST_NUMBER = int("1pqrs00", 36)
BEGINNING = 1_800_000_000.0
LISTED = 1000
PAGE = 100
LATENCY = 0.2
SEEN_LONG = 30.0
WINDOW, ALLOWED = 600, 1000
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Post:
    """A post, and from when until when it is to be seen (simulated seconds)."""

    number: int
    subreddit: str
    created: float
    seen_from: float
    gone_at: float = math.inf

    @property
    def name(self) -> str:
        return f"t3_{base36(self.number)}"

    def is_seen(self, now: float) -> bool:
        return self.seen_from <= now < self.gone_at


@dataclass(frozen=True)
class Burst:
    """So many posts of r/pics at once; what was posted in the seconds before is deleted in the same moment."""

    at: float
    posts: int
    deleted_before: float = 0.0
    skipped_ids: int = 0


@dataclass(frozen=True)
class Storm:
    """A while in which Reddit answers every request with one status."""

    begin: float
    end: float
    status: int
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Script:
    """What happens. ``late``, ``absent`` and ``deleted`` are shares of posts."""

    seconds: float = 600.0
    per_second: float = 17.0
    pics: float = 0.02
    late: float = 0.03
    latest: float = 25.0
    absent: float = 0.03
    deleted: float = 0.02
    bursts: tuple[Burst, ...] = ()
    storms: tuple[Storm, ...] = ()
    limits: bool = True
    seed: int = 1


class SimulatedReddit:
    """The posts of a script and the clock; ``asked`` counts the requests that were answered."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.posts = sorted(_posts_of(script), key=lambda post: post.created)
        self._created = [post.created for post in self.posts]
        self._by_name = {post.name: post for post in self.posts}
        self._now = 0.0
        self._lock = threading.Lock()
        self.asked = 0
        self._in_window: tuple[int, int] = (0, 0)

    def now(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self._now += max(seconds, 0.0)

    def truth(self, subreddit: str = "all") -> set[str]:
        """Every post that could be seen for half a minute."""
        return {post.name for post in self._of(subreddit) if post.gone_at - post.seen_from >= SEEN_LONG}

    def listed(self, subreddit: str = "all") -> set[str]:
        """Every post that stood in a listing for half a minute: not those that a burst pushed out at once."""
        posts = self._of(subreddit)
        pushed_out = [post.created for post in posts[LISTED:]] + [math.inf] * LISTED
        return {
            post.name
            for post, out in zip(posts, pushed_out, strict=False)
            if min(post.gone_at, out) - post.seen_from >= SEEN_LONG
        }

    def _of(self, subreddit: str) -> list[Post]:
        return [post for post in self.posts if subreddit in ("all", post.subreddit)]

    def answer(self, path: str, query: dict[str, str]) -> tuple[int, dict[str, str], Any]:
        """Answer a request, which takes a while."""
        self.sleep(LATENCY)
        now, self.asked = self._now, self.asked + 1
        for storm in self.script.storms:
            if storm.begin <= now < storm.end:
                return storm.status, dict(storm.headers), {"message": "storm", "error": storm.status}
        if path.startswith("/api/info"):
            named = (self._by_name.get(name) for name in query.get("id", "").split(",")[:PAGE])
            return 200, self._limits(), listing([post for post in named if post and post.is_seen(now)])
        _, _, subreddit, sort = path.rstrip("/").split("/")
        if sort != "new":
            return 200, self._limits(), listing([])
        return 200, self._limits(), self._page(list(self._listed(subreddit, now)), query)

    def _listed(self, subreddit: str, now: float) -> Iterator[Post]:
        found = 0
        for place in range(bisect_right(self._created, now) - 1, -1, -1):
            post = self.posts[place]
            if post.is_seen(now) and subreddit in ("all", post.subreddit):
                yield post
                found += 1
                if found == LISTED:
                    return

    def _page(self, posts: list[Post], query: dict[str, str]) -> Any:
        size = min(int(query.get("limit", 25)), PAGE)
        names = [post.name for post in posts]
        after, before = query.get("after"), query.get("before")
        if anchor := after or before:
            if anchor not in names:
                return listing([])
            place = names.index(anchor)
            posts = posts[place + 1 :] if after else posts[max(0, place - size) : place]
        page = posts[:size]
        return listing(page, page[-1].name if len(posts) > size else None)

    def _limits(self) -> dict[str, str]:
        if not self.script.limits:
            return {}
        window = int(self._now // WINDOW)
        self._in_window = (window, self._in_window[1] + 1 if self._in_window[0] == window else 1)
        used = self._in_window[1]
        return {
            "x-ratelimit-used": str(used),
            "x-ratelimit-remaining": f"{max(ALLOWED - used, 0)}.0",
            "x-ratelimit-reset": str(max(1, int(WINDOW - self._now % WINDOW))),
        }


def _posts_of(script: Script) -> Iterator[Post]:
    rng = random.Random(script.seed)
    number, now = FIRST_NUMBER, 0.0
    bursts = sorted(script.bursts, key=lambda burst: burst.at)
    posts: list[Post] = []
    while now < script.seconds:
        now += rng.expovariate(script.per_second)
        if bursts and bursts[0].at <= now:
            burst = bursts.pop(0)
            posts = [
                replace(post, gone_at=burst.at)
                if burst.at - burst.deleted_before <= post.created < burst.at
                else post
                for post in posts
            ]
            number += burst.skipped_ids
            for _ in range(burst.posts):
                number += 1
                posts.append(Post(number, "pics", burst.at, burst.at))
            number += burst.skipped_ids
        number += 1
        if rng.random() < script.absent:
            continue  # private, or taken down before anybody saw it
        subreddit = "pics" if rng.random() < script.pics else "other"
        seen_from = now + (rng.uniform(1, script.latest) if rng.random() < script.late else 0)
        gone_at = seen_from + rng.uniform(60, 300) if rng.random() < script.deleted else math.inf
        posts.append(Post(number, subreddit, now, seen_from, gone_at))
    yield from posts


def listing(posts: list[Post], after: str | None = None) -> Any:
    """A listing as Reddit sends it."""
    children = [{"kind": "t3", "data": as_json(post)} for post in posts]
    return {"kind": "Listing", "data": {"after": after, "before": None, "children": children}}


def as_json(post: Post) -> dict[str, Any]:
    """A post as Reddit sends it, without what nobody reads here."""
    return {
        "id": base36(post.number),
        "name": post.name,
        "subreddit": post.subreddit,
        "author": "someone",
        "title": f"Post {post.number}",
        "permalink": f"/r/{post.subreddit}/comments/{base36(post.number)}/",
        "created_utc": BEGINNING + post.created,
        "over_18": False,
        "url": f"https://i.redd.it/{base36(post.number)}.jpg",
    }


def base36(number: int) -> str:
    """An id; written here once more, so that goldpan's own is not its own judge."""
    text = ""
    while number:
        number, digit = divmod(number, 36)
        text = DIGITS[digit] + text
    return text


@contextmanager
def running(script: Script) -> Iterator[tuple[SimulatedReddit, str]]:
    """Serve a script, and give its Reddit and the URL."""
    reddit = SimulatedReddit(script)
    server = serve(reddit)
    yield reddit, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def serve(reddit: SimulatedReddit) -> ThreadingHTTPServer:
    """Serve it on a free port: PRAW's requests, and ``/clock`` for readers in another process."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 1 << 16
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.path == "/clock":
                reddit.sleep(float(body))
                self._send(200, {}, reddit.now())
            else:
                token = {"access_token": "t", "token_type": "bearer", "expires_in": 86400, "scope": "*"}
                self._send(200, {}, token)

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            self._send(
                *((200, {}, reddit.now()) if parts.path == "/clock" else reddit.answer(parts.path, query))
            )

        def _send(self, status: int, headers: dict[str, str], body: Any) -> None:
            raw = json.dumps(body).encode()
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    return server
