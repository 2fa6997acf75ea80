from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from models.registry import (
    ROWS,
    HashMismatchError,
    ModelError,
    Task,
    UnknownModelError,
    WeightsMissingError,
    cache_folder,
    encoder_row,
    file_sha256,
    resolve_weights,
    watermark_row,
    write_atomically,
)
from tests.models.graphs import tiny_row


def test_names_are_unique_and_rows_are_found_by_name_and_task() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS)
    for row in ROWS:
        assert (encoder_row if row.task is Task.ENCODER else watermark_row)(row.name) is row


def test_an_unknown_name_or_another_task_names_those_there_are() -> None:
    with pytest.raises(UnknownModelError, match=r"'clap'.*gist, gist-grey, clip"):
        encoder_row("clap")
    with pytest.raises(UnknownModelError, match="watermark"):
        encoder_row("watermark")


def test_every_model_error_is_drawn_in_the_tree() -> None:
    import models.taste  # noqa: F401  (its errors hang in the same tree)

    def below(error: type[Exception]) -> list[str]:
        return [name for child in error.__subclasses__() for name in (child.__name__, *below(child))]

    assert below(ModelError)
    for name in below(ModelError):
        assert name in (ModelError.__doc__ or "")


@pytest.mark.parametrize("name", ["gist", "gist-grey"])
def test_committed_weights_are_the_ones_the_row_records(name: str) -> None:
    row = encoder_row(name)
    assert file_sha256(resolve_weights(row)) == row.sha256


def test_missing_release_weights_say_where_from_and_where_to(tmp_path: Path) -> None:
    row = encoder_row("clip")
    with pytest.raises(WeightsMissingError) as caught:
        resolve_weights(row, tmp_path)
    assert str(row.url) in str(caught.value)
    assert str(tmp_path / "models" / "clip_visual.onnx") in str(caught.value)


def test_weights_that_lie_there_are_taken_and_checked_against_the_row(tmp_path: Path) -> None:
    path = write_atomically(tmp_path / "models" / "tiny.onnx", b"weights")
    assert resolve_weights(tiny_row(), tmp_path) == path
    assert resolve_weights(tiny_row(sha256=sha256(b"weights").hexdigest()), tmp_path) == path
    with pytest.raises(HashMismatchError, match="Remove it"):
        resolve_weights(tiny_row(sha256="0" * 64), tmp_path)


def test_the_cache_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GOLDPAN_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("GOLDPAN_CACHE")
    assert cache_folder().name == "goldpan"


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError):
        write_atomically(tmp_path / "taken", b"content")
    assert [file.name for file in tmp_path.iterdir()] == ["taken"]
