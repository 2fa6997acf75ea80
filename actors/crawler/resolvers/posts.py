"""From a Reddit post, as the plain dict its API or a dump gives, to a plan."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from actors.crawler.resolvers.gallery import gallery_parts, inline_parts
from actors.crawler.resolvers.links import read_link, unescape
from actors.crawler.resolvers.plan import Action, Call, Part, Plan, download, fetch, skip, together
from actors.crawler.resolvers.policy import parent_of, refusal
from actors.crawler.resolvers.reddit import ask_about_post
from actors.crawler.resolvers.shapes import mapping_of, objects_of, text_of
from actors.crawler.settings import Over18
from models.reasons import Reason

SELFTEXT_LINKS = "selftext_links"
_LINK = re.compile(r"""https?://[^\s"'<>()\[\]]+""", re.IGNORECASE)
_AFTER_A_LINK = ".,:;!?*~^|"
_PERMALINK = re.compile(r"/comments/([a-z0-9]+)", re.IGNORECASE)

Dispatch = Callable[[str], Plan]


def plan_post(post: dict[str, Any], over_18: Over18, dispatch: Dispatch) -> Plan:
    """Plan a post; a crosspost has its parent's media, which it often does not repeat."""
    if not any(post.get(key) for key in ("id", "name", "url")):
        return skip(Reason.MALFORMED, "neither an id nor a url")
    if (refused := refusal(post, over_18)) is not None:
        return refused
    parent = parent_of(post)
    plan = _plan_media(parent or post, dispatch)
    if parent and plan.action is not Action.DOWNLOAD and mapping_of(post, "media_metadata"):
        own = _plan_media(post, dispatch)
        return own if own.action in (Action.DOWNLOAD, Action.RETRY_LATER) else plan
    return plan


def _plan_media(post: dict[str, Any], dispatch: Dispatch) -> Plan:
    if post.get("is_video") is True or text_of(post, "post_hint") == "hosted:video":
        return skip(Reason.VIDEO, "video")
    if _is_gallery(post):
        return _plan_gallery(post)
    if _is_self(post):
        return _plan_text(post, dispatch)
    return _plan_link(post, dispatch)


def _identity(post: dict[str, Any]) -> str | None:
    name = text_of(post, "id") or text_of(post, "name")
    return name.removeprefix("t3_") if name else None


def _url(post: dict[str, Any]) -> str | None:
    return text_of(post, "url_overridden_by_dest") or text_of(post, "url")


def _is_gallery(post: dict[str, Any]) -> bool:
    own = f"reddit.com/gallery/{_identity(post)}"
    return post.get("is_gallery") is True or bool(post.get("gallery_data")) or own in (_url(post) or "")


def _is_self(post: dict[str, Any]) -> bool:
    permalink = _PERMALINK.search(_url(post) or "")
    return post.get("is_self") is True or bool(permalink and permalink[1] == _identity(post))


def _plan_gallery(post: dict[str, Any]) -> Plan:
    parts = gallery_parts(post)
    if parts:
        plan = download(*parts)
        return replace(plan, call=_info(post).call) if plan.action is Action.RETRY_LATER else plan
    if "gallery_data" in post or "media_metadata" in post:
        return skip(Reason.EMPTY_ALBUM, "gallery without media")
    return _info(post)


def _info(post: dict[str, Any]) -> Plan:
    return ask_about_post(_identity(post) or "")


def _plan_text(post: dict[str, Any], dispatch: Dispatch) -> Plan:
    parts = inline_parts(post)
    if parts:
        plan = download(*parts)
        return replace(plan, call=_info(post).call) if plan.action is Action.RETRY_LATER else plan
    plans = [dispatch(url) for url in text_links(post)]
    links = tuple(plan for plan in plans if plan.action is not Action.SKIP)
    if links:
        direct = together(plan for plan in links if plan.action is Action.DOWNLOAD).parts
        return Plan(Action.OPTION, direct, reason=Reason.SELF_POST, detail=SELFTEXT_LINKS, links=links)
    return skip(Reason.SELF_POST, "self post without media")


def text_links(post: dict[str, Any]) -> list[str]:
    """Give the links in a post's text, each once, in their order; sources keep them as ``text_links``."""
    kept = post.get("text_links")
    if isinstance(kept, list):
        return [link for link in kept if isinstance(link, str)]
    text = text_of(post, "selftext_html") or text_of(post, "selftext") or ""
    # Markdown escapes what it could take for its own: a\_b.
    found = (link.replace("\\", "").rstrip(_AFTER_A_LINK) for link in _LINK.findall(unescape(text)))
    return list(dict.fromkeys(found))


def _plan_link(post: dict[str, Any], dispatch: Dispatch) -> Plan:
    url, parts = _url(post), inline_parts(post)
    if not url:
        if any(part.urls for part in parts):
            return download(*parts)
        malformed = post.get("url") is not None and url is None
        return skip(Reason.MALFORMED if malformed else Reason.NOT_AN_IMAGE_LINK, "a post without a url")
    plan = dispatch(url)
    if plan.reason is Reason.NOT_AN_IMAGE_LINK and plan.action is Action.SKIP:
        plan = _by_hint(post, url, parts) or replace(plan, call=_type_call(post, plan))
    if plan.action is Action.SKIP:
        return plan
    return plan.with_last_resort(_preview(post))


def _type_call(post: dict[str, Any], plan: Plan) -> Call | None:
    """The call that could ask for the type of a link, unless Reddit has found a page behind it."""
    return None if text_of(post, "post_hint") == "link" else plan.call


def _by_hint(post: dict[str, Any], url: str, parts: list[Part]) -> Plan | None:
    """What Reddit itself found behind a link that is not named like an image."""
    if any(part.urls for part in parts):
        return download(*parts)
    match text_of(post, "post_hint"):
        case "image":
            link = read_link(url)
            return replace(fetch(link.url), resolver="direct") if link else None
        case "rich:video":
            return skip(Reason.VIDEO, "an embedded video")
    return None


def _preview(post: dict[str, Any]) -> str | None:
    """Reddit's own copy of the image. Never of ``variants``: those are blurred."""
    images = objects_of(mapping_of(post, "preview"), "images")
    url = text_of(mapping_of(images[0], "source"), "url") if images else None
    link = read_link(url) if url else None
    return link.url if link else None
