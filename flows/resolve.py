"""``goldpan resolve [FILE]``: posts and URLs in, what would be fetched out, and why not; no request is made.

Each line in is JSON: a URL as a string, or a submission as an object. Each line out is ``{"action", "urls",
"call", "fallback", "reason", "resolver"}``; ``detail`` and ``seconds`` where there are any. With ``--kind`` the
lines are answers (``imgur_api``, ``flickr_api``, ``response``, ``x_robots_tag``), and what they come to is told.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer

from actors.crawler.resolvers.flickr import FlickrResolver
from actors.crawler.resolvers.imgur import ImgurResolver
from actors.crawler.resolvers.plan import Action, Plan, fatal
from actors.crawler.resolvers.policy import crosspost_parent
from actors.crawler.resolvers.response import read_response
from actors.crawler.resolvers.sites import plan_submission, plan_url
from actors.crawler.robots import opted_out
from actors.crawler.settings import Over18
from actors.crawler.sources.post import submission_of
from models.reasons import Reason
from models.records import Submission

Answer = dict[str, Any]


class Kind(StrEnum):
    """What the lines hold."""

    QUESTION = "question"
    IMGUR_API = "imgur_api"
    FLICKR_API = "flickr_api"
    RESPONSE = "response"
    X_ROBOTS_TAG = "x_robots_tag"


def resolve(
    file: Annotated[Path | None, typer.Argument(help="NDJSON; standard input when left out or -.")] = None,
    over_18: Annotated[Over18, typer.Option("--over-18", help="Posts that are marked NSFW.")] = Over18.SKIP,
    kind: Annotated[Kind, typer.Option(help="What the lines hold: questions, or answers.")] = Kind.QUESTION,
) -> None:
    """Say for each post or URL of an NDJSON file what would be fetched, and why not; makes no request."""
    with ExitStack() as stack:
        lines = _open(file, stack)
        for line in lines:
            if line.strip():
                sys.stdout.buffer.write(_line(_answer(line, kind, over_18)))
    sys.stdout.flush()


def _open(file: Path | None, stack: ExitStack) -> BinaryIO:
    if file is None or str(file) == "-":
        return sys.stdin.buffer
    try:
        return stack.enter_context(file.open("rb"))
    except OSError as error:
        print(f"goldpan: cannot read {file}: {error.strerror}; give a file of NDJSON lines", file=sys.stderr)
        raise typer.Exit(2) from error


def _line(answer: Answer) -> bytes:
    # The standard library, as JSON may hold lone surrogates, which orjson refuses on both ways.
    return f"{json.dumps(answer, separators=(',', ':'))}\n".encode()


def _answer(line: bytes, kind: Kind, over_18: Over18) -> Answer:
    try:
        thing = json.loads(line)
    except (ValueError, RecursionError):
        return shown(fatal(Reason.MALFORMED, "a line that is not JSON"))
    if kind is Kind.QUESTION:
        return _question(thing, over_18)
    if kind is Kind.X_ROBOTS_TAG:
        return _robots(thing)
    return shown(_READERS[kind](thing))


_READERS: dict[Kind, Callable[[Any], Plan]] = {
    Kind.IMGUR_API: lambda body: ImgurResolver().read(None, body),
    Kind.FLICKR_API: lambda body: FlickrResolver().read(None, body),
    Kind.RESPONSE: read_response,
}


def _question(thing: Any, over_18: Over18) -> Answer:
    if isinstance(thing, str):
        return shown(plan_url(thing))
    if not isinstance(thing, dict):
        return shown(fatal(Reason.MALFORMED, "neither a URL nor a submission"))
    # Reddit's listings wrap a post as {"kind": "t3", "data": {…}}.
    post = thing["data"] if thing.get("kind") == "t3" and isinstance(thing.get("data"), dict) else thing
    item = submission_of(post, "resolve").item
    plan = plan_submission(Submission(item, "resolve", post), over_18)
    parent = crosspost_parent(post)
    return shown(plan) | ({"dedupe_key": parent} if parent else {})


def _robots(thing: Any) -> Answer:
    headers = thing.get("headers") if isinstance(thing, dict) else None
    if not isinstance(headers, list):
        return shown(fatal(Reason.MALFORMED, "no list of headers"))
    token = thing.get("user_agent_token")
    lines: Iterator[str] = (line for line in headers if isinstance(line, str))
    return {"disallowed": opted_out(lines, token if isinstance(token, str) else None)}


def shown(plan: Plan) -> Answer:
    """Give a plan as JSON has it; what does not apply is null or empty."""
    reason = plan.reason if plan.action not in (Action.DOWNLOAD, Action.API, Action.REDIRECT) else None
    answer: Answer = {
        "action": plan.action,
        "urls": plan.urls,
        "call": plan.call.text if plan.call else None,
        "fallback": plan.fallback,
        "reason": reason,
        "resolver": plan.resolver or None,
    }
    extra = {"detail": plan.detail or None, "seconds": plan.seconds, "left_out": _without_url(plan)}
    return answer | {name: value for name, value in extra.items() if value}


def _without_url(plan: Plan) -> dict[str, str]:
    """The images of a gallery or album that are left out, by media id, and why."""
    return {part.media: part.reason for part in plan.parts if part.reason}


if __name__ == "__main__":
    typer.run(resolve)
