"""All sites, and the one place where a link finds its own."""

from __future__ import annotations

from dataclasses import replace

from actors.crawler.resolvers.direct import DirectResolver, VideoResolver
from actors.crawler.resolvers.flickr import FlickrResolver
from actors.crawler.resolvers.imgur import ImgurResolver
from actors.crawler.resolvers.links import read_link
from actors.crawler.resolvers.plan import Plan, fetch, skip
from actors.crawler.resolvers.policy import refusal
from actors.crawler.resolvers.posts import plan_post
from actors.crawler.resolvers.reddit import RedditResolver
from actors.crawler.resolvers.site import ApiSite, Site
from actors.crawler.settings import Over18
from models.reasons import Reason
from models.records import Submission

# The patterns share no link, so the order means nothing, but for the last, which takes what is left.
SITES: tuple[Site, ...] = (
    RedditResolver(),
    ImgurResolver(),
    FlickrResolver(),
    VideoResolver(),
    DirectResolver(),
)


def site_of(url: str) -> Site:
    """Give the site whose pattern matches a URL."""
    return next(site for site in SITES if site.pattern.match(url))


def api_site(name: str) -> ApiSite | None:
    """Give the site of that name, if it has an API that is asked."""
    return next((site for site in SITES if site.name == name and isinstance(site, ApiSite)), None)


def plan_url(text: str) -> Plan:
    """Plan for a link alone."""
    link = read_link(text)
    if link is None:
        return skip(Reason.BAD_URL, "not a URL that can be fetched")
    site = site_of(link.url)
    return replace(site.resolve(link), resolver=site.name)


def plan_submission(submission: Submission, over_18: Over18) -> Plan:
    """Plan for whatever a source yields: a Reddit post, a line of a list, or a file."""
    kind = submission.item.partition(":")[0]
    if kind == "folder":
        return _plan_file(submission)
    if kind == "url":
        return _plan_listed(submission, over_18)
    plan = plan_post(submission.post, over_18, plan_url)
    return plan if plan.resolver else replace(plan, resolver="reddit")


def _plan_file(submission: Submission) -> Plan:
    uri = submission.post.get("uri")
    plan = fetch(uri) if isinstance(uri, str) else skip(Reason.UNREADABLE, "cannot be opened")
    return replace(plan, resolver="folder")


def _plan_listed(submission: Submission, over_18: Over18) -> Plan:
    """The user lists what is meant to be an image: its name need not say so. Only a mark that is there counts."""
    url = submission.post.get("url")
    if not isinstance(url, str):
        return skip(Reason.BAD_URL, "a line that is no URL")
    marked = submission.over_18
    refused = None if marked is None else refusal({"over_18": marked}, over_18)
    if refused is not None:
        return refused
    plan = plan_url(url)
    unnamed = plan.resolver == "direct" and plan.reason is Reason.NOT_AN_IMAGE_LINK
    if unnamed and (link := read_link(url)) is not None:
        return replace(fetch(link.url), resolver="direct")
    return plan
