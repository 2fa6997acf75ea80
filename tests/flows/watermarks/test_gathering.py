"""Pictures come out of a Debian package, from an archive of one folder, as they lie there."""

from __future__ import annotations

import subprocess
import zipfile
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from shutil import which

import numpy as np
import pytest
from PIL import Image

from flows.exits import PreflightError
from flows.watermarks.gathering import COLUMNS, Listed, gather, webp_of, write

PACKAGE = "goldpan-test-pictures"
CONTROL = f"""Package: {PACKAGE}
Version: 1
Architecture: all
Maintainer: nobody <nobody@localhost>
Description: pictures for a test
"""
RED, GREEN, BLUE, GREY = (200, 30, 30), (30, 160, 40), (30, 40, 200), (90, 90, 90)


def picture(colour: tuple[int, int, int] = RED, mode: str = "RGB", form: str = "PNG") -> bytes:
    file = BytesIO()
    image = Image.new(mode, (64, 48), (*colour, 255)[: len(mode)])
    if mode == "RGBA":
        image.paste((0, 0, 0, 0), (0, 0, 32, 48))
    image.save(file, form, lossless=True)
    return file.getvalue()


WEBP = (picture(RED, form="WEBP"), picture(BLUE, form="WEBP"))


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An archive of one package, which apt-get knows instead of Debian's."""
    if which("apt-get") is None or which("dpkg-deb") is None:
        pytest.skip("needs apt-get and dpkg-deb: run it on Debian")
    share = tmp_path / "root" / "usr" / "share" / "pictures"
    share.mkdir(parents=True)
    (share.parents[2] / "DEBIAN").mkdir()
    (share.parents[2] / "DEBIAN" / "control").write_text(CONTROL)
    (share / "plain.png").write_bytes(picture())
    (share / "cut out.png").write_bytes(picture(GREY, "RGBA"))
    (share / "some.rcc").write_bytes(b"qres RIFF" + bytes(20) + WEBP[0] + WEBP[1] + b"RIFF")
    with zipfile.ZipFile(share / "some.zip", "w") as some:
        some.writestr("inside/one.png", picture(GREEN))
    repository = tmp_path / "repository"
    repository.mkdir()
    deb = repository / f"{PACKAGE}_1_all.deb"
    subprocess.run(["dpkg-deb", "-b", share.parents[2], deb], check=True, capture_output=True)
    told = f"Filename: ./{deb.name}\nSize: {deb.stat().st_size}\nSHA256: {sha256(deb.read_bytes()).hexdigest()}\n"
    (repository / "Packages").write_text(CONTROL + told)
    (tmp_path / "sources.list").write_text(f"deb [trusted=yes] file:{repository} ./\n")
    for folder in ("lists/partial", "cache/archives/partial", "none"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "status").touch()
    config = tmp_path / "apt.conf"
    config.write_text(
        f'Dir::Etc::SourceList "{tmp_path}/sources.list"; Dir::Etc::SourceParts "{tmp_path}/none";\n'
        f'Dir::State::Lists "{tmp_path}/lists"; Dir::State::status "{tmp_path}/status";\n'
        f'Dir::Cache "{tmp_path}/cache"; APT::Sandbox::User "root";\n'
    )
    monkeypatch.setenv("APT_CONFIG", str(config))
    subprocess.run(["apt-get", "update", "-qq"], check=True, capture_output=True)
    return tmp_path


def table(folder: Path, *lines: tuple[str, bytes]) -> Path:
    """A list: of each line package, path and member, and the picture's bytes."""
    file = folder / "list.csv"
    told = [f"{line},{sha256(content).hexdigest()}" for line, content in lines]
    file.write_text("\n".join((",".join(COLUMNS), *told)) + "\n")
    return file


def listed(folder: Path) -> Path:
    within = f"{PACKAGE},usr/share/pictures"
    return table(
        folder, (f"{within}/plain.png,", picture()), (f"{within}/cut out.png,", picture(GREY, "RGBA")),
        (f"{within}/some.zip,inside/one.png", picture(GREEN)), (f"{within}/some.rcc,1", WEBP[1]),
    )  # fmt: skip


