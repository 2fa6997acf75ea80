"""The benchmark's arm of goldpan gets what the server gives; img2dataset's arm is not run here."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import ceiling, crawl_alone, image_server
from benchmarks.took import Keep, digests
from flows.settings import load_settings

IMAGES = 20


@pytest.mark.usefixtures("ray_here")
def test_every_image_is_taken_as_it_was_served(tmp_path: Path) -> None:
    with image_server.running("small") as port:
        listed = tmp_path / "urls.txt"
        listed.write_text("\n".join(image_server.urls(port, IMAGES)))
        for keep, files in ((Keep.FILES, IMAGES), (Keep.SYNCED, IMAGES), (Keep.NOTHING, 0)):
            out = tmp_path / keep.name
            crawl = image_server.lifted(port)
            settings = load_settings({"sources": [f"urls:{listed}"], "out": str(out), "crawl": crawl})
            images, seconds = crawl_alone.timed(settings, keep)
            assert images == IMAGES and seconds > 0
            assert digests(out).total() == files
            assert not files or digests(out) == ceiling.served(port, IMAGES)
