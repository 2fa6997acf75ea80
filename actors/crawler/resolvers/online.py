"""Carrying out plans: the calls that need an answer, and what the answers lead to."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

from actors.crawler.api import Api, ApiAnswer, Posts, UnansweredError
from actors.crawler.failures import ASK_AGAIN_SECONDS
from actors.crawler.resolvers.allowance import Allowance, Say
from actors.crawler.resolvers.ask_posts import PostsDesk
from actors.crawler.resolvers.direct import HEAD, read_type
from actors.crawler.resolvers.flickr import next_page
from actors.crawler.resolvers.options import chosen
from actors.crawler.resolvers.plan import (
    Action,
    Call,
    Part,
    Plan,
    download,
    later,
    skip,
    together,
)
from actors.crawler.resolvers.posts import plan_post
from actors.crawler.resolvers.reddit import INFO
from actors.crawler.resolvers.site import ApiSite
from actors.crawler.resolvers.sites import api_site, plan_submission, plan_url
from actors.crawler.settings import CrawlSettings
from models.reasons import Reason
from models.records import Candidate, Outcome, Submission

_MAX_STEPS = 6  # a share link → a post → the post it links to → its gallery → its album
_PAUSE_SECONDS = 120.0  # of an API that is in trouble, and does not say for how long
_MAX_PAGES = 20  # 10,000 photos of one flickr album
_WANTS_A_PAUSE = frozenset({Reason.RATE_LIMITED, Reason.SERVER_ERROR})
_MAY_PASS = _WANTS_A_PAUSE | {Reason.TIMEOUT, Reason.CONNECTION, Reason.DNS}
_log = logging.getLogger(__name__)


class Resolvers:
    """Turns submissions into candidates, asking APIs where a key allows it.

    A key that its host refuses is not used again; ``say`` tells the user once (the log does where it is not
    given), and what resolves without a key still does. ``posts`` asks Reddit; without it links to posts are
    ``needs_credentials``.
    """

    def __init__(
        self, settings: CrawlSettings, api: Api, posts: Posts | None = None, say: Say | None = None
    ) -> None:
        self._settings = settings
        self._api = api
        self._posts = PostsDesk(posts) if posts is not None else None
        self._allowance = Allowance(say or _log.warning)

    async def resolve(self, submission: Submission) -> list[Candidate]:
        """Give the submission's candidates, at least one; what cannot be had has its outcome.

        An outcome with ``retry_after`` is not final: the submission, asked for anew, may resolve later.
        """
        plan = await self.settle(plan_submission(submission, self._settings.over_18))
        return self._without_locked(plan).candidates(submission.item)

    async def settle(self, plan: Plan) -> Plan:
        """Make the calls of a plan, until what it comes to needs none."""
        return await self._settle(plan, texts=True)

    async def _settle(self, plan: Plan, *, texts: bool) -> Plan:
        """Only the text that was asked about is followed (``texts``), not those behind its links."""
        asked: set[str] = set()
        for left in range(_MAX_STEPS, -1, -1):
            plan = chosen(plan, self._settings) if texts or not plan.links else plan
            if plan.call is None or plan.action not in (Action.API, Action.REDIRECT):
                return plan
            if left == 0:
                break
            if plan.links:
                links = await asyncio.gather(*(self._settle(link, texts=False) for link in plan.links))
                return replace(together(links), resolver=plan.resolver)
            plan = await self._carry_out(plan, plan.call, asked)
        return _without_answer(plan)

    async def _carry_out(self, plan: Plan, call: Call, asked: set[str]) -> Plan:
        if plan.action is Action.REDIRECT:
            return await self._follow(plan, call)
        if call.method == INFO:
            return await self._ask_reddit(plan, call, asked)
        if call.method == HEAD:
            return await self._ask_type(plan, call)
        site = api_site(plan.resolver)
        if site is None or self._allowance.refused(plan.resolver) or plan.reason is Reason.VIDEO:
            return _without_answer(plan)
        answered = await self._ask(site, call)
        if answered is None or answered.action is Action.FATAL:
            return _without_answer(plan)
        return _with_spare(answered, plan)

    async def _follow(self, plan: Plan, call: Call) -> Plan:
        answer = await self._api("GET", call.id)
        if answer.location is None:
            return _troubled(answer.outcome) if answer.outcome else _without_answer(plan)
        return plan_url(answer.location)

    async def _ask_type(self, plan: Plan, call: Call) -> Plan:
        answer = await self._api(HEAD, call.id)
        if answer.location is not None:
            return plan_url(answer.location)
        read = _troubled(answer.outcome) if answer.outcome else read_type(call.id, answer.headers)
        return replace(read, resolver=plan.resolver)

    async def _ask_reddit(self, plan: Plan, call: Call, asked: set[str]) -> Plan:
        """Plan for the post that is linked to, by the same rules as if it had been listed."""
        if self._posts is None:
            return _without_answer(plan)
        if call.id in asked:
            return replace(skip(Reason.EMPTY_ALBUM, "posts that lead to each other"), resolver=plan.resolver)
        asked.add(call.id)
        try:
            post = await self._posts.ask(call.id)
        except UnansweredError as error:
            self._allowance.tell(str(error))
            found = later(Reason.API_ERROR, "Reddit does not answer", ASK_AGAIN_SECONDS)
        else:
            found = (
                plan_post(post, self._settings.over_18, plan_url)
                if post is not None
                else skip(Reason.NOT_FOUND, "Reddit knows no such post")
            )
        return found if found.resolver else replace(found, resolver=plan.resolver)

    async def _ask(self, site: ApiSite, call: Call) -> Plan | None:
        """Ask about all pages of a call; None without a key."""
        parts: list[Part] = []
        page: Call | None = call
        while page is not None:
            request = site.request(page, self._settings)
            if request is None:
                return None
            if (seconds := self._allowance.pause(site.name)) > 0:
                plan = later(Reason.RATE_LIMITED, "its API wants a pause", seconds)
                return replace(plan, resolver=site.name)
            answer = await self._api("GET", request.url, headers=request.headers, params=request.params)
            plan = self._read(site, page, answer)
            if (page.page == 1 and not plan.parts) or plan.action is Action.RETRY_LATER:
                return plan  # what failed on a later page is asked for again as a whole
            missing = replace(plan.no_part, media=f"page-{page.page}")
            parts += plan.parts or (missing,)
            page = next_page(page, answer.body) if page.page < _MAX_PAGES else None
        return replace(download(*parts), resolver=site.name)

    def _read(self, site: ApiSite, call: Call, answer: ApiAnswer) -> Plan:
        """Read an answer, and note what it says about asking further."""
        plan = site.read(call, answer.body)
        if answer.outcome is not None and plan.action is Action.SKIP and plan.reason is Reason.API_ERROR:
            plan = _troubled(answer.outcome)
        if plan.action is Action.FATAL:
            self._allowance.refuse(site.name)
        wants_a_pause = plan.reason in _WANTS_A_PAUSE
        pause = (plan.seconds or _PAUSE_SECONDS) if wants_a_pause else site.pause(answer.headers)
        if pause is not None:
            self._allowance.hold(site.name, pause)
        return replace(plan, resolver=site.name)

    def _without_locked(self, plan: Plan) -> Plan:
        """Say of what is too small only because its owner keeps the larger one back that it is locked."""
        shape = self._settings.shape
        return replace(
            plan,
            parts=tuple(
                replace(part, urls=(), reason=Reason.LOCKED_ORIGINAL)
                if part.locked and shape.reason(part.width or 0, part.height or 0) is Reason.TOO_SMALL
                else part
                for part in plan.parts
            ),
        )


def _troubled(outcome: Outcome) -> Plan:
    """What an answer that is of no use comes to: asked for again where it may pass."""
    if outcome.reason not in _MAY_PASS:
        return skip(outcome.reason, outcome.detail)
    return later(outcome.reason, outcome.detail, outcome.retry_after or ASK_AGAIN_SECONDS)


def _without_answer(plan: Plan) -> Plan:
    """What a plan comes to when its call is not made, or not answered."""
    if plan.parts:
        return Plan(Action.DOWNLOAD, plan.parts, resolver=plan.resolver)
    return replace(skip(plan.reason or Reason.NEEDS_CREDENTIALS, plan.detail), resolver=plan.resolver)


def _with_spare(answered: Plan, asked: Plan) -> Plan:
    """Use the answer; what the question itself knew is a fallback for one image, or stands in for trouble."""
    spare = asked.parts[0].urls if len(asked.parts) == 1 else ()
    trouble = answered.action is Action.RETRY_LATER or answered.reason in (Reason.API_ERROR, Reason.NOT_FOUND)
    if not spare:
        return answered
    if trouble:
        # An API may not know a file that is there (https://github.com/mikf/gallery-dl/issues/280).
        return _without_answer(asked)
    for url in spare:
        answered = answered.with_last_resort(url)
    return answered
