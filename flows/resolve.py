"""``goldpan resolve [FILE]``: posts and URLs in, what would be fetched out, and why not.

Each line in is JSON: a URL as a string, or a submission as an object. Each line out is ``{"action", "urls",
"call", "fallback", "reason", "resolver"}``; ``detail`` and ``seconds`` where there are any. With ``--kind`` the
lines are answers (``imgur_api``, ``flickr_api``, ``response``, ``x_robots_tag``), and what they come to is told.
No request is made, unless ``--online`` asks for the answers to the calls. Each line is written as soon as it and
those before it are known, so what follows a pipe follows at once.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer

from actors.crawler.fetch import Fetcher
from actors.crawler.resolvers.flickr import FlickrResolver
from actors.crawler.resolvers.imgur import ImgurResolver
from actors.crawler.resolvers.online import Resolvers
from actors.crawler.resolvers.options import chosen
from actors.crawler.resolvers.plan import Action, Plan, fatal, skip
from actors.crawler.resolvers.policy import crosspost_parent
from actors.crawler.resolvers.response import read_response
from actors.crawler.resolvers.sites import plan_submission, plan_url
from actors.crawler.robots import opted_out
from actors.crawler.settings import CrawlSettings, Over18
from actors.crawler.sources import SourceError
from actors.crawler.sources.ask import RedditPosts
from actors.crawler.sources.post import submission_of
from flows.exits import PreflightError, explained, run_script
from flows.in_order import in_order
from flows.settings import load_settings
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


@explained
def resolve(
    file: Annotated[Path | None, typer.Argument(help="NDJSON; standard input when left out or -.")] = None,
    over_18: Annotated[Over18 | None, typer.Option("--over-18", help="Posts that are marked NSFW.")] = None,
    kind: Annotated[Kind, typer.Option(help="What the lines hold: questions, or answers.")] = Kind.QUESTION,
    online: Annotated[
        bool, typer.Option("--online", help="Make the calls, with the keys of the settings.")
    ] = False,
    config: Annotated[Path | None, typer.Option("--config", help="A YAML file of settings.")] = None,
) -> None:
    """Say for each post or URL of an NDJSON file what would be fetched, and why not."""
    crawl = _settings(over_18, config)
    with ExitStack() as stack:
        lines = _open(file, stack)
        if online:
            asyncio.run(_resolve_online(lines, kind, crawl))
            return
        for line in lines:
            if line.strip():
                _write(_judged(line, kind, crawl))


def _settings(over_18: Over18 | None, config: Path | None) -> CrawlSettings:
    # The rest of a run does not matter here, but has to be given.
    flags: dict[str, Any] = {"sources": ("-",), "out": "-"}
    return load_settings(flags | ({"crawl": {"over_18": over_18}} if over_18 else {}), config).crawl


async def _resolve_online(lines: BinaryIO, kind: Kind, crawl: CrawlSettings) -> None:
    async with Fetcher(crawl) as fetcher:
        resolvers = Resolvers(crawl, fetcher.api, _posts(crawl), _say)

        async def settled(line: bytes) -> Judged:
            judged = _judged(line, kind, crawl)
            return replace(judged, plan=await resolvers.settle(judged.plan))

        answers: AsyncIterator[Judged] = in_order(lines, settled)
        async for judged in answers:
            _write(judged)


def _posts(crawl: CrawlSettings) -> RedditPosts | None:
    """Reddit, where there are credentials for it."""
    try:
        return RedditPosts(crawl)
    except SourceError as error:
        _say(f"posts behind links are not asked about: {error}")
        return None


def _say(message: str) -> None:
    print(f"goldpan: {message}", file=sys.stderr)


def _open(file: Path | None, stack: ExitStack) -> BinaryIO:
    if file is None or str(file) == "-":
        return _standard_input()
    try:
        return stack.enter_context(file.open("rb"))
    except OSError as error:
        raise PreflightError(f"cannot read {file}: {error.strerror}; give a file of NDJSON lines") from error


def _standard_input() -> BinaryIO:
    """Standard input under another number, never closed: to close what a thread waits for would be to wait too."""
    try:
        return os.fdopen(os.dup(sys.stdin.fileno()), "rb")
    except OSError:  # without a number, as in a test
        return sys.stdin.buffer


@dataclass(frozen=True, slots=True)
class Judged:
    """A line's plan, or where it is no plan the answer itself (``told``)."""

    plan: Plan
    told: Answer


