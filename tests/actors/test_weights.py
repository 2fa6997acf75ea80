"""Weights from a publisher that breaks off, changes its file, gives another one, or is not there."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import numpy as np
import onnx
import pytest

from actors.weights import pull
from models.registry import DownloadError, HashMismatchError, ModelRow, resolve_weights
from tests.actors.weights_server import Publisher, publishing
from tests.models.graphs import mean_colour, tiny_row

SIZE = 3_000_000


def model(folder: Path, seed: int) -> bytes:
    """Give a model of about 3 MB, no two parts of which are the same."""
    held = onnx.load(mean_colour(folder / "made.onnx"))
    held.doc_string = np.random.default_rng(seed).bytes(SIZE // 2).hex()
    return bytes(held.SerializeToString())


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GOLDPAN_CACHE", str(tmp_path))
    return tmp_path / "models"


@pytest.fixture
def content(tmp_path: Path) -> bytes:
    return model(tmp_path, 0)


@pytest.fixture
def other(tmp_path: Path) -> bytes:
    return model(tmp_path, 1)


@pytest.fixture
def publisher(content: bytes) -> Iterator[Publisher]:
    with publishing() as found:
        found.files["/a/tiny.onnx"] = content
        yield found


def row(publisher: Publisher, **changes: object) -> ModelRow:
    return tiny_row(url=f"{publisher.url}/a/tiny.onnx", **changes)


def test_what_was_cut_off_goes_on_and_is_whole(publisher: Publisher, cache: Path, content: bytes) -> None:
    publisher.breaks_after = 2_000_000
    with pytest.raises(DownloadError, match="run it again to go on"):
        pull(row(publisher))
    publisher.breaks_after = None
    told: list[tuple[int, int | None]] = []
    path = pull(
        row(publisher, sha256=sha256(content).hexdigest()),
        on_progress=lambda have, total: told.append((have, total)),
    )
    assert path.read_bytes() == content and path == cache / "tiny.onnx"
    _, resumed = publisher.ranges
    assert resumed is not None and 1_900_000 < int(resumed[len("bytes=") : -1]) <= 2_000_000
    assert told[0][0] > 1_900_000 and told[-1] == (len(content), len(content))
    assert {file.name for file in cache.iterdir()} <= {"tiny.onnx", ".tiny.onnx.lock"}
    pull(row(publisher))
    assert len(publisher.ranges) == 2, "what is here is not asked for again"


def test_what_was_killed_while_it_was_checked_is_not_fetched_again(
    publisher: Publisher, cache: Path, content: bytes
) -> None:
    path = pull(row(publisher))
    path.rename(cache / ".tiny.onnx.part")
    (cache / ".tiny.onnx.etag").write_text(f'"{sha256(content).hexdigest()[:16]}"')
    assert pull(row(publisher)).read_bytes() == content
    assert publisher.ranges == [None, f"bytes={len(content)}-"]


@pytest.mark.parametrize("tagged", [True, False])
def test_a_part_of_another_version_is_never_gone_on_with(
    publisher: Publisher, tagged: bool, other: bytes
) -> None:
    publisher.breaks_after, publisher.tagged = 2_000_000, tagged
    with pytest.raises(DownloadError):
        pull(row(publisher))
    publisher.files["/a/tiny.onnx"], publisher.breaks_after = other, None
    assert pull(row(publisher)).read_bytes() == other


def test_another_file_than_the_rows_is_not_kept(publisher: Publisher, cache: Path, content: bytes) -> None:
    with pytest.raises(HashMismatchError, match=sha256(content).hexdigest()):
        pull(row(publisher, sha256="0" * 64))
    assert {file.name for file in cache.iterdir()} <= {".tiny.onnx.lock"}


def test_what_is_no_model_is_not_kept_and_the_message_says_what_came(
    publisher: Publisher, cache: Path, content: bytes
) -> None:
    publisher.files["/a/tiny.onnx"] = b"<html>Log in to this network</html>"
    with pytest.raises(
        DownloadError, match=r"sent text/html, 35 bytes, and not the model of the row: .* can be read"
    ):
        pull(row(publisher))
    assert {file.name for file in cache.iterdir()} <= {".tiny.onnx.lock"}
    publisher.files["/a/tiny.onnx"] = content
    with pytest.raises(DownloadError, match="should have an input 'pixels'"):
        pull(row(publisher, input_name="pixels"))
    assert pull(row(publisher)).read_bytes() == content


def test_where_no_hash_is_published_the_first_one_is_locked(
    publisher: Publisher, cache: Path, content: bytes, other: bytes
) -> None:
    path = pull(row(publisher))
    assert resolve_weights(row(publisher)) == path
    assert (cache / "tiny.onnx.sha256").read_text() == f"{sha256(content).hexdigest()}  tiny.onnx\n"
    path.write_bytes(other)
    with pytest.raises(HashMismatchError, match=sha256(other).hexdigest()):
        resolve_weights(row(publisher))
    # As a machine that lost its power leaves it.
    (cache / "tiny.onnx.sha256").write_text("")
    with pytest.raises(HashMismatchError, match="holds no sha256: remove it"):
        resolve_weights(row(publisher))


def test_a_mirror_is_asked_first_and_the_publisher_then(publisher: Publisher, content: bytes) -> None:
    with publishing() as mirror:
        assert pull(row(publisher), mirrors=(f"{mirror.url}/",)).read_bytes() == content
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
