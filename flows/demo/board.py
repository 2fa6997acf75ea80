"""Puts drafted posts in their order: ids, times, scores, crossposts, and the listing that comes of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from flows.demo.desk import BASE36, Desk, Json, Slot
from flows.demo.exhibits import Exhibit, Serving
from flows.demo.jobs import Job, Origin
from flows.demo.pictures import Picture
from flows.demo.posts import crosspost_fields
from flows.demo.subreddits import Subreddit, author_for, title_for
from flows.demo.truth import Expected
from models.keys import NO_CANDIDATE
from models.reasons import Reason

# 2026-01-09, a Friday, and an id of that week.
FIRST_CREATED = 1_767_960_000.0
FIRST_ID = int("1q7k3m0", 36)
LONGEST_PAUSE = 90
# Nothing is crossposted that nobody has seen: the share of all posts that comes before the first crosspost.
HEAD_START = 0.3
FETCHED = {
    Serving.FINE, Serving.TRUNCATED, Serving.RECOVERS, Serving.BUSY, Serving.OPTED_OUT, Serving.RIPENS,
}  # fmt: skip
Rank = tuple[int, float, str]
_CROSSPOST_OF = Exhibit((Reason.CROSSPOST_OF,))


@dataclass(frozen=True)
class Entry:
    """A post on the board, with its candidates as (media, exhibit)."""

    slot: Slot
    post: Json
    candidates: tuple[tuple[str, Exhibit], ...]

    @property
    def fetched(self) -> list[Picture]:
        """The pictures that a run with default settings asks for."""
        return [
            exhibit.picture
            for media, exhibit in self.candidates
            if media != NO_CANDIDATE and exhibit.serving in FETCHED and isinstance(exhibit.picture, Picture)
        ]


@dataclass
class Board:
    """The posts of a world as they come in, oldest first."""

    desk: Desk
    entries: list[Entry] = field(default_factory=list)
    late: dict[str, str] = field(default_factory=dict)
    clock: float = FIRST_CREATED
    foreign: int = 0

    def post_all(self, jobs: Iterable[Job]) -> None:
        """Post these jobs in a random order."""
        rng = self.desk.rng
        drawn = list(jobs)
        rng.shuffle(drawn)
        order = [job for job in drawn if job.origin is not Origin.KNOWN]
        for job in drawn:
            if job.origin is Origin.KNOWN:
                order.insert(rng.randint(int(len(order) * HEAD_START), len(order)), job)
        for job in order:
            self.entries.append(self._posted(job))

    def listing(self) -> list[Entry]:
        """Every post, newest first; one that was let through late stands where it was let through."""
        newest = self.entries[::-1]
        by_id = {entry.slot.id: entry for entry in newest}
        order = [entry.slot.id for entry in newest if entry.slot.id not in self.late]
        for parent, child in self.late.items():
            order.insert(order.index(child), parent)
        return [by_id[name] for name in order]

    def expected(self) -> list[Expected]:
        """The truth of every candidate, in the order of the listing."""
        shown = [(entry, media, exhibit) for entry in self.listing() for media, exhibit in entry.candidates]
        best: dict[str, tuple[Rank, str]] = {}
        for entry, media, exhibit in shown:
            if media != NO_CANDIDATE and exhibit.acceptable and exhibit.duplicate_set:
                ranked = _rank(entry, media, exhibit), f"{entry.post['name']}/{media}"
                best[exhibit.duplicate_set] = min(best.get(exhibit.duplicate_set, ranked), ranked)
        kept = {key for _, key in best.values()}
        return [_expected(kept, *candidate) for candidate in shown]

    def _posted(self, job: Job) -> Entry:
        match job.origin:
            case Origin.OWN:
                return self._entry(self._slot(job.subreddit, job), job)
            case Origin.FOREIGN:
                parent = self._entry(self._foreign_slot(job), job)
                return self._crosspost(job.subreddit, parent, parent.candidates)
            case Origin.KNOWN:
                parent = self.desk.rng.choice([entry for entry in self.entries if self._crosspostable(entry)])
                child = self._crosspost(job.subreddit, parent, ((NO_CANDIDATE, _CROSSPOST_OF),))
                self.late[parent.slot.id] = child.slot.id
                return child

    def _crosspostable(self, entry: Entry) -> bool:
        fresh = entry.slot.id not in self.late and "crosspost_parent" not in entry.post
        return fresh and [media for media, _ in entry.candidates] == ["0"]

    def _crosspost(
        self, subreddit: Subreddit, parent: Entry, candidates: tuple[tuple[str, Exhibit], ...]
    ) -> Entry:
        slot = replace(self._slot(subreddit, None), title=parent.slot.title)
        return Entry(slot, self._fields(slot) | crosspost_fields(parent.post), candidates)

    def _entry(self, slot: Slot, job: Job) -> Entry:
        draft = job.carrier(self.desk, slot, job.exhibits)
        return Entry(slot, self._fields(slot) | draft.fields, draft.candidates)

    def _slot(self, subreddit: Subreddit, job: Job | None) -> Slot:
        rng = self.desk.rng
        self.clock += rng.randint(1, LONGEST_PAUSE)
        number = FIRST_ID + len(self.entries)
        title = title_for(rng, job.kind if job else None)
        return Slot(base36(number), subreddit, author_for(rng, subreddit), title, self.clock)

    def _foreign_slot(self, job: Job) -> Slot:
        self.foreign += 1
        hidden = replace(job.subreddit, name="quietplaces")
        title = title_for(self.desk.rng, job.kind)
        return Slot(
            base36(FIRST_ID - 100 * self.foreign), hidden, "ridgewalker88", title, FIRST_CREATED - 900
        )

    def _fields(self, slot: Slot) -> Json:
        rng = self.desk.rng
        name, score = slot.subreddit.name, int(rng.lognormvariate(2.5, 1.6))
        profile = name.startswith("u_")
        fields: Json = {
            "id": slot.id,
            "name": f"t3_{slot.id}",
            "subreddit": name,
            "subreddit_name_prefixed": f"u/{name[2:]}" if profile else f"r/{name}",
            "subreddit_type": "user" if profile else "public",
            "author": slot.author,
            "title": slot.title,
            "permalink": slot.permalink,
            "created": slot.created,
            "created_utc": slot.created,
            "score": score,
            "ups": score,
            "upvote_ratio": round(rng.uniform(0.5, 1.0), 2),
            "num_comments": int(score * rng.uniform(0, 0.3)),
            "selftext": "",
            "is_self": False,
            "is_video": False,
            "over_18": False,
            "removed_by_category": None,
            "media": None,
            "secure_media": None,
            "spoiler": False,
            "stickied": False,
        }
        return {key: value for key, value in fields.items() if key not in _MAY_LACK or rng.random() > 0.05}


def _expected(kept: set[str], entry: Entry, media: str, exhibit: Exhibit) -> Expected:
    key, subreddit = f"{entry.post['name']}/{media}", entry.slot.subreddit.name
    if media == NO_CANDIDATE:
        return Expected(key, subreddit, exhibit.reasons)
    return Expected(key, subreddit, exhibit.reasons, exhibit.acceptable, key in kept, exhibit.duplicate_set)


def _rank(entry: Entry, media: str, exhibit: Exhibit) -> Rank:
    """Most pixels first, then the oldest, then by key; a near duplicate is smaller than its original."""
    width, height = exhibit.size or (0, 0)
    return -width * height, entry.slot.created, f"{entry.post['name']}/{media}"


# What old and odd answers leave out.
_MAY_LACK = {"is_video", "removed_by_category", "media", "secure_media", "spoiler", "upvote_ratio", "ups"}


def base36(number: int) -> str:
    """A number as Reddit writes its ids."""
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = BASE36[digit] + digits
    return digits or "0"
