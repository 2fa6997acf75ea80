"""Painted landscapes: one function a kind, all of (rng, size) → image."""

from flows.demo.paint.kinds import Kind
from flows.demo.paint.landscape.dry import canyon, dunes
from flows.demo.paint.landscape.green import forest, hills
from flows.demo.paint.landscape.high import mountains, snow, sunset
from flows.demo.paint.landscape.wet import coast, lake

PAINTERS = {
    Kind.MOUNTAINS: mountains,
    Kind.COAST: coast,
    Kind.LAKE: lake,
    Kind.FOREST: forest,
    Kind.DUNES: dunes,
    Kind.HILLS: hills,
    Kind.SNOW: snow,
    Kind.SUNSET: sunset,
    Kind.CANYON: canyon,
}
