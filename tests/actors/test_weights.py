"""Weights from a publisher that breaks off, changes its file, gives another one, or is not there."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from actors.weights import pull
from models.registry import DownloadError, HashMismatchError, ModelRow, resolve_weights
from tests.actors.weights_server import Publisher, publishing
from tests.models.graphs import tiny_row

CONTENT = np.random.default_rng(0).bytes(3_000_000)
OTHER = np.random.default_rng(1).bytes(3_000_000)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GOLDPAN_CACHE", str(tmp_path))
    return tmp_path / "models"


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    with publishing() as found:
        found.files["/a/tiny.onnx"] = CONTENT
        yield found


def row(publisher: Publisher, **changes: object) -> ModelRow:
    return tiny_row(url=f"{publisher.url}/a/tiny.onnx", **changes)


def test_what_was_cut_off_goes_on_and_is_whole(publisher: Publisher, cache: Path) -> None:
    publisher.breaks_after = 2_000_000
    with pytest.raises(DownloadError, match="run it again to go on"):
        pull(row(publisher))
    publisher.breaks_after = None
    told: list[tuple[int, int | None]] = []
    path = pull(
        row(publisher, sha256=sha256(CONTENT).hexdigest()),
        on_progress=lambda have, total: told.append((have, total)),
    )
    assert path.read_bytes() == CONTENT and path == cache / "tiny.onnx"
    _, resumed = publisher.ranges
    assert resumed is not None and 1_900_000 < int(resumed[len("bytes=") : -1]) <= 2_000_000
    assert told[0][0] > 1_900_000 and told[-1] == (3_000_000, 3_000_000)
    assert {file.name for file in cache.iterdir()} <= {"tiny.onnx", ".tiny.onnx.lock"}
    pull(row(publisher))
    assert len(publisher.ranges) == 2, "what is here is not asked for again"


@pytest.mark.parametrize("tagged", [True, False])
def test_a_part_of_another_version_is_never_gone_on_with(publisher: Publisher, tagged: bool) -> None:
    publisher.breaks_after, publisher.tagged = 2_000_000, tagged
    with pytest.raises(DownloadError):
        pull(row(publisher))
    publisher.files["/a/tiny.onnx"], publisher.breaks_after = OTHER, None
    assert pull(row(publisher)).read_bytes() == OTHER


def test_another_file_than_the_rows_is_not_kept(publisher: Publisher, cache: Path) -> None:
    with pytest.raises(HashMismatchError, match=sha256(CONTENT).hexdigest()):
        pull(row(publisher, sha256="0" * 64))
    assert {file.name for file in cache.iterdir()} <= {".tiny.onnx.lock"}


def test_where_no_hash_is_published_the_first_one_is_locked(publisher: Publisher, cache: Path) -> None:
    path = pull(row(publisher))
    assert resolve_weights(row(publisher)) == path
    assert (cache / "tiny.onnx.sha256").read_text() == f"{sha256(CONTENT).hexdigest()}  tiny.onnx\n"
    path.write_bytes(OTHER)
    with pytest.raises(HashMismatchError, match=sha256(OTHER).hexdigest()):
        resolve_weights(row(publisher))


def test_a_mirror_is_asked_first_and_the_publisher_then(publisher: Publisher) -> None:
    with publishing() as mirror:
        assert pull(row(publisher), mirrors=(f"{mirror.url}/",)).read_bytes() == CONTENT
        assert mirror.ranges == [None] and publisher.ranges == [None]


def test_no_network_a_missing_file_and_offline_are_told_apart(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DownloadError, match=r"/b\.onnx answered 404"):
        pull(tiny_row(url=f"{publisher.url}/b.onnx"))
    with pytest.raises(DownloadError, match="is there a network"):
        pull(tiny_row(url="http://127.0.0.1:9/tiny.onnx"))
    monkeypatch.setenv("GOLDPAN_OFFLINE", "1")
    with pytest.raises(DownloadError, match="GOLDPAN_OFFLINE is set"):
        pull(row(publisher))
