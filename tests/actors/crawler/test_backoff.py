from __future__ import annotations

from email.utils import formatdate

import pytest

from actors.crawler.backoff import LONGEST_WAIT, Backoff, retry_after

NOW = 1_000_000.0


def test_backoff_doubles_with_jitter_up_to_its_longest() -> None:
    backoff = Backoff(first=1, longest=10)
    for failures, most in ((1, 1.0), (2, 2.0), (4, 8.0), (5, 10.0), (500, 10.0)):
        waits = [backoff.seconds(failures) for _ in range(50)]
        assert all(most / 2 <= wait <= most for wait in waits)
        assert len(set(waits)) > 1


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        (" 0 ", 0),
        ("2.5", 2.5),
        (formatdate(NOW + 60, usegmt=True), 60),
        (formatdate(NOW + 60), 60),  # -0000: no zone, so UTC
        ("Mon, 12 Jan 1970 15:46:40 +0200", 0),
        (formatdate(NOW - 60, usegmt=True), 0),
        ("9" * 400, LONGEST_WAIT),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_WAIT),
        *[
            (text, None)
            for text in (None, "", "soon", "-5", "²", "nan", "inf", "1e9", "1_0", "Mon, 99 Foo 1970")
        ],
    ],
)
def test_retry_after_is_read_in_both_forms_and_bounded(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, NOW) == seconds
