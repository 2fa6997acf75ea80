"""On a full disk nothing that was committed is harmed, and the same again goes on once there is room."""

from __future__ import annotations

import errno
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from actors.lock import PATH, OutputLock
from actors.storage import Output
from actors.upkeep.checkup import examine
from flows.compact import compact
from tests.actors.upkeep.small_output import commit, facts, manifest, silent, small


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"no small disk, as mounting a tmpfs is not allowed: {mounted.stderr.strip()}")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def fill(disk: Path) -> Path:
    filler = disk / "filler"
    with pytest.raises(OSError) as full, filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    assert full.value.errno == errno.ENOSPC
    return filler


def test_a_commit_fails_whole_and_can_be_repeated(small_disk: Path) -> None:
    output = small(str(small_disk / "out"))
    before = facts(output)
    window = manifest(4, ["t3_4a/0", "t3_4b/0"])
    filler = fill(small_disk)
    with pytest.raises(OSError, match="No space left"):
        window.write(output)
    with pytest.raises(OSError, match="No space left"):
        commit(output, window)
    assert facts(output) == before and not examine(output, silent).findings
    assert not output.leftovers(), "what could not be written is no leftover"
    filler.unlink()
    window.write(output)
    commit(output, window)
    assert examine(output, silent).rows == 11 and not examine(output, silent).findings


def test_a_command_says_so_and_the_lock_is_left(small_disk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = small(str(small_disk / "out"))
    before = facts(output)
    filler = fill(small_disk)
    # Room for the lock, and for nothing larger.
    filler.write_bytes(filler.read_bytes()[:-8192])
    with pytest.raises(typer.Exit) as ended:
        compact(output.uri)
    assert ended.value.exit_code == 1
    assert "the disk is full; what was committed is whole: free space" in capsys.readouterr().err
    assert facts(output) == before and not output.exists(PATH) and not examine(output, silent).findings
    filler.unlink()
    compact(output.uri)
    assert facts(output) == before and len(output.names("verdicts")) == 1
    with OutputLock(Output(output.uri), "next"):
        pass
