"""An output's files are there whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from actors.storage import TEMPORARY, Output, OutputError


def test_files_of_every_kind_read_back(tmp_path: Path) -> None:
    output = Output(str(tmp_path / "out"))
    output.write("images/x/a.jpg", b"\xff\xd8")
    output.write_json("state/a.json", {"ü": [1, None]})
    output.write_table("verdicts/date=2026-01-01/1.parquet", pa.table({"key": ["a", "b"], "n": [1, 2]}))
    assert output.read("images/x/a.jpg") == b"\xff\xd8"
    assert output.read_json("state/a.json") == {"ü": [1, None]}
    assert output.read_table("verdicts/date=2026-01-01/1.parquet", ["n"]).to_pydict() == {"n": [1, 2]}
    assert output.names("verdicts", ".parquet") == ["verdicts/date=2026-01-01/1.parquet"]
    assert output.names("nowhere") == []
    output.remove("images/x/a.jpg")
    output.remove("images/x/a.jpg")
    assert not output.exists("images/x/a.jpg")


def test_writing_again_replaces_and_leaves_nothing_behind(tmp_path: Path) -> None:
    output = Output(str(tmp_path))
    output.write("a/b", b"1")
    output.write("a/b", b"2")
    assert output.read("a/b") == b"2"
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b"]


def test_what_a_killed_writer_left_is_not_a_file_of_the_output(tmp_path: Path) -> None:
    output = Output(str(tmp_path))
    output.write("images/x/a.jpg", b"whole")
    (tmp_path / "images/x" / f"{TEMPORARY}dead").write_bytes(b"half")
    assert output.names("images") == ["images/x/a.jpg"]
    assert output.leftovers() == [f"images/x/{TEMPORARY}dead"]
    output.remove_leftovers()
    assert not output.leftovers() and output.names("images") == ["images/x/a.jpg"]


def test_a_place_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(OutputError, match=r"not writable.*Choose another folder"):
        Output(str(tmp_path / "file")).check_writable()


def test_an_unknown_uri_says_what_would_do() -> None:
    with pytest.raises(OutputError, match="Give a folder, or a URI"):
        Output("gopher://x/y")
