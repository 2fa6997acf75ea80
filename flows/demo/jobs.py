"""Which posts there will be: every exhibit gets a carrier and a subreddit, before any post has its place."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from flows.demo import links, posts
from flows.demo.exhibits import Exhibit, Palette, Quotas, Serving, at_least_one, decodable
from flows.demo.paint import LANDSCAPES, Kind
from flows.demo.pictures import Picture
from flows.demo.posts import Carrier
from flows.demo.subreddits import SUBREDDITS, Subreddit, subreddit_for
from models.reasons import Reason

GALLERIES, ALBUMS, INLINE = 18, 8, 4
# Wanted pictures of galleries that are processed only after they were listed.
RIPENING = 4
GALLERY_SIZES, ALBUM_SIZES, INLINE_SIZES = (2, 3, 3, 4, 5, 6), (2, 3, 4, 5), (1, 2)
FOREIGN_SIZES = (1, 1, 1, 3)
# Gallery items that Reddit is still working on, or that it could not read.
UNUSABLE = (
    (Exhibit((Reason.NOT_READY,), serving=Serving.UNREADY), 10),
    (Exhibit((Reason.API_ERROR, Reason.NOT_READY), serving=Serving.FAILED), 3),
)
FOREIGN_CROSSPOSTS, KNOWN_CROSSPOSTS = 6, 9
# Shares of single pictures; the sized ones declare a size, which a near duplicate's maker alone knows.
SIZED: tuple[tuple[Carrier, int], ...] = (
    (links.imgur_file, 8), (links.imgur_page, 7), (links.imgur_gallery_image, 3),
    (links.flickr_page, 8), (links.flickr_static, 5),
)  # fmt: skip
ANYWHERE: tuple[tuple[Carrier, int], ...] = (
    (posts.image_post, 50), (links.direct, 10), (links.preview_link, 5), (links.external_preview, 4),
)  # fmt: skip
# (reason, how it is served, who carries it, how many): what ends without a picture that can be looked at.
TROUBLES: tuple[tuple[Reason, Serving, Carrier, int], ...] = (
    (Reason.NOT_FOUND, Serving.MISSING, posts.image_post, 8),
    (Reason.NOT_FOUND, Serving.MISSING, links.direct, 3),
    (Reason.REMOVED_AT_HOST, Serving.REMOVED, links.imgur_file, 3),
    (Reason.REMOVED_AT_HOST, Serving.REMOVED, links.imgur_page, 2),
    (Reason.REMOVED_AT_HOST, Serving.REMOVED, links.flickr_page, 3),
    (Reason.REMOVED_AT_HOST, Serving.REMOVED, links.flickr_static, 2),
    (Reason.NOT_AN_IMAGE, Serving.HTML, links.direct, 9),
    (Reason.SERVER_ERROR, Serving.BROKEN, links.direct, 8),
    (Reason.CONNECTION, Serving.DEAD, links.direct, 8),
    (Reason.OPTED_OUT, Serving.OPTED_OUT, links.direct, 8),
    (Reason.TOO_LARGE, Serving.HUGE, links.direct, 8),
    (Reason.EMPTY, Serving.EMPTY, links.direct, 8),
    (Reason.FORBIDDEN, Serving.FORBIDDEN, links.direct, 8),
    (Reason.TRUNCATED, Serving.TRUNCATED, posts.image_post, 6),
    (Reason.TRUNCATED, Serving.TRUNCATED, links.direct, 3),
    (Reason.REMOVED, Serving.FINE, posts.removed_post, 12),
    (Reason.OVER_18, Serving.FINE, posts.nsfw(posts.image_post), 8),
    (Reason.OVER_18, Serving.FINE, posts.nsfw(links.imgur_file), 3),
    (Reason.OVER_18, Serving.FINE, posts.nsfw(posts.gallery_post), 3),
)  # fmt: skip
# What never had a picture.
PLAIN: tuple[tuple[Reason, Serving, Carrier, int], ...] = (
    (Reason.SELF_POST, Serving.FINE, posts.text_post, 12),
    (Reason.VIDEO, Serving.ANIMATED, posts.video_post, 6),
    (Reason.VIDEO, Serving.ANIMATED, posts.player_post, 2),
    (Reason.VIDEO, Serving.ANIMATED, links.gifv, 3),
    (Reason.NOT_AN_IMAGE_LINK, Serving.FINE, links.page_link, 15),
    (Reason.EMPTY_ALBUM, Serving.FINE, posts.emptied_gallery, 5),
    (Reason.EMPTY_ALBUM, Serving.FINE, links.empty_imgur_album, 4),
)  # fmt: skip


class Origin(StrEnum):
    """Where the content of a post comes from."""

    OWN = "own"
    # A crosspost of a community that the listing does not show: its candidates are the parent's.
    FOREIGN = "foreign"
    # A crosspost of a post that the listing shows before it.
    KNOWN = "known"


@dataclass(frozen=True, slots=True)
class Job:
    """A post to be drafted; a crosspost of a known one brings nothing of its own."""

    carrier: Carrier
    exhibits: tuple[Exhibit, ...]
    subreddit: Subreddit
    origin: Origin = Origin.OWN

    @property
    def kind(self) -> Kind | None:
        """What its first picture shows."""
        return kind_of(self.exhibits[0]) if self.exhibits else None


def kind_of(exhibit: Exhibit) -> Kind | None:
    """What a painted exhibit shows."""
    return exhibit.picture.kind if isinstance(exhibit.picture, Picture) else None


def planned(rng: random.Random, palette: Palette, quotas: Quotas, scale: float) -> list[Job]:
    """Every post of a painted world, in no order."""
    pool = list(decodable(palette, quotas))
    rng.shuffle(pool)
    jobs = list(_collections(rng, pool, scale))
    jobs += _crossposts(rng, palette, pool, scale)
    jobs += [_single(rng, exhibit) for exhibit in pool]
    jobs += _recovering(rng, palette, quotas)
    jobs += _troubles(rng, palette, scale)
    return jobs


def _collections(rng: random.Random, pool: list[Exhibit], scale: float) -> Iterator[Job]:
    """Galleries, albums and inline pictures, whose exhibits they take out of the pool."""
    galleries = [_filled(rng, pool, GALLERY_SIZES) for _ in range(at_least_one(GALLERIES, scale))]
    _let_ripen([exhibits for _, exhibits in galleries], at_least_one(RIPENING, scale))
    for exhibit, count in UNUSABLE:
        for _ in range(at_least_one(count, scale)):
            _, exhibits = rng.choice(galleries)
            exhibits.insert(rng.randrange(len(exhibits) + 1), exhibit)
    # Reddit serves a short animation as a real GIF, far under the size that is wanted.
    galleries[0][1].append(Exhibit((Reason.TOO_SMALL, Reason.VIDEO), serving=Serving.ANIMATED))
    albums = [_filled(rng, pool, ALBUM_SIZES) for _ in range(at_least_one(ALBUMS, scale))]
    albums[0][1].append(Exhibit((Reason.VIDEO,), serving=Serving.ANIMATED))
    inline = [_filled(rng, pool, INLINE_SIZES) for _ in range(at_least_one(INLINE, scale))]
    for carrier, filled in (
        (posts.gallery_post, galleries),
        (links.imgur_album, albums),
        (posts.inline_post, inline),
    ):
        yield from (Job(carrier, tuple(exhibits), subreddit) for subreddit, exhibits in filled)


def _let_ripen(galleries: list[list[Exhibit]], count: int) -> None:
    places = [(one, shown, place) for shown in galleries for place, one in enumerate(shown)]
    # Wanted ones, as far as there are any.
    places.sort(key=lambda found: (not found[0].acceptable, found[0].reasons[0] is not Reason.UNLIKE_TASTE))
    for one, shown, place in places[:count]:
        shown[place] = replace(one, serving=Serving.RIPENS)


def _crossposts(rng: random.Random, palette: Palette, pool: list[Exhibit], scale: float) -> Iterator[Job]:
    for _ in range(at_least_one(FOREIGN_CROSSPOSTS, scale)):
        subreddit, exhibits = _filled(rng, pool, FOREIGN_SIZES)
        carrier = posts.image_post if len(exhibits) == 1 else posts.gallery_post
        yield Job(carrier, tuple(exhibits), subreddit, Origin.FOREIGN)
    marked = palette.trouble(Reason.OVER_18, Serving.FINE)
    yield Job(posts.nsfw(posts.image_post), (marked,), subreddit_for(rng, True), Origin.FOREIGN)
    for _ in range(at_least_one(KNOWN_CROSSPOSTS, scale)):
        yield Job(posts.text_post, (), _anywhere(rng), Origin.KNOWN)


def _anywhere(rng: random.Random) -> Subreddit:
    return rng.choices(SUBREDDITS, [s.weight for s in SUBREDDITS])[0]


def _filled(rng: random.Random, pool: list[Exhibit], sizes: Sequence[int]) -> tuple[Subreddit, list[Exhibit]]:
    """A subreddit and a few exhibits from the pool, mixed as that subreddit's yield says."""
    subreddit = _anywhere(rng)
    return subreddit, [_taken(pool, rng.random() < subreddit.scenic) for _ in range(rng.choice(sizes))]


