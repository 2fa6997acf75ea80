"""``goldpan resolve [FILE]``: posts and URLs in, what would be fetched out, and why not.

Each line in is JSON: a URL as a string, or a submission as an object. Each line out is ``{"action", "urls",
"call", "fallback", "reason", "resolver"}``; ``detail`` and ``seconds`` where there are any. With ``--kind`` the
lines are answers (``imgur_api``, ``flickr_api``, ``response``, ``x_robots_tag``), and what they come to is told.
No request is made, unless ``--online`` asks for the answers to the calls.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer

from actors.crawler.fetch import Fetcher
from actors.crawler.resolvers.flickr import FlickrResolver
from actors.crawler.resolvers.imgur import ImgurResolver
from actors.crawler.resolvers.online import Resolvers
from actors.crawler.resolvers.plan import Action, Plan, fatal, skip
from actors.crawler.resolvers.policy import crosspost_parent
from actors.crawler.resolvers.response import read_response
from actors.crawler.resolvers.sites import plan_submission, plan_url
from actors.crawler.robots import opted_out
from actors.crawler.settings import Over18
from actors.crawler.sources.post import submission_of
from flows.exits import PreflightError, explained, run_script
from flows.settings import load_settings
from models.reasons import Reason
from models.records import Submission

Answer = dict[str, Any]
_AT_A_TIME = 64


class Kind(StrEnum):
    """What the lines hold."""

    QUESTION = "question"
    IMGUR_API = "imgur_api"
    FLICKR_API = "flickr_api"
    RESPONSE = "response"
    X_ROBOTS_TAG = "x_robots_tag"


@explained
def resolve(
    file: Annotated[Path | None, typer.Argument(help="NDJSON; standard input when left out or -.")] = None,
    over_18: Annotated[Over18, typer.Option("--over-18", help="Posts that are marked NSFW.")] = Over18.SKIP,
    kind: Annotated[Kind, typer.Option(help="What the lines hold: questions, or answers.")] = Kind.QUESTION,
    online: Annotated[
        bool, typer.Option("--online", help="Make the calls, with the keys of the settings.")
    ] = False,
) -> None:
    """Say for each post or URL of an NDJSON file what would be fetched, and why not."""
    with ExitStack() as stack:
        lines = (line for line in _open(file, stack) if line.strip())
        if online:
            asyncio.run(_resolve_online(lines, kind, over_18))
            return
        for line in lines:
            _write(_judged(line, kind, over_18))
    sys.stdout.flush()


async def _resolve_online(lines: Iterator[bytes], kind: Kind, over_18: Over18) -> None:
    crawl = load_settings({"sources": ("-",), "out": "-"}).crawl  # the rest of a run does not matter here
    async with Fetcher(crawl) as fetcher:
        resolvers = Resolvers(crawl, fetcher.api)
        while held := [_judged(line, kind, over_18) for line in islice(lines, _AT_A_TIME)]:
            plans = await asyncio.gather(*(resolvers.settle(one.plan) for one in held))
            for one, plan in zip(held, plans, strict=True):
                _write(replace(one, plan=plan))
    sys.stdout.flush()


def _open(file: Path | None, stack: ExitStack) -> BinaryIO:
    if file is None or str(file) == "-":
        return sys.stdin.buffer
    try:
        return stack.enter_context(file.open("rb"))
    except OSError as error:
        raise PreflightError(f"cannot read {file}: {error.strerror}; give a file of NDJSON lines") from error


@dataclass(frozen=True, slots=True)
class Judged:
    """A line's plan, or where it is no plan the answer itself (``told``)."""

    plan: Plan
    told: Answer


def _write(one: Judged) -> None:
    answer = one.told if "disallowed" in one.told else shown(one.plan) | one.told
    # The standard library, as JSON may hold lone surrogates, which orjson refuses on both ways.
    sys.stdout.write(f"{json.dumps(answer, separators=(',', ':'))}\n")


def _judged(line: bytes, kind: Kind, over_18: Over18) -> Judged:
    try:
        thing = json.loads(line)
    except (ValueError, RecursionError):
        return Judged(fatal(Reason.MALFORMED, "a line that is not JSON"), {})
    if kind is Kind.QUESTION:
        return _question(thing, over_18)
    if kind is Kind.X_ROBOTS_TAG:
        return _robots(thing)
    return Judged(_READERS[kind](thing), {})


_READERS: dict[Kind, Callable[[Any], Plan]] = {
    Kind.IMGUR_API: lambda body: ImgurResolver().read(None, body),
    Kind.FLICKR_API: lambda body: FlickrResolver().read(None, body),
    Kind.RESPONSE: read_response,
}


def _question(thing: Any, over_18: Over18) -> Judged:
    if isinstance(thing, str):
        return Judged(plan_url(thing), {})
    if not isinstance(thing, dict):
        return Judged(fatal(Reason.MALFORMED, "neither a URL nor a submission"), {})
    # Reddit's listings wrap a post as {"kind": "t3", "data": {…}}.
    post = thing["data"] if thing.get("kind") == "t3" and isinstance(thing.get("data"), dict) else thing
    item = submission_of(post, "resolve").item
    parent = crosspost_parent(post)
    plan = plan_submission(Submission(item, "resolve", post), over_18)
    return Judged(plan, {"dedupe_key": parent} if parent else {})


def _robots(thing: Any) -> Judged:
    headers = thing.get("headers") if isinstance(thing, dict) else None
    if not isinstance(headers, list):
        return Judged(fatal(Reason.MALFORMED, "no list of headers"), {})
    token = thing.get("user_agent_token")
    lines = (line for line in headers if isinstance(line, str))
    disallowed = opted_out(lines, token if isinstance(token, str) else None)
    return Judged(skip(Reason.OPTED_OUT), {"disallowed": disallowed})


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
    run_script(resolve)
