"""What tests share: one Ray for the whole session, an S3, and the shared photographs where they are."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

pytest_plugins = ["tests.s3"]

# How long an example takes is the machine's affair: others may be at work on it.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

SHARED = Path(os.environ.get("GOLDPAN_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))


@pytest.fixture(scope="session")
def ray_here() -> Iterator[None]:
    """A Ray on this machine, started as goldpan starts it."""
    import ray

    from flows import placement

    placement.connect()
    yield
    ray.shutdown()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real photographs; tests that need it are skipped where it is not."""
    if not SHARED.is_dir():
        pytest.skip(f"no shared test data at {SHARED}: set GOLDPAN_SHARED_DATA")
    return SHARED
