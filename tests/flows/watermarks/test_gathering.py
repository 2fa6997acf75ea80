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
from flows.watermarks.gathering import Listed, gather, read_list, webp_of, write

PACKAGE = "goldpan-test-pictures"
CONTROL = f"""Package: {PACKAGE}
Version: 1
Architecture: all
Maintainer: nobody <nobody@localhost>
Description: pictures for a test
"""
RED = (200, 30, 30)


def picture(mode: str = "RGB", form: str = "PNG") -> bytes:
    file = BytesIO()
    image = Image.new(mode, (64, 48), (*RED, 255)[: len(mode)])
    if mode == "RGBA":
        image.paste((0, 0, 0, 0), (0, 0, 32, 48))
    image.save(file, form, lossless=True)
    return file.getvalue()


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
    (share / "cut out.png").write_bytes(picture("RGBA"))
    (share / "some.rcc").write_bytes(b"qres RIFF" + bytes(20) + picture(form="WEBP") * 2 + b"RIFF")
    with zipfile.ZipFile(share / "some.zip", "w") as some:
        some.writestr("inside/one.png", picture())
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


def table(folder: Path, *lines: str) -> Path:
    file = folder / "list.csv"
    file.write_text("\n".join(("package,path,member", *lines)) + "\n")
    return file


def test_pictures_are_taken_from_files_zips_and_resources(archive: Path) -> None:
    folder = f"{PACKAGE},usr/share/pictures"
    listed = table(
        archive, f"{folder}/plain.png,", f"{folder}/cut out.png,", f"{folder}/some.zip,inside/one.png",
        f"{folder}/some.rcc,1",
    )  # fmt: skip
    gather(listed, archive / "out")
    found = {
        file.name.removeprefix(f"{PACKAGE}_pictures_"): Image.open(file)
        for file in (archive / "out").iterdir()
    }
    assert sorted(found) == ["cut_out.jpg", "plain.jpg", "some_1.jpg", "some_inside_one.png.jpg"]
    for name, image in found.items():
        # Of the one that is cut out, the right half is in the middle of its ground.
        at = (image.width // 2 + 16, image.height // 2)
        np.testing.assert_allclose(np.array(image)[at[1], at[0]], RED, atol=6, err_msg=name)
    ground = np.array(found["cut_out.jpg"], int)[found["cut_out.jpg"].height // 2, 2]
    assert np.abs(ground - RED).max() > 20


def test_what_cannot_be_had_is_named(archive: Path) -> None:
    with pytest.raises(
        PreflightError, match="apt-get download -qq failed: E: Unable to locate package none-such"
    ):
        gather(table(archive, "none-such,usr/a.png,"), archive / "out")
    for line in (
        "usr/share/none.png,",
        "usr/share/pictures/some.zip,none.png",
        "usr/share/pictures/some.rcc,2",
    ):
        with pytest.raises(PreflightError, match=f"{PACKAGE} has no picture {line.split(',')[0]}"):
            gather(table(archive, f"{PACKAGE},{line}"), archive / "out")


def test_a_machine_without_apt_and_another_table_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PreflightError, match="apt-get is not here"):
        gather(table(tmp_path, f"{PACKAGE},usr/a.png,"), tmp_path / "out")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(PreflightError, match="no table of package, path and member"):
        read_list(tmp_path / "other.csv")


def test_the_same_picture_gets_the_same_ground_again(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(picture("RGBA"))
    for out in ("one", "two"):
        (tmp_path / out).mkdir()
    one, two = (
        write(Listed("p", "a.png", ""), tmp_path, tmp_path / out).read_bytes() for out in ("one", "two")
    )
    assert one == two


def test_a_cut_resource_file_has_no_picture_beyond_its_end() -> None:
    assert list(webp_of(picture(form="WEBP")[:-1])) == []
