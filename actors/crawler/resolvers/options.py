"""What the user's settings make of a plan: what is off by default, and only asked for where it is on."""

from __future__ import annotations

from dataclasses import replace

from actors.crawler.resolvers.direct import HEAD
from actors.crawler.resolvers.plan import Action, Plan, together
from actors.crawler.settings import CrawlSettings


def chosen(plan: Plan, settings: CrawlSettings) -> Plan:
    """Give the plan with what the settings add: the links in texts, and the types of links without a name."""
    if plan.action is Action.OPTION and settings.selftext_links:
        return _with_links(plan)
    if plan.action is Action.SKIP and plan.call is not None and plan.call.method == HEAD:
        return replace(plan, action=Action.API) if settings.probe_links else plan
    return plan


def _with_links(plan: Plan) -> Plan:
    """Follow the links; where one takes a call, the direct ones are what is left without it."""
    asked = next((link for link in plan.links if link.action is not Action.DOWNLOAD), None)
    if asked is None:
        return replace(together(plan.links), resolver=plan.resolver)
    return replace(plan, action=Action.API, call=asked.call)
