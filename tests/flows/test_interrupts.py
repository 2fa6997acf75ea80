"""Signals ask for a clean stop, but not those that were to be ignored."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from flows.interrupts import SIGNALS, Interrupts


@pytest.fixture
def handlers_as_before() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("handlers_as_before")
def test_what_nohup_ignores_stays_ignored() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    interrupts = Interrupts()
    interrupts.install()
    signal.raise_signal(signal.SIGHUP)
    assert not interrupts.stopping.is_set()
    signal.raise_signal(signal.SIGTERM)
    assert interrupts.stopping.is_set()
    assert interrupts.exit_code == 143
