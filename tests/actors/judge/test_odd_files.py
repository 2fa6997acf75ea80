"""Every decoder's way with odd files: a verdict for each, and no crash, no hang, and no more memory than its cap."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.actors.judge.inspecting import LONGEST_SECONDS, inspect, inspect_with_a_defect
from tests.actors.judge.odd_files import BAD, FORMATS, MEGAPIXELS, all_odd_files, encoded, picture
from tests.chaos.schedule import MARK, Poison

# MiB. A pixel has four bytes in Pillow, and what is clear is laid on white: three pictures of the largest size.
MEMORY = 3 * 4 * MEGAPIXELS + 64


@pytest.fixture(scope="module")
def judge() -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        yield pool


def test_each_odd_file_has_its_verdict_in_time_and_memory(judge: ProcessPoolExecutor) -> None:
    before = judge.submit(inspect, encoded(picture(), "JPEG")).result().peak
    wrong = []
    for name, (data, ends) in all_odd_files().items():
        # A crash, or a decoder that goes on for longer, breaks the pool.
        found = judge.submit(inspect, data).result(4 * LONGEST_SECONDS)
        if found.reason not in ends:
            wrong.append(f"{name}: {found.reason}")
        if found.peak - before > MEMORY:
            wrong.append(f"{name}: {found.peak - before:.0f} MiB")
            before = found.peak
    assert not wrong


def test_a_decoder_that_never_ends_ends_its_process() -> None:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        began = time.monotonic()
        with pytest.raises(BrokenProcessPool):
            pool.submit(
                inspect_with_a_defect, encoded(picture(), "JPEG", comment=MARK + Poison.HANG.encode())
            ).result()
    assert time.monotonic() - began < 4 * LONGEST_SECONDS


SAMPLES = {format: encoded(picture(), format) for format in FORMATS}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), format=st.sampled_from(FORMATS))
def test_mutants_have_a_verdict(judge: ProcessPoolExecutor, data: st.DataObject, format: str) -> None:
    spoilt = bytearray(SAMPLES[format])
    places = st.one_of(st.integers(0, 400), st.integers(0, len(spoilt) - 1))
    for place, value in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), min_size=1, max_size=12)):
        spoilt[place] = value
    found = judge.submit(inspect, bytes(spoilt)).result(4 * LONGEST_SECONDS)
    assert found.reason in {None, *BAD} or found.reason == "too_many_pixels"
