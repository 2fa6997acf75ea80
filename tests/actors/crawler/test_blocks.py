from __future__ import annotations

import pyarrow as pa
import pytest

from actors.crawler.blocks import Held, ready_table
from models.reasons import Reason, Stage
from models.records import Candidate, Outcome, Ready
from models.schema import READY

SMALL, LARGE = b"small", bytes(range(256)) * 2000


def held(number: int, data: bytes | None) -> Held:
    outcome = None if data is not None else Outcome(Reason.NOT_FOUND, Stage.FETCH)
    return Held(Ready(Candidate(f"url:{number}", "0"), outcome, len(data or b"")), data)


@pytest.mark.parametrize(
    "datas",
    [(), (None,), (b"", SMALL), (LARGE,), (SMALL, None, LARGE, LARGE, None, SMALL), (LARGE, SMALL)],
    ids=lambda datas: "-".join(str(data and len(data)) for data in datas) or "none",
)
def test_the_bytes_stand_in_their_rows(datas: tuple[bytes | None, ...]) -> None:
    table = ready_table([held(number, data) for number, data in enumerate(datas)])
    table.validate(full=True)
    assert table.schema == READY
    assert table["key"].to_pylist() == [f"url:{number}/0" for number in range(len(datas))]
    assert table["data"].to_pylist() == list(datas)


def test_large_bytes_are_not_copied() -> None:
    data = ready_table([held(0, SMALL), held(1, LARGE)])["data"]
    (_, place) = (chunk.buffers()[2].address for chunk in data.chunks)
    assert place == pa.py_buffer(LARGE).address
