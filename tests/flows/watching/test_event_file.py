"""Events get to whoever reads them, whole; and a run goes on when nobody does."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from flows.exits import PreflightError
from flows.settings import load_settings
from flows.watching.event_file import EventFile
from flows.watching.events import Kind, News, Note, Turn, Watchers
from flows.watching.masking import Mask
from tests.flows.watching.telling import committed


def opened(place: str, told: list[News], *, most: int = 1 << 20, mask: Mask | None = None) -> EventFile:
    return EventFile(place, "r", told.append, mask or Mask(), most=most)


def parsed(data: bytes) -> list[dict[str, Any]]:
    assert data.endswith(b"\n")
    return [json.loads(line) for line in data.splitlines()]


def test_each_event_is_a_line_at_once_and_a_turn_is_none(tmp_path: Path) -> None:
    told: list[News] = []
    path = tmp_path / "events.ndjson"
    path.write_text('{"v":1,"event":"half of a li')
    with opened(str(path), told) as events:
        events.told(Turn())
        events.told(committed(7, 2.5, fits=2, too_small=3))
        torn, line = path.read_text().splitlines()
        event = json.loads(line)
        events.told(Note("a gap"))
    assert torn.endswith("half of a li"), "what a dead run left stays on a line of its own"
    assert event.pop("at").endswith("+00:00")
    assert event == {
        "v": 1, "run": "r", "event": "window_committed", "window": 7, "candidates": 5, "accepted": 2,
        "verdicts": {"accepted": 2, "rejected": 3, "skipped": 0, "failed": 0},
        "reasons": {"fits": 2, "too_small": 3},
        "bytes_fetched": 1000, "bytes_kept": 20, "seconds": 2.5, "replayed": False,
    }  # fmt: skip
    assert not told and parsed(path.read_bytes().splitlines(keepends=True)[-1])[0]["event"] == Kind.NOTE


def test_stdout_is_a_place_too(capfd: pytest.CaptureFixture[str]) -> None:
    with opened("-", []) as events:
        events.told(Note("a gap"))
    assert json.loads(capfd.readouterr().out)["text"] == "a gap"


def test_a_place_that_cannot_be_had_is_said_before_the_run(tmp_path: Path) -> None:
    with pytest.raises(PreflightError, match="No such file or directory; name a file"):
        opened(str(tmp_path / "none" / "events"), [])
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(PreflightError, match="nobody reads it; start its reader first"):
        opened(str(tmp_path / "fifo"), [])


def test_a_reader_that_stops_reading_stops_no_run_and_has_whole_lines_when_it_goes_on(tmp_path: Path) -> None:
    told: list[News] = []
    os.mkfifo(tmp_path / "fifo")
    reader = os.open(tmp_path / "fifo", os.O_RDONLY | os.O_NONBLOCK)
    with opened(str(tmp_path / "fifo"), told, most=50_000) as events:
        began = time.monotonic()
        for number in range(1000):
            events.told(committed(number, fits=1))
        assert time.monotonic() - began < 10
        (note,) = told
        assert isinstance(note, Note) and "does not read on; the run goes on" in note.text
        data = drained(reader)
        time.sleep(1)
        events.told(Turn())
        data += drained(reader)
        events.told(Note("it reads on"))
        data += drained(reader)
    os.close(reader)
    found = parsed(data)
    numbers = [one["window"] for one in found if one["event"] == "window_committed"]
    assert numbers == list(range(len(numbers))) and 100 < len(numbers) < 1000
    (dropped,) = [one["lines"] for one in found if one["event"] == "events_dropped"]
    assert dropped == 1000 - len(numbers) and found[-1]["text"] == "it reads on"


def drained(reader: int) -> bytes:
    data = b""
    while True:
        try:
            part = os.read(reader, 1 << 16)
        except BlockingIOError:
            return data
        if not part:
            return data
        data += part


def test_a_reader_that_is_gone_is_said_once_and_the_next_has_what_it_missed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told: list[News] = []
    os.mkfifo(tmp_path / "fifo")
    reader = os.open(tmp_path / "fifo", os.O_RDONLY | os.O_NONBLOCK)
    with opened(str(tmp_path / "fifo"), told) as events:
        os.close(reader)
        for number in range(3):
            events.told(committed(number))
        assert len(told) == 1 and "its reader is gone" in str(told[0])
        reader = os.open(tmp_path / "fifo", os.O_RDONLY | os.O_NONBLOCK)
        events.told(Note("here"))
        assert [one["event"] for one in parsed(drained(reader))] == ["window_committed"] * 3 + ["note"]
        os.close(reader)
        events.told(Note("gone"))
    assert "the last 1 events did not get to" in capsys.readouterr().err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_said_once() -> None:
    told: list[News] = []
    with opened("/dev/full", told) as events:
        everybody = Watchers([events])
        for number in range(5):
            everybody.told(committed(number))
    assert len(told) == 1 and "No space left on device" in str(told[0])


def test_no_secret_is_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOLDPAN_CRAWL__IMGUR_CLIENT_ID", "SECRET-ID")
    monkeypatch.setenv("GOLDPAN_CRAWL__REDDIT__PASSWORD", "SECRET-ID-2")
    mask = Mask(load_settings({"sources": ("demo",), "out": "-"}))
    with opened(str(tmp_path / "events"), [], mask=mask) as events:
        events.told(Note("401 for https://me:SECRET@host/ with SECRET-ID and SECRET-ID-2"))
    text = (tmp_path / "events").read_text()
    assert "SECRET" not in text and "https://host/ with ********** and **********" in text
