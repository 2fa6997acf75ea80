"""One tiny world, served once for all tests of this folder; what it paints is kept in a temporary cache."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.demo.server import DemoServer
from flows.demo.world import World

SCALE = 0.05


@pytest.fixture(scope="package")
def world() -> World:
    return World.build(7, scale=SCALE)


@pytest.fixture(scope="package")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="package")
def server(world: World, cache: Path) -> Iterator[DemoServer]:
    with DemoServer(world, cache=cache) as running:
        yield running
