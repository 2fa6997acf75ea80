"""The tree in the docstring is the enum."""

from __future__ import annotations

import re

from models import reasons
from models.reasons import Reason, Verdict


def test_the_docstring_draws_every_reason_under_its_verdict() -> None:
    drawn: dict[str, set[str]] = {}
    verdict = ""
    for line in (reasons.__doc__ or "").splitlines():
        if found := re.match(r"[\s│]*[├└]── (\w+)\s", line):
            name = found.group(1)
            if name in set(Verdict):
                verdict = name
            else:
                drawn.setdefault(verdict, set()).add(name)
    told: dict[str, set[str]] = {}
    for reason in Reason:
        told.setdefault(reason.verdict.value, set()).add(reason.value)
    assert drawn == told
    assert set(told) == {verdict.value for verdict in Verdict}
