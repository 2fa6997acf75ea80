"""Rows of a monthly dump, made up, with the keys and proportions that RS_2026-01 has: about 4 KB each.

Ids, names and signatures are random, as theirs are: they are what does not compress.
https://github.com/ArthurHeitmann/arctic_shift/blob/master/schemas/RS/2026/RS_2026-01.ts
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import orjson

WANTED = "EarthPorn"
_OTHERS = 4000
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_WORDS = (  # noqa: SIM905
    "the of and to in a is that for it on with as this are sunset lake mountain river forest snow autumn my "
    "first oc photo taken near from last weekend hike view oregon iceland norway help what how why anyone else"
).split()
_NONE = (  # noqa: SIM905
    "approved_at_utc approved_by author_flair_background_color author_flair_css_class author_flair_template_id "
    "author_flair_text author_flair_text_color banned_at_utc banned_by category content_categories "
    "discussion_type distinguished likes link_flair_css_class link_flair_text media mod_note mod_reason_by "
    "mod_reason_title num_reports parent_whitelist_status removal_reason removed_by removed_by_category "
    "report_reasons secure_media suggested_sort top_awarded_type view_count"
).split()
_FALSE = (  # noqa: SIM905
    "allow_live_comments archived author_is_blocked author_patreon_flair author_premium can_gild can_mod_post "
    "clicked contest_mode edited hidden is_created_from_ads_ui is_meta is_original_content is_self is_video "
    "locked media_only pinned quarantine saved spoiler stickied visited"
).split()
_TRUE = "hide_score is_crosspostable is_reddit_media_domain is_robot_indexable no_follow send_replies"
_EMPTY = (
    "all_awardings author_flair_richtext awarders link_flair_richtext mod_reports treatment_tags user_reports"
)
_FIXED: dict[str, Any] = {
    **dict.fromkeys(_NONE),
    **dict.fromkeys(_FALSE, False),
    **dict.fromkeys(_TRUE.split(), True),
    **{key: [] for key in _EMPTY.split()},
    **{key: {} for key in ("gildings", "media_embed", "secure_media_embed")},
    **dict.fromkeys(("downs", "gilded", "num_crossposts", "total_awards_received"), 0),
    "author_flair_type": "text",
    "link_flair_background_color": "",
    "link_flair_text_color": "dark",
    "link_flair_type": "text",
    "subreddit_type": "public",
    "pwls": 6,
    "wls": 6,
}


def rows(size: int, seed: int = 1) -> Iterator[bytes]:
    """Yield lines of at least so many bytes in all; every hundredth is of the wanted subreddit, at random places."""
    chance = random.Random(seed)
    number = 0
    while size > 0:
        subreddit = WANTED if chance.random() < 0.01 else f"Subreddit{chance.randrange(_OTHERS)}"
        row = _post(chance, 1_767_225_600 + number // 17, subreddit)
        line = orjson.dumps(row, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)
        yield line
        size, number = size - len(line), number + 1


def _post(chance: random.Random, created: int, subreddit: str) -> dict[str, Any]:
    identity, title = _name(chance, 7), _text(chance, 3, 16)
    permalink = f"/r/{subreddit}/comments/{identity}/{title.replace(' ', '_')[:50]}/"
    post = _FIXED | {
        "_meta": {"retrieved_2nd_on": created + 130_000},
        "author": _name(chance, chance.randrange(5, 16)),
        "author_fullname": f"t2_{_name(chance, 9)}",
        "created": created,
        "created_utc": created,
        "domain": "i.redd.it",
        "id": identity,
        "name": f"t3_{identity}",
        "num_comments": chance.randrange(40),
        "over_18": chance.random() < 0.45,
        "permalink": permalink,
        "retrieved_on": created + 12,
        "score": chance.randrange(900),
        "selftext": "",
        "subreddit": subreddit,
        "subreddit_id": f"t5_{_name(chance, 5)}",
        "subreddit_name_prefixed": f"r/{subreddit}",
        "subreddit_subscribers": chance.randrange(1_000_000),
        "thumbnail": f"https://b.thumbs.redditmedia.com/{_name(chance, 43)}.jpg",
        "thumbnail_height": 140,
        "thumbnail_width": 140,
        "title": title,
        "ups": 1,
        "upvote_ratio": round(chance.random(), 2),
    }
    kind = chance.random()
    if kind < 0.37:
        return post | {
            "is_self": True,
            "selftext": _text(chance, 20, 300),
            "url": f"https://www.reddit.com{permalink}",
        }
    return post | (_gallery(chance, identity) if kind < 0.5 else _image(chance))


def _image(chance: random.Random) -> dict[str, Any]:
    media, width, height = _name(chance, 13), chance.randrange(800, 6000), chance.randrange(800, 6000)
    url = f"https://i.redd.it/{media}.jpeg"
    source = {"height": height, "url": _preview(chance, media, "auto=webp"), "width": width}
    sizes = [
        {
            "height": height * size // width,
            "url": _preview(chance, media, f"width={size}&crop=smart"),
            "width": size,
        }
        for size in (108, 216, 320, 640, 960, 1080)
    ]
    image = {"id": f"{chance.getrandbits(172):043x}", "resolutions": sizes, "source": source, "variants": {}}
    preview = {"enabled": True, "images": [image]}
    return {"url": url, "url_overridden_by_dest": url, "post_hint": "image", "preview": preview}


def _gallery(chance: random.Random, identity: str) -> dict[str, Any]:
    url = f"https://www.reddit.com/gallery/{identity}"
    media = {name: _item(chance, name) for name in (_name(chance, 13) for _ in range(chance.randrange(2, 8)))}
    items = [{"id": chance.getrandbits(30), "media_id": name} for name in media]
    return {
        "is_gallery": True,
        "gallery_data": {"items": items},
        "media_metadata": media,
        "url": url,
        "url_overridden_by_dest": url,
    }


def _item(chance: random.Random, name: str) -> dict[str, Any]:
    width, height = chance.randrange(800, 6000), chance.randrange(800, 6000)
    previews = [
        {"u": _preview(chance, name, f"width={size}&crop=smart"), "x": size, "y": height * size // width}
        for size in (108, 216, 320, 640, 960, 1080)
    ]
    source = {"u": _preview(chance, name, f"width={width}&format=pjpg"), "x": width, "y": height}
    return {"e": "Image", "id": name, "m": "image/jpg", "p": previews, "s": source, "status": "valid"}


def _preview(chance: random.Random, media: str, query: str) -> str:
    return f"https://preview.redd.it/{media}.jpg?{query}&s={chance.getrandbits(160):040x}"


def _name(chance: random.Random, length: int) -> str:
    return "".join(chance.choices(_DIGITS, k=length))


def _text(chance: random.Random, least: int, most: int) -> str:
    return " ".join(chance.choices(_WORDS, k=chance.randrange(least, most)))
