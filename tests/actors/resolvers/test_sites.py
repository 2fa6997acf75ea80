from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.crawler.resolvers.links import read_link
from actors.crawler.resolvers.plan import Action
from actors.crawler.resolvers.sites import SITES, plan_submission, plan_url, site_of
from actors.crawler.settings import Over18
from models.reasons import Reason
from models.records import Submission

EXAMPLES = [(site, example) for site in SITES for example in site.examples]
SPECIFIC = [site for site in SITES if site.name != "direct"]


@pytest.mark.parametrize(("site", "example"), EXAMPLES, ids=[example for _, example in EXAMPLES])
def test_every_example_goes_to_its_own_resolver(site: object, example: str) -> None:
    link = read_link(example)
    assert link is not None
    assert site_of(link.url) is site
    assert [other.name for other in SPECIFIC if other is not site and other.pattern.match(link.url)] == []
    assert plan_url(example).resolver == site_of(example).name


@pytest.mark.parametrize("site", SITES, ids=[site.name for site in SITES])
def test_every_site_has_examples_with_images(site: object) -> None:
    actions = {plan_url(example).action for owner, example in EXAMPLES if owner is site}
    assert actions & {Action.DOWNLOAD, Action.API, Action.SKIP}


@pytest.mark.parametrize(
    "url",
    [
        "https://i.imgur.com.evil.example/abcdefg.jpg",
        "https://evil.example/https://i.redd.it/a.jpg",
        "https://notflickr.com/photos/x/123",
        "https://i.stack.imgur.com/abcde.png",
        "https://redd.it.example/a.png",
    ],
)
def test_hosts_that_only_look_alike_are_direct_links(url: str) -> None:
    assert plan_url(url).resolver == "direct"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://example.com/a.jpg", Reason.BAD_URL),
        ("mailto:a@example.com", Reason.BAD_URL),
        ("http://", Reason.BAD_URL),
        ("http://exa mple.com/a.jpg", Reason.BAD_URL),
        ("https://example.com:99999/a.jpg", Reason.BAD_URL),
        ("https://[::1/a.jpg", Reason.BAD_URL),
        ("\udcff.example/a.jpg", Reason.BAD_URL),
        ("javascript:alert(1)", Reason.BAD_URL),
        ("", Reason.BAD_URL),
        ("https://example.com/", Reason.NOT_AN_IMAGE_LINK),
        ("https://example.com/page.html", Reason.NOT_AN_IMAGE_LINK),
        ("https://en.wikipedia.org/wiki/File:Alps.jpg", Reason.NOT_AN_IMAGE_LINK),
        ("https://example.com/clip.mp4", Reason.VIDEO),
        ("https://v.redd.it/abc/DASH_720.mp4", Reason.VIDEO),
        ("https://www.youtube.com/watch?v=1", Reason.VIDEO),
        ("https://www.reddit.com/r/pics", Reason.NOT_AN_IMAGE_LINK),
        ("https://www.reddit.com/user/someone", Reason.NOT_AN_IMAGE_LINK),
        ("https://imgur.com/", Reason.NOT_AN_IMAGE_LINK),
        ("https://imgur.com/user/someone", Reason.NOT_AN_IMAGE_LINK),
        ("https://imgur.com/t/landscape", Reason.NOT_AN_IMAGE_LINK),
        ("https://imgur.com/a/", Reason.NOT_AN_IMAGE_LINK),
        ("https://imgur.com/abcdef", Reason.NOT_AN_IMAGE_LINK),
        ("https://imgur.com/gallery/random", Reason.NOT_AN_IMAGE_LINK),
        ("https://imgur.com/t/funny/viral", Reason.NOT_AN_IMAGE_LINK),
        ("https://imgur.com/r/pics/top", Reason.NOT_AN_IMAGE_LINK),
        ("https://imgur.com/search/score?q=cat", Reason.NOT_AN_IMAGE_LINK),
        ("https://live.staticflickr.com/video/5/a/1080p.mp4?s=e", Reason.VIDEO),
        ("https://external-preview.redd.it/a.gif?format=mp4&s=1", Reason.VIDEO),
        ("https://www.reddit.com/poll/abc", Reason.NOT_AN_IMAGE_LINK),
        ("https://redd.it/r/pics", Reason.NOT_AN_IMAGE_LINK),
        ("https://flic.kr/ps/2abc", Reason.NOT_AN_IMAGE_LINK),
        ("https://www.flickr.com/photos/someone/albums", Reason.NOT_AN_IMAGE_LINK),
        ("https://pl.wikipedia.org/wiki/Plik:Alps.jpg", Reason.NOT_AN_IMAGE_LINK),
        ("https://example.org/file.svg", Reason.NOT_AN_IMAGE_LINK),
        ("data:image/png;base64,AAAA", Reason.BAD_URL),
        ("https://i.imgur.com/removed.png", Reason.REMOVED_AT_HOST),
        ("https://www.flickr.com/photos/someone/", Reason.NOT_AN_IMAGE_LINK),
        ("https://www.flickr.com/groups/landscape/pool/", Reason.NOT_AN_IMAGE_LINK),
        ("https://flic.kr/p/0OIl", Reason.NOT_AN_IMAGE_LINK),
        ("https://flic.kr/p/", Reason.NOT_AN_IMAGE_LINK),
    ],
)
def test_what_is_no_image_is_skipped_for_its_reason(url: str, reason: Reason) -> None:
    plan = plan_url(url)
    assert (plan.action, plan.reason) == (Action.SKIP, reason)
    (candidate,) = plan.candidates("t3_x")
    assert candidate.outcome is not None
    assert candidate.key == "t3_x/-"


