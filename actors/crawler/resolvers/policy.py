"""What is not looked at whatever it links to: removed posts, and NSFW ones by the user's setting."""

from __future__ import annotations

from typing import Any

from actors.crawler.resolvers.plan import Plan, skip
from actors.crawler.resolvers.shapes import mapping_of, objects_of, text_of
from actors.crawler.settings import Over18
from models.reasons import Reason

_REMOVED_TEXTS = frozenset({"[removed]", "[deleted]", "[ removed by reddit ]"})
_REMOVED_TITLES = frozenset({"[deleted by user]", "[removed by moderator]", "[removed]", "[deleted]"})


def parent_of(post: dict[str, Any]) -> dict[str, Any]:
    """Give the post that this one is a crosspost of, {} where there is none or Reddit does not show it."""
    parents = objects_of(post, "crosspost_parent_list")
    return parents[0] if parents else {}


def crosspost_parent(post: dict[str, Any]) -> str | None:
    """Give the fullname (``t3_…``) of the post that this one is a crosspost of."""
    parent = parent_of(post)
    identity = text_of(parent, "id")
    return (
        text_of(post, "crosspost_parent")
        or text_of(parent, "name")
        or (f"t3_{identity}" if identity else None)
    )


def refusal(post: dict[str, Any], over_18: Over18) -> Plan | None:
    """Give the plan to skip a post that is removed, or marked against the setting; its parent counts too."""
    parent = parent_of(post)
    if _is_removed(post):
        return skip(Reason.REMOVED, "removed")
    if _is_removed(parent):
        return skip(Reason.REMOVED, "removed parent")
    marked, parent_marked = post.get("over_18") is True, parent.get("over_18") is True
    if over_18 is Over18.SKIP and (marked or parent_marked):
        return skip(Reason.OVER_18, "over_18" if marked else "over_18 parent")
    if over_18 is Over18.ONLY and not (marked or parent_marked):
        return skip(Reason.NOT_OVER_18, "not over_18")
    return None


def _is_removed(post: dict[str, Any]) -> bool:
    if post.get("removed_by_category"):
        return True
    # Old dump rows have no category; dumps since 2023-11 know what was deleted after they first saw it.
    return (
        (text_of(post, "selftext") or "").strip().lower() in _REMOVED_TEXTS
        or (text_of(post, "title") or "").strip().lower() in _REMOVED_TITLES
        or mapping_of(post, "_meta").get("was_deleted_later") is True
    )
