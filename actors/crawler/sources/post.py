"""From what Reddit's API, an archive or a dump calls a post to a submission."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from actors.crawler.resolvers.posts import text_links
from actors.crawler.resolvers.shapes import mapping_of, number_of, objects_of, text_of
from models.records import Submission

# What the resolvers read. A post has a hundred keys more, and its previews alone are many kilobytes.
_KEPT = (  # noqa: SIM905
    "id name url url_overridden_by_dest is_self is_video is_gallery gallery_data post_hint over_18 title "
    "removed_by_category crosspost_parent"
).split()  # fmt: skip
_KEPT_MEDIA = ("status", "e", "m", "s")
_NO_AUTHORS = ("[deleted]", "[removed]")
_LAST_EPOCH_SECOND = 253402300799.0  # 9999-12-31


def submission_of(post: Any, source: str) -> Submission:
    """Read a post; one that cannot be read keeps a stable name of its own and an empty ``post``."""
    if not isinstance(post, dict):
        return Submission(_substitute(post), source, {})
    item = fullname(post)
    if item is None:
        return Submission(_substitute(post), source, {})
    permalink = _writable(text_of(post, "permalink"))
    author = _writable(text_of(post, "author"))
    created, score = number_of(post, "created_utc"), number_of(post, "score")
    return Submission(
        item=item,
        source=source,
        post=trimmed(post),
        subreddit=_writable(text_of(post, "subreddit")),
        author=None if author in _NO_AUTHORS else author,
        title=_writable(text_of(post, "title")),
        permalink=f"https://www.reddit.com{permalink}"
        if permalink and permalink.startswith("/")
        else permalink,
        created=created if created is not None and 0 <= created <= _LAST_EPOCH_SECOND else None,
        over_18=post.get("over_18") if isinstance(post.get("over_18"), bool) else None,
        reddit_score=int(score) if score is not None and abs(score) < 1 << 31 else None,
    )


def fullname(post: dict[str, Any]) -> str | None:
    """Give ``t3_<id>``; old dump rows have no name."""
    name, identity = text_of(post, "name"), text_of(post, "id")
    item = name if name and name.startswith("t3_") else f"t3_{identity}" if identity else None
    return item if item and item.removeprefix("t3_").isalnum() and item.isascii() else None


def trimmed(post: dict[str, Any]) -> dict[str, Any]:
    """Keep what the resolvers read, of the post and of its parent."""
    kept = {key: post[key] for key in _KEPT if key in post}
    if (text_of(post, "selftext") or "").startswith("["):
        kept["selftext"] = post["selftext"][:40]  # "[removed]" and its like
    if links := text_links(post):
        kept["text_links"] = links
    if "media_metadata" in post:
        media = mapping_of(post, "media_metadata")
        kept["media_metadata"] = {
            name: {key: entry[key] for key in _KEPT_MEDIA if key in entry}
            for name, entry in media.items()
            if isinstance(entry, dict)
        } or None
    if deleted := mapping_of(post, "_meta").get("was_deleted_later"):
        kept["_meta"] = {"was_deleted_later": deleted}
    previews = objects_of(mapping_of(post, "preview"), "images")
    if previews:
        kept["preview"] = {"images": [{"source": previews[0].get("source")}]}
    parents = objects_of(post, "crosspost_parent_list")
    if parents:
        kept["crosspost_parent_list"] = [trimmed({**parents[0], "crosspost_parent_list": None})]
    return kept


def _writable(text: str | None) -> str | None:
    """JSON may hold lone surrogates, which no file can."""
    return None if text is None else text.encode("utf-8", "backslashreplace").decode()


def _substitute(post: Any) -> str:
    digest = hashlib.sha256(json.dumps(post, sort_keys=True, default=repr).encode()).hexdigest()
    return f"t3_{digest[:16]}"