@pytest.mark.parametrize(
    ("url", "first"),
    [
        ("//i.redd.it/abc.jpg", "https://i.redd.it/abc.jpg"),
        ("i.redd.it/abc.jpg", "https://i.redd.it/abc.jpg"),
        ("  https://example.com/a.JPG#frag ", "https://example.com/a.JPG"),
        ("https://user:secret@example.com/a.jpg", "https://example.com/a.jpg"),
        ("https://example.com/a.jpg?x=1&amp;copy=2", "https://example.com/a.jpg?x=1&copy=2"),
        ("https://preview.redd.it/a-b-c-v0-abc123.jpeg?width=1&amp;s=2", "https://i.redd.it/abc123.jpeg"),
        ("https://external-preview.redd.it/x.jpg?s=1", "https://external-preview.redd.it/x.jpg?s=1"),
        ("https://www.reddit.com/media?url=https%3A%2F%2Fi.redd.it%2Fabc.png", "https://i.redd.it/abc.png"),
        ("https://live.staticflickr.com/1/2_3a_o.png", "https://live.staticflickr.com/1/2_3a_o.png"),
        ("https://imgur.com/abcde,fghij", "https://i.imgur.com/abcde.jpg"),
        ("https://imgur.com/abcde&fghij", "https://i.imgur.com/abcde.jpg"),
        ("https://i.redd.it/abc.JPG?width=5", "https://i.redd.it/abc.JPG"),
        ("https://preview.redd.it/words-xuae6nj1e7vd1.jpeg?s=1", "https://i.redd.it/xuae6nj1e7vd1.jpeg"),
        ("https://preview.redd.it/abc.gif?format=mp4&s=1", "https://i.redd.it/abc.gif"),
        ("https://pbs.twimg.com/media/E.jpg:large", "https://pbs.twimg.com/media/E.jpg:large"),
        ("https://images.unsplash.com/photo-1?fm=jpg", "https://images.unsplash.com/photo-1?fm=jpg"),
        ("HTTPS://EXAMPLE.COM/A.JPG", "https://EXAMPLE.COM/A.JPG"),
        ("https://räksmörgås.example/r.jpg", "https://räksmörgås.example/r.jpg"),
        (
            "https://example.org/%27%3C%23/%23%3E%27.jpg?k=%3C",
            "https://example.org/%27%3C%23/%23%3E%27.jpg?k=%3C",
        ),
        (
            "https://i.reddituploads.com/0f44?fit=max&amp;h=15&s=e9",
            "https://i.reddituploads.com/0f44?fit=max&h=15&s=e9",
        ),
    ],
)
def test_links_are_cleaned_and_lead_to_the_original(url: str, first: str) -> None:
    assert plan_url(url).urls[0] == first


