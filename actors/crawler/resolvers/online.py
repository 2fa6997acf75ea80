"""Carrying out plans: the calls that need an answer, and what the answers lead to."""

from __future__ import annotations

import logging
from dataclasses import replace

from actors.crawler.api import Api, ApiAnswer
from actors.crawler.resolvers.flickr import next_page
from actors.crawler.resolvers.plan import Action, Call, Part, Plan, skip
from actors.crawler.resolvers.site import ApiSite
from actors.crawler.resolvers.sites import api_site, plan_submission, plan_url
from actors.crawler.settings import CrawlSettings
from models.reasons import Reason
from models.records import Candidate, Submission

_MAX_STEPS = 4  # a share link → a gallery post → its album
_MAX_PAGES = 20  # 10,000 photos of one flickr album
_log = logging.getLogger(__name__)


class Resolvers:
    """Turns submissions into candidates, asking APIs where a key allows it.

    A key that its host refuses is not used again; it is said once, and what resolves without a key still does.
    """

    def __init__(self, settings: CrawlSettings, api: Api) -> None:
        self._settings = settings
        self._api = api
        self._refused: set[str] = set()

    async def resolve(self, submission: Submission) -> list[Candidate]:
        """Give the submission's candidates, at least one; what cannot be had has its outcome."""
        plan = await self.settle(plan_submission(submission, self._settings.over_18))
        return plan.candidates(submission.item)

    async def settle(self, plan: Plan) -> Plan:
        """Make the calls of a plan, until what it comes to needs none."""
        for _ in range(_MAX_STEPS):
            if plan.call is None or plan.action not in (Action.API, Action.REDIRECT):
                break
            plan = await self._carry_out(plan, plan.call)
        return plan

    async def _carry_out(self, plan: Plan, call: Call) -> Plan:
        if plan.action is Action.REDIRECT:
            return await self._follow(plan, call)
        site = api_site(plan.resolver)
        if site is None or plan.resolver in self._refused or plan.reason is Reason.VIDEO:
            return _without_answer(plan)
        answered = await self._ask(site, call)
        if answered is None:
            return _without_answer(plan)
        if answered.action is Action.FATAL:
            self._refuse(site.name)
            return _without_answer(plan)
        return _with_spare(answered, plan)

    async def _follow(self, plan: Plan, call: Call) -> Plan:
        answer = await self._api("GET", call.id)
        if answer.location is None:
            outcome = answer.outcome
            return skip(outcome.reason, outcome.detail) if outcome else _without_answer(plan)
        return plan_url(answer.location)

    async def _ask(self, site: ApiSite, call: Call) -> Plan | None:
        """Ask about all pages of a call; None without a key."""
        parts: list[Part] = []
        page: Call | None = call
        plan: Plan | None = None
        while page is not None:
            request = site.request(page, self._settings)
            if request is None:
                return None
            answer = await self._api("GET", request.url, headers=request.headers, params=request.params)
            plan = _read(site, page, answer)
            if not plan.parts:
                break
            parts += plan.parts
            page = next_page(page, answer.body) if page.page < _MAX_PAGES else None
        return replace(plan, parts=tuple(parts)) if plan is not None and parts else plan

    def _refuse(self, name: str) -> None:
        if name not in self._refused:
            self._refused.add(name)
            _log.warning("%s refuses the API key: going on without it; albums there are skipped", name)


def _read(site: ApiSite, call: Call, answer: ApiAnswer) -> Plan:
    plan = site.read(call, answer.body)
    if answer.outcome is not None and plan.action is not Action.FATAL and plan.reason is Reason.API_ERROR:
        plan = skip(answer.outcome.reason, answer.outcome.detail)
    return replace(plan, resolver=site.name)


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