COLOURS = {"cut_out": GREY, "plain": RED, "some_1": BLUE, "some_inside_one.png": GREEN}


def test_pictures_are_taken_from_files_zips_and_resources(archive: Path) -> None:
    gather(listed(archive), archive / "out")
    files = {
        file.stem.removeprefix(f"{PACKAGE}_pictures_"): Image.open(file)
        for file in (archive / "out").iterdir()
    }
    assert files.keys() == COLOURS.keys()
    for name, image in files.items():
        # Of the one that is cut out, the right half is in the middle of its ground.
        at = (image.height // 2, image.width // 2 + 16)
        np.testing.assert_allclose(np.array(image)[at], COLOURS[name], atol=6, err_msg=name)
    ground = np.array(files["cut_out"], int)[files["cut_out"].height // 2, 2]
    assert np.abs(ground - GREY).max() > 20


def test_what_is_there_is_not_downloaded_again(archive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gather(listed(archive), archive / "out")
    before = {file: file.stat().st_mtime_ns for file in (archive / "out").iterdir()}
    (archive / "repository" / f"{PACKAGE}_1_all.deb").unlink()
    gather(listed(archive), archive / "out")
    assert {file: file.stat().st_mtime_ns for file in (archive / "out").iterdir()} == before
    next(iter(before)).unlink()
    with pytest.raises(PreflightError, match=f"apt-get download -qq -- {PACKAGE} failed"):
        gather(listed(archive), archive / "out")
    assert "4 pictures" in capsys.readouterr().out


def test_what_is_another_or_none_is_named_and_the_rest_taken(archive: Path) -> None:
    (archive / "secret.png").write_bytes(picture())
    within = f"{PACKAGE},usr/share/pictures"
    wrong = [
        f"{PACKAGE},usr/share/none.png,", f"{PACKAGE},{archive}/secret.png,",
        f"{within}/some.zip,none.png", f"{within}/some.rcc,2", f"{within}/some.rcc,-1",
    ]  # fmt: skip
    lines = table(
        archive, (f"{within}/plain.png,", picture()), (f"{within}/cut out.png,", picture()),
        *((line, picture()) for line in wrong),
    )  # fmt: skip
    with pytest.raises(PreflightError, match=f"6 of 7 pictures .*{PACKAGE} usr/share/pictures/cut out.png"):
        gather(lines, archive / "out")
    assert [file.name for file in (archive / "out").iterdir()] == [f"{PACKAGE}_pictures_plain.jpg"]
    with pytest.raises(PreflightError, match=r"Unable to locate package none-such .*apt-get update"):
        gather(table(archive, ("none-such,usr/a.png,", b"")), archive / "out")


def test_a_machine_without_apt_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PreflightError, match="apt-get is not here"):
        gather(table(tmp_path, (f"{PACKAGE},usr/a.png,", b"")), tmp_path / "out")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a,b\n1,2\n", "no table of package, path, member, sha256"),
        ("package,path,member,sha256\n", "lists no pictures"),
        ("package,path,member,sha256\none-field\n", "no path follows"),
        ("package,path,member,sha256\n-oDir::Bin::dpkg=/evil,usr/a.png,,0\n", "is no package's name"),
        (
            "package,path,member,sha256\nsome,usr/a.png,,0\nsome,usr/a.jpg,,0\n",
            "would both be some_usr_a.jpg",
        ),
    ],
)
def test_another_table_is_refused_before_anything_is_made(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "list.csv").write_text(text)
    with pytest.raises(PreflightError, match=why):
        gather(tmp_path / "list.csv", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_cut_out_picture_gets_the_same_ground_again(tmp_path: Path) -> None:
    cut = picture(GREY, "RGBA")
    (tmp_path / "a.png").write_bytes(cut)
    one = Listed("p", "a.png", "", sha256(cut).hexdigest())
    for out in ("one", "two"):
        (tmp_path / out).mkdir()
        assert write(one, tmp_path, tmp_path / out)
    assert (tmp_path / "one" / one.name).read_bytes() == (tmp_path / "two" / one.name).read_bytes()


def test_a_cut_resource_file_has_no_picture_beyond_its_end() -> None:
    assert list(webp_of(WEBP[0][:-1])) == []
