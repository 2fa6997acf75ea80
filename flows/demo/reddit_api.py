"""Reddit's API as far as PRAW 8 needs it to list submissions (https://www.reddit.com/dev/api)."""

from __future__ import annotations

import base64
import binascii
import html
import random
import secrets
import time
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from flows.demo.desk import Json
from flows.demo.posts import processed, unprocessed

PAGE = 100
DEFAULT_PAGE = 25
LISTED_AT_MOST = 1000
WINDOW = 600
ALLOWED = 1000
TOKEN_LIFE = 86400
GRANTS = {"client_credentials", "password", "https://oauth.reddit.com/grants/installed_client"}
SORTS = ("hot", "new", "top", "rising", "controversial", "best")


class RedditApi:
    """Answers for the token, the listings and ``/api/info`` of a world's posts, newest first.

    A gallery that is new when it is listed is processed by the time that ``/api/info`` is asked.
    """

    def __init__(self, posts: Sequence[Json], client_id: str, client_secret: str) -> None:
        self._posts = [unprocessed(post) for post in posts]
        self._by_name = {post["name"]: processed(post) for post in posts}
        self._subreddits = {str(post["subreddit"]).lower() for post in posts}
        self._credentials = (client_id, client_secret)
        self._tokens: set[str] = set()
        self._used = 0
        self._opened = time.monotonic()

    async def answer(self, request: web.Request) -> web.Response:
        """Answer one request."""
        path = request.path.strip("/").removesuffix(".json")
        if path == "api/v1/access_token":
            return await self._token(request)
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or token not in self._tokens:
            challenge = {"www-authenticate": 'Bearer realm="reddit", error="invalid_token"'}
            return web.json_response({"message": "Unauthorized", "error": 401}, status=401, headers=challenge)
        self._used += 1
        document = self._document(path, request)
        status = 200
        if document is None:
            document, status = {"message": "Not Found", "error": 404}, 404
        if request.query.get("raw_json") != "1":
            document = escaped(document)
        return web.json_response(document, status=status, headers=self._limits())

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        if request.method != "POST" or not self._known(request.headers.get("Authorization", "")):
            return web.json_response({"message": "Unauthorized", "error": 401}, status=401)
        if form.get("grant_type") not in GRANTS:
            return web.json_response({"error": "unsupported_grant_type"})
        token = secrets.token_urlsafe(24)
        self._tokens.add(token)
        life = {"token_type": "bearer", "expires_in": TOKEN_LIFE, "scope": "*"}
        return web.json_response({"access_token": token} | life)

    def _known(self, authorization: str) -> bool:
        scheme, _, encoded = authorization.partition(" ")
        try:
            client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return False
        return scheme.lower() == "basic" and (client_id, secret) == self._credentials

    def _limits(self) -> dict[str, str]:
        # As a client that comes in the middle of a window finds it; PRAW paces itself by these three.
        elapsed = (time.monotonic() - self._opened + WINDOW / 2) % WINDOW
        used = self._used % (ALLOWED // 2)
        return {
            "x-ratelimit-used": str(used),
            "x-ratelimit-remaining": f"{ALLOWED - used}.0",
            "x-ratelimit-reset": str(max(1, int(WINDOW - elapsed))),
        }

    def _document(self, path: str, request: web.Request) -> Json | None:
        if path == "api/info":
            names = request.query.get("id", "").split(",")[:PAGE]
            return _listing([self._by_name[name] for name in names if name in self._by_name])
        parts = path.split("/")
        wanted = {"all"}
        if parts[0] == "r" and len(parts) > 1:
            wanted, parts = set(parts[1].lower().split("+")), parts[2:]
        sort = "/".join(parts) or "hot"
        if sort not in SORTS or not wanted & (self._subreddits | {"all", "popular"}):
            return None
        everything = bool(wanted & {"all", "popular"})
        chosen = [post for post in self._posts if everything or post["subreddit"].lower() in wanted]
        return _page(_sorted(chosen, sort)[:LISTED_AT_MOST], request)


def _sorted(posts: list[Json], sort: str) -> list[Json]:
    if sort == "new":
        return posts
    if sort == "rising":
        return sorted(posts[:DEFAULT_PAGE], key=lambda post: -int(post["num_comments"]))
    if sort in ("top", "best"):
        return sorted(posts, key=lambda post: -int(post["score"]))
    return sorted(
        posts, key=lambda post: random.Random(f"{sort} {post['name']}").random() / (1 + post["score"])
    )


def _page(posts: list[Json], request: web.Request) -> Json:
    """One page of a listing, from the post after (or up to the one before) a fullname."""
    limit = request.query.get("limit", "")
    size = min(max(int(limit), 1), PAGE) if limit.isdigit() else DEFAULT_PAGE
    names = [post["name"] for post in posts]
    after, before = request.query.get("after"), request.query.get("before")
    if after or before:
        # A fullname that is not in the listing ends it, as Reddit does.
        anchor = names.index(after or before) if (after or before) in names else None
        if anchor is None:
            return _listing([])
        posts = posts[anchor + 1 :] if after else posts[max(0, anchor - size) : anchor]
    page = posts[:size]
    return _listing(page, page[-1]["name"] if len(posts) > size else None)


def _listing(posts: Sequence[Json], after: str | None = None) -> Json:
    children = [{"kind": "t3", "data": post} for post in posts]
    return {
        "kind": "Listing",
        "data": {"after": after, "before": None, "dist": len(children), "children": children},
    }


def escaped(value: Any) -> Any:
    """The same document with &, < and > escaped in every text, as Reddit sends it without ``raw_json=1``."""
    if isinstance(value, str):
        return html.escape(value, quote=False)
    if isinstance(value, dict):
        return {key: escaped(item) for key, item in value.items()}
    if isinstance(value, list):
        return [escaped(item) for item in value]
    return value
