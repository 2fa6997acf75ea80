"""The models of gates before a run: fetched, checked, and each fault is said by the gate's name."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from hashlib import sha256
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto
from rich.console import Console

from actors.gate import Gate, held_at
from actors.storage import Output
from flows.exits import PreflightError
from flows.gates import prepare
from flows.settings import Settings, SettingsError, load_settings
from tests.models.graphs import mean_colour, square_root

CONSOLE = Console(quiet=True)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOLDPAN_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None: ...

    (tmp_path / "site").mkdir()
    serving = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "site")))
    threading.Thread(target=serving.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{serving.server_port}"
    serving.shutdown()
    serving.server_close()


def settings(tmp_path: Path, model: Path | str, **changes: Any) -> Settings:
    row = {"name": "red", "model": str(model), "size": 8, "outputs": 3, "keep_above": 0.5} | changes
    return load_settings({"sources": (), "out": str(tmp_path / "out"), "gates": {"models": [row]}})


def prepared(tmp_path: Path, model: Path | str, **changes: Any) -> Settings:
    chosen = settings(tmp_path, model, **changes)
    return prepare(chosen, Output(chosen.out), CONSOLE)


def test_a_model_of_a_path_goes_into_the_output_and_scores_from_there(tmp_path: Path) -> None:
    model = mean_colour(tmp_path / "red.onnx")
    (row,) = prepared(tmp_path, model).gates.models
    assert row.sha256 == sha256(model.read_bytes()).hexdigest()
    model.unlink()
    for path in (tmp_path / "cache/gates").iterdir():
        path.unlink()  # as on another node
    gate = Gate(str(tmp_path / "out"), row, 1, "cpu")
    assert gate(np.full((2, 8, 8, 3), 255, np.uint8)).tolist() == [1.0, 1.0]
    assert Output(str(tmp_path / "out")).exists(held_at(row))


def test_a_model_of_a_url_is_fetched_once(tmp_path: Path, server: str) -> None:
    model = mean_colour(tmp_path / "site/red.onnx")
    digest = sha256(model.read_bytes()).hexdigest()
    prepared(tmp_path, f"{server}/red.onnx", sha256=digest)
    model.unlink()
    (row,) = prepared(tmp_path, f"{server}/red.onnx", sha256=digest).gates.models
    assert row.sha256 == digest


def test_what_the_host_gives_instead_is_said(tmp_path: Path, server: str) -> None:
    mean_colour(tmp_path / "site/red.onnx")
    with pytest.raises(PreflightError, match=r"gates.models: red: .*was not had.*hash"):
        prepared(tmp_path, f"{server}/red.onnx", sha256="0" * 64)
    with pytest.raises(PreflightError, match=r"gates.models: red: .*was not had.*404"):
        prepared(tmp_path, f"{server}/absent.onnx", sha256="0" * 64)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"size": 9}, r"should take \('n', 3, 9, 9\); this file takes"),
        ({"layout": "nhwc"}, "should take"),
        ({"outputs": 5}, "not 5 each"),
        ({"input": "image"}, "should have an input 'image'; this has input"),
        ({"output": "logits"}, "should have an output 'logits'; this has means"),
        ({"sha256": "0" * 64}, "another file than the one of sha256"),
    ],
)
def test_a_row_that_is_not_the_models_is_said(tmp_path: Path, changes: dict[str, Any], problem: str) -> None:
    model = mean_colour(tmp_path / "red.onnx")
    with pytest.raises(PreflightError, match=f"gates.models: red: .*{problem}"):
        prepared(tmp_path, model, **changes)


def test_a_model_that_answers_nan_or_is_none_is_said(tmp_path: Path) -> None:
    with pytest.raises(PreflightError, match=r"gates.models: red: it answers what is not a number"):
        prepared(tmp_path, square_root(tmp_path / "root.onnx"), outputs=1)
    (tmp_path / "page.onnx").write_bytes(b"<html>not found</html>")
    with pytest.raises(PreflightError, match=r"gates.models: red: .*not a model that can be read"):
        prepared(tmp_path, tmp_path / "page.onnx")
    with pytest.raises(PreflightError, match=r"gates.models: red: there is no model at"):
        prepared(tmp_path, tmp_path / "absent.onnx")


def test_a_model_of_another_type_is_said(tmp_path: Path) -> None:
    model = mean_colour(tmp_path / "half.onnx", kind=TensorProto.FLOAT16)
    with pytest.raises(PreflightError, match=r"gates.models: red: .*Unexpected input data type"):
        prepared(tmp_path, model)


def test_two_gates_of_one_name_are_refused(tmp_path: Path) -> None:
    row = {"name": "red", "model": "a.onnx", "size": 8}
    with pytest.raises(SettingsError, match="a name of its own"):
        load_settings({"sources": (), "out": "o", "gates": {"models": [row, row]}})