def _taken(pool: list[Exhibit], scenic: bool) -> Exhibit:
    fitting = (place for place, exhibit in enumerate(pool) if exhibit.size and exhibit.scenic == scenic)
    return pool.pop(next(fitting, next(place for place, exhibit in enumerate(pool) if exhibit.size)))


def _single(rng: random.Random, exhibit: Exhibit) -> Job:
    # Neither imgur nor flickr hands out WebP originals.
    anywhere = exhibit.size is None or posts.suffix_of(exhibit) == "webp"
    carriers = ANYWHERE if anywhere else ANYWHERE + SIZED
    carrier = rng.choices([c for c, _ in carriers], [share for _, share in carriers])[0]
    return Job(carrier, (exhibit,), subreddit_for(rng, exhibit.scenic, kind_of(exhibit)))


def _recovering(rng: random.Random, palette: Palette, quotas: Quotas) -> Iterator[Job]:
    """Wanted pictures on hosts that fail, or are busy, the first time they are asked."""
    for serving, count in ((Serving.RECOVERS, quotas.recovers), (Serving.BUSY, quotas.busy)):
        for _ in range(count):
            yield Job(links.direct, (palette.wanted(serving),), subreddit_for(rng, True))


def _troubles(rng: random.Random, palette: Palette, scale: float) -> Iterator[Job]:
    for reason, serving, carrier, count in TROUBLES:
        for number in range(at_least_one(count, scale)):
            kinds = LANDSCAPES if number % 2 else (Kind.MEME, Kind.FACE, Kind.PRODUCT)
            exhibit = palette.trouble(reason, serving, kinds)
            yield Job(carrier, (exhibit,), subreddit_for(rng, exhibit.scenic, kind_of(exhibit)))
    for reason, serving, carrier, count in PLAIN:
        for _ in range(at_least_one(count, scale)):
            yield Job(carrier, (Exhibit((reason,), serving=serving),), _anywhere(rng))