@pytest.mark.parametrize(
    ("url", "call"),
    [
        ("https://imgur.com/abcdes", "GET https://api.imgur.com/3/image/abcde"),
        ("https://imgur.com/abcdefg", "GET https://api.imgur.com/3/image/abcdefg"),
        ("https://i.imgur.com/abcdefgh_d.jpg", "GET https://api.imgur.com/3/image/abcdefg"),
        ("https://imgur.com/some-slug-abcdefg", "GET https://api.imgur.com/3/image/abcdefg"),
        ("https://imgur.com/a/some-slug-abcdefg", "GET https://api.imgur.com/3/album/abcdefg"),
        ("https://imgur.com/topic/Aww/abcdefg", "GET https://api.imgur.com/3/gallery/abcdefg"),
        ("https://flic.kr/p/FPVo9U", "flickr.photos.getSizes photo_id=26140204724"),
        ("https://secure.flickr.com/photos/a/12/in/pool-x/", "flickr.photos.getSizes photo_id=12"),
        ("https://www.flickr.com/photo.gne?id=12", "flickr.photos.getSizes photo_id=12"),
        ("http://farm3.static.flickr.com/2/12_ab_m.jpg", "flickr.photos.getSizes photo_id=12"),
        ("https://live.staticflickr.com/65535/12_ab.jpg", "flickr.photos.getSizes photo_id=12"),
        ("https://redd.it/AbC1", "GET /api/info?id=t3_abc1"),
        ("https://old.reddit.com/r/x/comments/abc1/title/", "GET /api/info?id=t3_abc1"),
        ("/r/x/comments/abc1/title/", "GET /api/info?id=t3_abc1"),
        ("https://www.reddit.com/gallery/abc1", "GET /api/info?id=t3_abc1"),
        ("https://www.redditmedia.com/r/x/comments/abc1/?embed=true", "GET /api/info?id=t3_abc1"),
        ("https://www.reddit.com/r/x/comments/abc1/comment/def2/?share_id=x", "GET /api/info?id=t3_abc1"),
        ("https://imgur.com/t/unmuted/26sEhNr", "GET https://api.imgur.com/3/gallery/26sEhNr"),
        ("https://i.imgur.com/OGeVuAe.giff", "GET https://api.imgur.com/3/image/OGeVuAe"),
        ("http://i.imgur.com/s9uXxlq.jpg?5.jpg", "GET https://api.imgur.com/3/image/s9uXxlq"),
        ("https://imgur.com/a/WxG6f/layout/grid#0", "GET https://api.imgur.com/3/album/WxG6f"),
        ("https://www.flickr.com/photo.gne?short=FPVo9U", "flickr.photos.getSizes photo_id=26140204724"),
        ("https://www.flickr.com/photos/7%40N00/12/in/album-9/", "flickr.photos.getSizes photo_id=12"),
        ("https://flic.kr/s/aHsjzQLhkK", "flickr.photosets.getPhotos photoset_id=72157630043670201"),
    ],
)
def test_what_only_an_api_knows_is_a_call(url: str, call: str) -> None:
    plan = plan_url(url)
    assert (plan.action, plan.call and plan.call.text) == (Action.API, call)


def test_a_listed_url_need_not_be_named_like_an_image_but_a_posted_one_must() -> None:
    url = "https://example.com/download?id=7"
    listed = plan_submission(Submission("url:abc", "urls:x.txt", {"url": url}), Over18.ONLY)
    assert listed.urls == (url,)
    assert (
        plan_submission(Submission("t3_a", "s", {"id": "a", "url": url}), Over18.SKIP).action is Action.SKIP
    )


def test_a_file_is_fetched_from_its_place_and_one_that_cannot_be_listed_is_unreadable() -> None:
    found = plan_submission(Submission("folder:a.jpg", "folder:x", {"uri": "file:///x/a.jpg"}), Over18.SKIP)
    assert [(one.key, one.urls) for one in found.candidates("folder:a.jpg")] == [
        ("folder:a.jpg/0", ("file:///x/a.jpg",))
    ]
    closed = plan_submission(Submission("folder:closed", "folder:x", {}), Over18.SKIP)
    assert closed.reason is Reason.UNREADABLE


@pytest.mark.parametrize(
    "url",
    [
        f"https://example.com/?{'format=&' * 900}",
        f"https://preview.redd.it/{'-v0' * 2500}.jpg",
        f"https://example.com/{'.a' * 3900}",
        f"https://{'a.' * 3900}com/x",
        f"https://live.staticflickr.com/1/{'1' * 3000}_{'a' * 3000}",
        "https://example.com/" + "a" * 9000,
    ],
)
def test_a_link_as_long_as_links_get_is_read_at_once(url: str) -> None:
    began = time.monotonic()
    assert plan_url(url).candidates("t3_x")
    assert time.monotonic() - began < 1


PIECES = st.sampled_from(
    ["http", "https", "://", "/", "//", ".", "?", "&", "#", ":", "@", "%", ",", "-", "_", "imgur.com", "i.redd.it",
     "reddit.com", "redd.it", "flic.kr", "flickr.com", "live.staticflickr.com", "a", "gallery", "photos", "p", "r",
     "comments", "s", "abcde", "123", "_d", ".jpg", "url=", "[", "]", "\udcff", " ", "é"]
)  # fmt: skip


@given(st.text() | st.lists(PIECES, max_size=14).map("".join))
def test_any_string_is_a_link_that_gets_a_candidate(text: str) -> None:
    found = plan_url(text).candidates("t3_x")
    assert found
    assert all((one.outcome is None) == bool(one.urls) for one in found)
    assert all(url.encode() for one in found for url in one.urls)
