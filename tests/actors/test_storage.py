"""An output's files are there whole or not at all."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
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


@pytest.mark.skipif(os.name != "posix", reason="folders cannot be synced here")
def test_a_file_is_on_disk_before_it_has_its_name_and_so_is_each_folder_that_is_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[int | str] = []
    sync, replace = os.fsync, Path.replace

    def synced(descriptor: int) -> None:
        done.append(os.fstat(descriptor).st_ino)
        sync(descriptor)

    def named(path: Path, place: Path) -> Path:
        done.append("named")
        return replace(path, place)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", named)
    output = Output(str(tmp_path))
    output.write("images/Pics/a.jpg", b"1")
    root, images, pics, image = (
        (tmp_path / name).stat().st_ino for name in (".", "images", "images/Pics", "images/Pics/a.jpg")
    )
    assert done == [root, images, image, "named", pics]
    output.write("images/Pics/b.jpg", b"2")
    assert len(done) == 5 + 3, "the folders are there already"
    output.move("images/Pics/b.jpg", "aside/images/b.jpg")
    aside = [(tmp_path / name).stat().st_ino for name in (".", "aside", "aside/images")]
    assert done[8:] == aside


def test_writing_again_replaces_and_leaves_nothing_behind(tmp_path: Path) -> None:
    output = Output(str(tmp_path))
    output.write("a/b", b"1")
    output.write("a/b", b"2")
    assert output.read("a/b") == b"2"
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b"]


def test_what_a_killed_writer_left_is_not_a_file_of_the_output(tmp_path: Path) -> None:
    output = Output(str(tmp_path))
    output.write("images/x/a.jpg", b"whole")
    dead = TEMPORARY + "0123456789abcdef" * 2
    (tmp_path / "images/x" / dead).write_bytes(b"half")
    (tmp_path / dead).write_bytes(b"")
    assert output.names("images") == ["images/x/a.jpg"]
    assert output.leftovers() == [dead, f"images/x/{dead}"]
    output.remove_leftovers()
    assert not output.leftovers() and output.names("images") == ["images/x/a.jpg"]


def test_files_that_goldpan_did_not_write_are_no_leftovers(tmp_path: Path) -> None:
    foreign = [
        tmp_path / "Documents" / f"{TEMPORARY}my-notes.txt",
        tmp_path / "Documents" / f"{TEMPORARY}{'0' * 32}",
        tmp_path / "images" / "x" / f"{TEMPORARY}my-notes.txt",
        tmp_path / f"{TEMPORARY}my-notes.txt",
    ]
    for path in foreign:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine")
    Output(str(tmp_path)).remove_leftovers()
    assert all(path.read_text() == "mine" for path in foreign)


def test_of_many_that_create_a_file_one_does(tmp_path: Path) -> None:
    output = Output(str(tmp_path))
    texts = [str(number).encode() * 1000 for number in range(16)]
    with ThreadPoolExecutor(16) as writers:
        created = list(writers.map(lambda text: output.create("state/one", text), texts))
    assert created.count(True) == 1
    assert output.read("state/one") == texts[created.index(True)]
    assert [path.name for path in (tmp_path / "state").iterdir()] == ["one"]


def test_an_object_store_creates_what_is_not_there(tmp_path: Path) -> None:
    output = Output("mock:///")
    assert output.local is None
    assert output.create("one", b"first") and not output.create("one", b"second")
    assert output.read("one") == b"first"


def test_text_that_utf8_cannot_hold_reads_back(tmp_path: Path) -> None:
    output = Output(str(tmp_path))
    value = {"title": "\ud800 ü", "when": None, "n": [1, {"x": "\udcff"}]}
    output.write_json("state/a.json", value)
    assert output.read_json("state/a.json") == value


@pytest.mark.parametrize(
    "uri",
    [
        "s3://KEY:SECRET@/folder",
        "s3://KEY:SEC/RET@bucket/folder",
        "gopher://KEY:SECRET@bucket/folder",
        "abfs://:SECRET@account.blob.core.windows.net/folder?unknown=SECRET",
    ],
)
def test_no_message_repeats_a_credential(uri: str) -> None:
    with pytest.raises(OutputError) as refused:
        Output(uri)
    assert not any(part in str(refused.value) for part in ("KEY", "SECRET", "SEC/", "RET@"))
    assert refused.value.__cause__ is None


def test_a_place_is_shown_without_its_credentials() -> None:
    uri = "s3://KEY:SECRET@bucket/a@b?region=eu-west-1&endpoint_override=localhost:1"
    assert Output(uri).shown == "s3://bucket/a@b"
    signed = "abfs://:SECRET@account.blob.core.windows.net/folder?sig=SECRET"
    assert Output(signed).shown == "abfs://account.blob.core.windows.net/folder"
    assert Output("a@b?c").shown == "a@b?c"


def test_a_place_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(OutputError, match=r"not writable.*Choose another folder"):
        Output(str(tmp_path / "file")).check_writable()


def test_an_unknown_uri_says_what_would_do() -> None:
    with pytest.raises(OutputError, match="Give a folder, or a URI"):
        Output("gopher://x/y")
