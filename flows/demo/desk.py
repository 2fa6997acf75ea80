"""The desk at which posts are drafted: fresh ids, and what every URL and API will answer."""

from __future__ import annotations

import random
import string
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from flows.demo.exhibits import Exhibit, Serving
from flows.demo.pictures import Photo, Picture
from flows.demo.subreddits import Subreddit
from models.keys import NO_CANDIDATE

Json = dict[str, Any]
BASE36 = string.digits + string.ascii_lowercase
ALPHANUMERIC = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class Answer:
    """What one URL (host and path) answers; ``redirect`` is where a removed picture leads."""

    serving: Serving
    picture: Picture | Photo | None = None
    redirect: str | None = None


@dataclass(frozen=True, slots=True)
class Slot:
    """A post's place in the world, before it has content; ``created`` is in seconds since the epoch, UTC."""

    id: str
    subreddit: Subreddit
    author: str | None
    title: str
    created: float

    @property
    def permalink(self) -> str:
        """The path of its comment page."""
        slug = "_".join("".join(c if c.isalnum() else " " for c in self.title.lower()).split()[:8])
        name = self.subreddit.name
        place = f"user/{name.removeprefix('u_')}" if name.startswith("u_") else f"r/{name}"
        return f"/{place}/comments/{self.id}/{slug}/"


@dataclass(frozen=True, slots=True)
class Draft:
    """What a post adds to the fields every post has, and its candidates as (media, exhibit)."""

    fields: Json
    candidates: tuple[tuple[str, Exhibit], ...]


def nothing_to_fetch(fields: Json, exhibit: Exhibit) -> Draft:
    """A draft of a post without candidates."""
    return Draft(fields, ((NO_CANDIDATE, exhibit),))


@dataclass(slots=True)
class Desk:
    """Hands out ids that no other post has, and collects what hosts and APIs will answer."""

    rng: random.Random
    answers: dict[str, Answer] = field(default_factory=dict)
    imgur: dict[str, Json] = field(default_factory=dict)
    flickr: dict[str, Json] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)

    def fresh(self, length: int, alphabet: str) -> str:
        """A random id of that many characters."""
        while True:
            drawn = "".join(self.rng.choices(alphabet, k=length))
            if drawn not in self.taken:
                self.taken.add(drawn)
                return drawn

    def reddit_media(self) -> str:
        """A media id as i.redd.it has them."""
        return self.fresh(13, BASE36)

    def signature(self) -> str:
        """The signature in the query of a preview."""
        return self.fresh(40, string.hexdigits[:16])

    def show(self, host: str, path: str, exhibit: Exhibit, redirect: str | None = None) -> str:
        """Let ``https://host/path`` answer with an exhibit, and give that URL."""
        self.answers[f"{host}{path}"] = Answer(exhibit.serving, exhibit.picture, redirect)
        return f"https://{host}{path}"

    def pick(self, hosts: Sequence[str]) -> str:
        """One of these hosts."""
        return self.rng.choice(hosts)
