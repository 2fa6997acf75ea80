from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from models.registry import BrokenModelError, DeviceUnavailableError, ModelContractError
from models.session import Session
from tests.models.graphs import in_two_files, mean_colour, pooled, tiny_row, words


def _batch(n: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.random.default_rng(n).random((n, 3, 8, 8), np.float32)


def test_a_batch_runs_and_the_fingerprint_is_the_files(tmp_path: Path) -> None:
    path = mean_colour(tmp_path / "tiny.onnx")
    session = Session(path, tiny_row(), threads=1)
    batch = _batch(5)
    np.testing.assert_allclose(session.run(batch), batch.mean(axis=(2, 3)), atol=1e-6)
    assert session.fingerprint == sha256(path.read_bytes()).hexdigest()
    assert session.provider == "CPUExecutionProvider"


def test_an_empty_batch_gives_no_rows(tmp_path: Path) -> None:
    session = Session(mean_colour(tmp_path / "tiny.onnx"), tiny_row(), threads=1)
    assert session.run(_batch(0)).shape == (0, 3)


def test_a_flat_output_becomes_one_column(tmp_path: Path) -> None:
    session = Session(mean_colour(tmp_path / "tiny.onnx", outputs=1), tiny_row(dimension=1), threads=1)
    assert session.run(_batch(4)).shape == (4, 1)


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", b"\x08\x08" + bytes(range(256))])
def test_a_corrupt_file_is_said_to_be_unreadable(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "tiny.onnx"
    path.write_bytes(content)
    with pytest.raises(BrokenModelError, match=r"tiny\.onnx"):
        Session(path, tiny_row(), threads=1)


def test_a_truncated_model_is_said_to_be_unreadable(tmp_path: Path) -> None:
    path = mean_colour(tmp_path / "tiny.onnx")
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(BrokenModelError):
        Session(path, tiny_row(), threads=1)


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(BrokenModelError, match="there is no model"):
        Session(tmp_path / "none.onnx", tiny_row(), threads=1)


def test_another_input_name_names_both(tmp_path: Path) -> None:
    path = mean_colour(tmp_path / "tiny.onnx", name="pixels")
    with pytest.raises(ModelContractError, match=r"'input'.*pixels"):
        Session(path, tiny_row(), threads=1)


def test_another_input_size_names_both_and_a_free_one_is_taken(tmp_path: Path) -> None:
    with pytest.raises(ModelContractError, match=r"8, 8.*16, 16"):
        Session(mean_colour(tmp_path / "wide.onnx", size=16), tiny_row(), threads=1)
    free = Session(mean_colour(tmp_path / "free.onnx", size="s"), tiny_row(), threads=1)
    assert free.run(_batch(2)).shape == (2, 3)


def test_another_output_than_the_rows_is_an_error(tmp_path: Path) -> None:
    path = mean_colour(tmp_path / "tiny.onnx")
    with pytest.raises(ModelContractError, match=r"'logits'.*means"):
        Session(path, tiny_row(output_name="logits"), threads=1)
    with pytest.raises(ModelContractError, match="not 7 each"):
        Session(path, tiny_row(dimension=7), threads=1).run(_batch(2))


def test_words_are_no_output(tmp_path: Path) -> None:
    with pytest.raises(ModelContractError, match=r"should give numbers; 'label' .*tensor\(string\)"):
        Session(words(tmp_path / "words.onnx"), tiny_row(dimension=1), threads=1)


def test_weights_in_another_file_are_refused_as_no_hash_would_tell_them(tmp_path: Path) -> None:
    whole = pooled(tmp_path / "whole.onnx", size=8, dimension=64)
    Session(whole, tiny_row(dimension=64), threads=1)
    with pytest.raises(BrokenModelError, match=r"weights in another file.*make it one file"):
        Session(in_two_files(tmp_path / "two.onnx", whole), tiny_row(dimension=64), threads=1)


def test_a_batch_of_another_shape_is_an_error(tmp_path: Path) -> None:
    session = Session(mean_colour(tmp_path / "tiny.onnx"), tiny_row(), threads=1)
    with pytest.raises(ModelContractError, match="takes batches"):
        session.run(np.zeros((2, 8, 8, 3), np.float32))


def test_a_device_that_is_not_there_is_an_error_and_never_the_cpu(tmp_path: Path) -> None:
    if Path("/dev/nvidia0").exists():
        pytest.skip("this machine has a CUDA device, so nothing can fall back")
    with pytest.raises(DeviceUnavailableError, match="cuda"):
        Session(mean_colour(tmp_path / "tiny.onnx"), tiny_row(), threads=1, device="cuda")