def _write(one: Judged) -> None:
    answer = one.told if "disallowed" in one.told else shown(one.plan) | one.told
    # The standard library, as JSON may hold lone surrogates, which orjson refuses on both ways.
    sys.stdout.write(f"{json.dumps(answer, separators=(',', ':'))}\n")
    sys.stdout.flush()


def _judged(line: bytes, kind: Kind, crawl: CrawlSettings) -> Judged:
    try:
        thing = json.loads(line)
    except (ValueError, RecursionError):
        return Judged(fatal(Reason.MALFORMED, "a line that is not JSON: a URL stands in double quotes"), {})
    if kind is Kind.QUESTION:
        return _question(thing, crawl)
    if kind is Kind.X_ROBOTS_TAG:
        return _robots(thing)
    return Judged(_READERS[kind](thing, crawl), {})


_READERS: dict[Kind, Callable[[Any, CrawlSettings], Plan]] = {
    Kind.IMGUR_API: lambda body, _: replace(ImgurResolver().read(None, body), resolver="imgur"),
    Kind.FLICKR_API: lambda body, _: replace(FlickrResolver().read(None, body), resolver="flickr"),
    Kind.RESPONSE: read_response,
}


def _question(thing: Any, crawl: CrawlSettings) -> Judged:
    if isinstance(thing, str):
        return Judged(chosen(plan_url(thing), crawl), {})
    if not isinstance(thing, dict):
        return Judged(fatal(Reason.MALFORMED, "neither a URL nor a submission"), {})
    # Reddit's listings wrap a post as {"kind": "t3", "data": {…}}.
    post = thing["data"] if thing.get("kind") == "t3" and isinstance(thing.get("data"), dict) else thing
    item = submission_of(post, "resolve").item
    parent = crosspost_parent(post)
    plan = chosen(plan_submission(Submission(item, "resolve", post), crawl.over_18), crawl)
    return Judged(plan, {"dedupe_key": parent} if parent else {})


def _robots(thing: Any) -> Judged:
    headers = thing.get("headers") if isinstance(thing, dict) else None
    headers = [headers] if isinstance(headers, str) else headers
    if not isinstance(headers, list):
        return Judged(fatal(Reason.MALFORMED, "no list of headers"), {})
    token = thing.get("user_agent_token")
    lines = (line for line in headers if isinstance(line, str))
    disallowed = opted_out(lines, token if isinstance(token, str) else None)
    return Judged(skip(Reason.OPTED_OUT), {"disallowed": disallowed})


def shown(plan: Plan) -> Answer:
    """Give a plan as JSON has it; what does not apply is null or empty."""
    reason = plan.reason if plan.action not in (Action.DOWNLOAD, Action.API, Action.REDIRECT) else None
    call = plan.call if plan.action in (Action.API, Action.REDIRECT, Action.RETRY_LATER) else None
    answer: Answer = {
        "action": plan.action,
        "urls": plan.urls,
        "call": call.text if call else None,
        "fallback": plan.fallback,
        "reason": reason,
        "resolver": plan.resolver or None,
    }
    extra = {
        "detail": plan.detail or None,
        "seconds": plan.seconds,
        "left_out": _without_url(plan),
        "locked": [part.media for part in plan.parts if part.locked],
    }
    return answer | {name: value for name, value in extra.items() if value}


def _without_url(plan: Plan) -> dict[str, str]:
    """The images of a gallery or album that are left out, by media id, and why."""
    return {part.media: part.reason for part in plan.parts if part.reason}


if __name__ == "__main__":
    run_script(resolve)
