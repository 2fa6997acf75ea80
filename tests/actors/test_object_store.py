"""An output at s3:// is as whole as one on a disk: against a real S3 server, over HTTP."""

from __future__ import annotations

import hashlib
import time
from typing import Any

import pytest

from actors.ledger import Ledger
from actors.lock import PATH, OutputLock
from actors.shards import TABLES
from actors.storage import Output, OutputError
from actors.upkeep.checkup import examine
from actors.upkeep.compaction import compact
from actors.upkeep.repair import mend
from flows.yields import By, query
from tests.actors.upkeep.small_output import facts, silent, small
from tests.s3 import Bucket


@pytest.fixture
def output(bucket: Bucket) -> Output:
    return Output(f"{bucket.uri}/out")


def test_files_of_every_size_are_there_whole(output: Output) -> None:
    large = bytes(range(256)) * (48 << 10)  # more than a part of an upload in parts
    for path, data in (("images/a.jpg", b"one"), ("images/b/ü c.jpg", large), ("state/empty", b"")):
        output.write(path, data)
        assert output.read(path) == data
    assert output.sizes("images") == {"images/a.jpg": 3, "images/b/ü c.jpg": len(large)}
    output.write("images/a.jpg", b"another")
    assert output.read("images/a.jpg") == b"another" and output.leftovers() == []
    assert output.set_aside("images/a.jpg") == "aside/images/a.jpg"
    assert output.names("images") == ["images/b/ü c.jpg"] and output.read("aside/images/a.jpg") == b"another"
    output.remove("images/nothing.jpg")
    assert output.names("nowhere") == [] and not output.exists("nowhere")
    with pytest.raises(FileNotFoundError):
        output.read("nowhere")


def test_a_small_file_is_one_request(output: Output, caplog: pytest.LogCaptureFixture) -> None:
    output.write("images/a.jpg", b"one")
    assert [record.getMessage().split('"')[1].split()[0] for record in caplog.records].count("PUT") == 1
    assert "?uploads" not in caplog.text


def test_a_lock_is_held_beaten_and_left(output: Output) -> None:
    with OutputLock(output, "mine", heartbeat_seconds=0.05):
        first = output.read_json(PATH)["heartbeat"]
        with pytest.raises(OutputError, match="in use by run mine"), OutputLock(output, "other"):
            pass
        deadline = time.monotonic() + 20
        while output.read_json(PATH)["heartbeat"] == first:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert not output.exists(PATH)
    dead = {
        "run": "far",
        "host": "elsewhere",
        "pid": 1,
        "process_started": 0.0,
        "heartbeat": time.time() - 3600,
    }
    output.write_json(PATH, dead)
    with OutputLock(output, "mine", heartbeat_seconds=0.05):
        assert output.read_json(PATH)["run"] == "mine"


def test_an_output_is_read_checked_mended_and_compacted_as_on_a_disk(
    bucket: Bucket, output: Output, tmp_path: Any
) -> None:
    small(output.uri, windows=2)
    before = facts(output)
    assert before == facts(small(str(tmp_path), windows=2))
    stray = f"images/Pics/t3_9_0_{hashlib.sha256(b'stray').hexdigest()[:8]}.jpg"
    output.write(stray, b"stray")
    assert len(list(mend(output, examine(output, silent)))) == 1
    assert output.read(f"aside/{stray}") == b"stray"
    assert len(list(compact(output))) == 1
    assert [len(output.names(table)) for table in TABLES] == [1, 1, 1]
    assert facts(output) == before and not examine(output, silent).findings
    assert query(output.uri, By.REASON, 9) == query(str(tmp_path), By.REASON, 9)
    ledger = Ledger(output)
    assert ledger.next_window == 3 and not ledger.unfinished and "t3_2c" in ledger.submissions
