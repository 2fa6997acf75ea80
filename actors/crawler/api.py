"""How a resolver asks a host's API: through the crawler's own slots, guard, host map and retries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

from models.records import Outcome

NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ApiAnswer:
    """What an API said, after the retries.

    ``status`` is the last answer's, 0 where there was none. ``body`` is its parsed JSON, else None (also next
    to an ``outcome``, where an error came with a JSON body). ``location`` is where a redirect leads, absolute;
    redirects are not followed, and are no error. ``outcome`` (stage resolve) is set when the answer is of no
    use: no connection, a status of 400 or more, or a success that is not JSON (``api_error``). ``headers`` are
    those of the last answer, by their names in lower case, the last of each.
    """

    status: int
    body: Any
    location: str | None = None
    outcome: Outcome | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class UnansweredError(Exception):
    """A question has no answer now; asking again may help. The message is for the user."""


class Posts(Protocol):
    """Ask Reddit about posts, at most 100 at a time, by their ids without ``t3_``."""

    async def __call__(self, ids: Sequence[str]) -> Mapping[str, dict[str, Any]]:
        """Give the posts as plain dicts, by id; what Reddit does not know is absent. May raise UnansweredError."""
        ...


class Api(Protocol):
    """Ask ``url``; what ``headers`` and ``params`` hold (keys, tokens) is never recorded or logged."""

    async def __call__(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] = NOTHING,
        params: Mapping[str, str] = NOTHING,
    ) -> ApiAnswer:
        """Never raises for what a host does."""
        ...
