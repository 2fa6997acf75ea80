"""What the demo world can paint."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """Every kind of picture the demo world paints."""

    MOUNTAINS = "mountains"
    COAST = "coast"
    LAKE = "lake"
    FOREST = "forest"
    DUNES = "dunes"
    HILLS = "hills"
    SNOW = "snow"
    SUNSET = "sunset"
    CANYON = "canyon"

    ARTICLE = "article"
    CHAT = "chat"
    MEME = "meme"
    CHART = "chart"
    SPREADSHEET = "spreadsheet"
    DASHBOARD = "dashboard"
    MAP = "map"
    PIXEL_ART = "pixel_art"
    COMIC = "comic"
    POSTER = "poster"
    PRODUCT = "product"
    FACE = "face"
    FOOD = "food"
    ROOM = "room"
    FLOWER = "flower"
    BUILDING = "building"


LANDSCAPES: tuple[Kind, ...] = (
    Kind.MOUNTAINS,
    Kind.COAST,
    Kind.LAKE,
    Kind.FOREST,
    Kind.DUNES,
    Kind.HILLS,
    Kind.SNOW,
    Kind.SUNSET,
    Kind.CANYON,
)

CLUTTER: tuple[Kind, ...] = tuple(kind for kind in Kind if kind not in LANDSCAPES)
