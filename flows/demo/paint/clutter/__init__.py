"""Painted clutter, all that Reddit holds besides landscapes: one function a kind, (rng, size) → image."""

from flows.demo.paint.clutter.diagrams import chart, town_map
from flows.demo.paint.clutter.drawings import comic, meme, pixel_art, poster
from flows.demo.paint.clutter.people import face
from flows.demo.paint.clutter.places import building, room
from flows.demo.paint.clutter.screens import article, chat, dashboard, spreadsheet
from flows.demo.paint.clutter.things import flower, food, product
from flows.demo.paint.kinds import Kind

PAINTERS = {
    Kind.ARTICLE: article,
    Kind.CHAT: chat,
    Kind.MEME: meme,
    Kind.CHART: chart,
    Kind.SPREADSHEET: spreadsheet,
    Kind.DASHBOARD: dashboard,
    Kind.MAP: town_map,
    Kind.PIXEL_ART: pixel_art,
    Kind.COMIC: comic,
    Kind.POSTER: poster,
    Kind.PRODUCT: product,
    Kind.FACE: face,
    Kind.FOOD: food,
    Kind.ROOM: room,
    Kind.FLOWER: flower,
    Kind.BUILDING: building,
}
