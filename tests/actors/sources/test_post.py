"""Reading a post, whatever stands in its place."""

from __future__ import annotations

import pytest

from actors.crawler.sources.post import submission_of


@pytest.mark.parametrize(
    ("author", "read"), [("[deleted]", None), ("[removed]", None), (None, None), ("ann", "ann")]
)
def test_an_author_who_is_gone_is_none(author: str | None, read: str | None) -> None:
    assert submission_of({"id": "a", "author": author}, "s").author == read
