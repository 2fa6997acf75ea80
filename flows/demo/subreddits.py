"""The subreddits of the demo world, with their very different yields, and what people write there."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from flows.demo.paint import CLUTTER, LANDSCAPES, Kind


@dataclass(frozen=True, slots=True)
class Subreddit:
    """A subreddit: its share of all posts (``weight``), of landscapes in them, and what else is posted."""

    name: str
    weight: float
    scenic: float
    clutter: tuple[Kind, ...] = CLUTTER


PHOTOGRAPHY = (Kind.FLOWER, Kind.BUILDING, Kind.FACE, Kind.FOOD, Kind.ROOM)
SUBREDDITS = (
    Subreddit("ValeAndRidge", 12, 0.88, (Kind.FLOWER, Kind.BUILDING)),
    Subreddit("RawHorizons", 10, 0.75, (Kind.FLOWER, Kind.MAP, Kind.FACE)),
    Subreddit("hikinglogbook", 9, 0.5, (Kind.MAP, Kind.FACE, Kind.PRODUCT, Kind.FOOD)),
    Subreddit("travelrolls", 9, 0.45, PHOTOGRAPHY),
    Subreddit("WallpaperDrop", 8, 0.55, (Kind.PIXEL_ART, Kind.POSTER, Kind.BUILDING, Kind.FLOWER)),
    Subreddit("firstcameras", 7, 0.3, PHOTOGRAPHY),
    Subreddit("u_LenaOutdoors", 4, 0.65, (Kind.FACE, Kind.FOOD)),
    Subreddit("CityCorners", 6, 0.12, (Kind.BUILDING, Kind.ROOM, Kind.POSTER)),
    Subreddit("houseplantclub", 5, 0.05, (Kind.FLOWER, Kind.PRODUCT, Kind.ROOM)),
    Subreddit("dailydankness", 10, 0.0, (Kind.MEME, Kind.CHAT, Kind.COMIC, Kind.ARTICLE)),
    Subreddit("FoodOnPlates", 6, 0.0, (Kind.FOOD,)),
    Subreddit("chartsandplots", 5, 0.0, (Kind.CHART, Kind.SPREADSHEET, Kind.DASHBOARD)),
    Subreddit("MapsWithoutIslands", 5, 0.02, (Kind.MAP,)),
    Subreddit("tinypixels", 5, 0.02, (Kind.PIXEL_ART, Kind.POSTER)),
    Subreddit("deskbuilds", 5, 0.0, (Kind.ROOM, Kind.PRODUCT)),
    Subreddit("AskTheTrail", 4, 0.0, (Kind.ARTICLE, Kind.CHAT, Kind.FACE)),
)
PLACES = (
    "the Lofoten coast", "northern Patagonia", "the Karst plateau", "Glen Etive", "the Dolomites", "Hokkaido",
    "the Namib", "Snaefellsnes", "the Tatras", "Milford Sound", "the Vosges", "Zion", "the Algarve", "Jämtland",
)  # fmt: skip
SCENIC_TITLES = (
    "Morning light over {place}", "{place} after the rain [OC]", "Finally made it to {place}",
    "A quiet evening, {place} [OC]", "{place}, early spring", "Two hours uphill for this view of {place}",
)  # fmt: skip
OTHER_TITLES = {
    Kind.MEME: ("every single monday", "me explaining it to my cat", "who did this"),
    Kind.CHART: ("Coffee I drank against bugs I fixed [OC]", "Five years of rain at my house"),
    Kind.MAP: ("A map of every bakery I know", "Places I have been lost in"),
    Kind.FOOD: ("First try at dumplings", "Sunday lunch", "Rate my plate"),
    Kind.PIXEL_ART: ("16 colours, three evenings", "A tile set I am working on"),
}
PLAIN_TITLES = (
    "Found this today",
    "Thoughts?",
    "What do you think of this one",
    "Look at that",
    "[OC] My week",
)
QUESTIONS = (
    "Which boots for wet rock?", "How do you back up your photos?", "Weekly thread: small questions",
    "Is a tripod worth carrying?", "What would you do with a free day?", "Best season for a first trip?",
)  # fmt: skip
AUTHORS = (
    "moss_and_granite", "LenaOutdoors", "tenpennytripod", "quietkettle", "northface_nora", "bitrotten",
    "saltwaterbread", "gradientdescentguy", "ridgewalker88", "paperlanterns", "an_old_lens", "krill_collector",
    "hexagonalbees", "lateautumn", "mapfold", "justaphone_camera", "dunesandtunes", "threechordfern",
)  # fmt: skip


def subreddit_for(rng: random.Random, scenic: bool, kind: Kind | None = None) -> Subreddit:
    """Where a picture would be posted: by the subreddits' sizes, yields and other interests."""
    fitting = [s for s in SUBREDDITS if scenic or kind is None or kind in s.clutter]
    weights = [s.weight * (s.scenic if scenic else 1 - s.scenic) for s in fitting]
    return rng.choices(fitting, weights)[0]


def title_for(rng: random.Random, kind: Kind | None) -> str:
    """A title as people write them; without a kind it is a question."""
    if kind is None:
        return rng.choice(QUESTIONS)
    if kind in LANDSCAPES:
        return _capitalised(rng.choice(SCENIC_TITLES).format(place=rng.choice(PLACES)))
    return rng.choice(OTHER_TITLES.get(kind, PLAIN_TITLES))


def author_for(rng: random.Random, subreddit: Subreddit) -> str | None:
    """Who posted it: few people post much; some accounts are deleted, some answers lack the author."""
    if subreddit.name.startswith("u_"):
        return subreddit.name.removeprefix("u_")
    chance = rng.random()
    if chance < 0.03:
        return None
    return "[deleted]" if chance < 0.07 else _skewed(rng, AUTHORS)


def _skewed(rng: random.Random, names: Sequence[str]) -> str:
    return names[min(int(rng.expovariate(0.18)), len(names) - 1)]


def _capitalised(text: str) -> str:
    return text[0].upper() + text[1:]
