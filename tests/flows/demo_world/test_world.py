from __future__ import annotations

import hashlib
import subprocess
import sys
from collections import Counter

import pytest

from flows.demo.desk import Json
from flows.demo.exhibits import HIGHEST_SEED
from flows.demo.paint import LANDSCAPES
from flows.demo.studio import LIKED, liked_pictures
from flows.demo.subreddits import SUBREDDITS
from flows.demo.world import World
from models.reasons import Reason, Verdict

PROMISED = (
    Reason.FITS, Reason.TOO_SMALL, Reason.TOO_WIDE, Reason.TOO_TALL, Reason.DUPLICATE, Reason.NEAR_DUPLICATE,
    Reason.UNLIKE_TASTE, Reason.WATERMARK, Reason.SELF_POST, Reason.REMOVED, Reason.OVER_18, Reason.VIDEO,
    Reason.CROSSPOST_OF, Reason.NOT_AN_IMAGE_LINK, Reason.EMPTY_ALBUM, Reason.NOT_FOUND, Reason.REMOVED_AT_HOST,
    Reason.NOT_AN_IMAGE, Reason.TRUNCATED, Reason.SERVER_ERROR, Reason.CONNECTION, Reason.NOT_READY,
    Reason.OPTED_OUT, Reason.TOO_LARGE, Reason.EMPTY, Reason.FORBIDDEN,
)  # fmt: skip


@pytest.fixture(scope="module", params=[1, 2, 3])
def full(request: pytest.FixtureRequest) -> World:
    return World.build(request.param)


def test_every_reason_is_there_often(full: World) -> None:
    counts = full.truth.counts()
    rare = {reason: counts[reason] for reason in PROMISED if counts[reason] < 8}
    assert not rare


def test_is_as_large_as_promised(full: World) -> None:
    assert len(full.posts) >= 300
    assert len({post["subreddit"] for post in full.posts}) >= 12
    assert len(full.paint_order) <= 420


def test_wanted_share_of_what_can_be_decoded(full: World) -> None:
    looked_at = (Verdict.ACCEPTED, Verdict.REJECTED)
    decodable = sum(row.verdict in looked_at for row in full.truth.rows)
    assert 0.25 <= len(full.truth.wanted()) / decodable <= 0.5


def test_subreddits_differ_in_yield(full: World) -> None:
    posted = Counter(row.subreddit for row in full.truth.rows)
    wanted = Counter(row.subreddit for row in full.truth.rows if row.wanted)
    shares = {name: wanted[name] / count for name, count in posted.items()}
    assert shares["ValeAndRidge"] > 0.35
    assert shares["dailydankness"] == 0
    assert any(name.startswith("u_") for name in posted)
    assert {subreddit.name for subreddit in SUBREDDITS} >= set(posted)


def test_each_duplicate_set_has_one_best_and_it_is_acceptable(full: World) -> None:
    best = Counter(row.duplicate_set for row in full.truth.rows if row.wanted)
    assert set(best) == full.truth.wanted()
    assert set(best.values()) == {1}
    assert all(row.acceptable for row in full.truth.rows if row.wanted)


def test_keys_are_unique_and_every_post_has_one(full: World) -> None:
    keys = [row.key for row in full.truth.rows]
    assert len(set(keys)) == len(keys)
    assert {key.partition("/")[0] for key in keys} == {post["name"] for post in full.posts}


def test_ids_are_sequential_and_grow_with_time(full: World) -> None:
    oldest_first = sorted(full.posts, key=lambda post: float(post["created_utc"]))
    numbers = [int(post["id"], 36) for post in oldest_first]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_known_crossposts_come_after_their_parents(full: World) -> None:
    place = {post["name"]: number for number, post in enumerate(full.posts)}
    expected = full.truth.by_key()
    parents = {post["name"]: post["crosspost_parent"] for post in full.posts if "crosspost_parent" in post}
    known = {name for name in parents if f"{name}/-" in expected and parents[name] in place}
    assert all(expected[f"{name}/-"].reasons == (Reason.CROSSPOST_OF,) for name in known)
    assert all(place[parents[name]] < place[name] for name in known)
    foreign = set(parents) - known
    assert foreign and not {parents[name] for name in foreign} & set(place)


def test_galleries_declare_sizes_in_another_order(full: World) -> None:
    galleries = [post for post in full.posts if post.get("is_gallery") and post.get("media_metadata")]
    orders = [
        ([item["media_id"] for item in post["gallery_data"]["items"]], list(post["media_metadata"]))
        for post in galleries
    ]
    assert all(set(shown) == set(stored) for shown, stored in orders)
    assert any(shown != stored for shown, stored in orders)
    items = [item for post in galleries for item in post["media_metadata"].values()]
    assert {"unprocessed", "failed", "valid"} == {item["status"] for item in items}
    assert all(item["s"]["x"] > 0 for item in items if item["status"] == "valid")


def test_authors_may_be_gone(full: World) -> None:
    authors = {post["author"] for post in full.posts}
    assert None in authors
    assert "[deleted]" in authors


def test_liked_pictures_are_in_no_world(full: World) -> None:
    assert all(picture.seed < HIGHEST_SEED for picture in full.paint_order)
    liked = liked_pictures(full.seed)
    assert len({picture.name for picture in liked}) == LIKED
    assert all(picture.seed > HIGHEST_SEED and picture.kind in LANDSCAPES for picture in liked)


def test_other_seeds_are_other_worlds() -> None:
    pictures = [set(World.build(seed).paint_order) for seed in (1, 2)]
    assert not pictures[0] & pictures[1]


def test_is_the_same_in_another_process() -> None:
    code = (
        "import hashlib; from flows.demo.world import World; w = World.build(5, scale=0.3);"
        "told = repr((w.posts, w.answers, w.imgur, w.flickr, w.truth, w.paint_order));"
        "print(hashlib.sha256(told.encode()).hexdigest())"
    )
    world = World.build(5, scale=0.3)
    told = repr((world.posts, world.answers, world.imgur, world.flickr, world.truth, world.paint_order))
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == hashlib.sha256(told.encode()).hexdigest()


def test_a_small_world_has_one_of_each() -> None:
    small = World.build(4, scale=0.05)
    assert not set(PROMISED) - set(small.truth.counts())
    assert len(small.posts) < 60


def test_every_linked_picture_is_served(full: World) -> None:
    linked = {post["url"] for post in full.posts if _links_to_a_file(post)}
    unanswered = {url for url in linked if url.partition("?")[0].removeprefix("https://") not in full.answers}
    assert not unanswered


def _links_to_a_file(post: Json) -> bool:
    hosts = ("i.redd.it", "preview.redd.it", "external-preview.redd.it")
    return post["domain"] in hosts or (post["domain"].endswith(".example") and ".jpg" in post["url"])
