"""Going on where an earlier run stopped: its cursor may be damaged, or of another version's shape."""

from __future__ import annotations

from collections.abc import Generator
from typing import Annotated, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from actors.crawler.sources.source import Cursor, Page

Shape = TypeVar("Shape")
# As post_id writes them.
PostId = Annotated[str, Field(pattern=r"^[0-9a-z]{1,13}$")]


def resumed(shape: type[Shape], cursor: Cursor | None, text: str) -> Generator[Page, None, Shape | None]:
    """Return a cursor as a dataclass, None at the beginning; one that does not fit counts as none, with a note."""
    if not cursor:
        return None
    try:
        return TypeAdapter(shape).validate_python(cursor)
    except ValidationError:
        note = (
            f"{text}: the place where the last run stopped cannot be read (damaged, or another version's); "
            "it is read from its beginning, and what is known is skipped"
        )
        yield Page((), {}, notes=(note,))
        return None
