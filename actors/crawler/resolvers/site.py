"""What every site's resolver is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from actors.crawler.resolvers.links import Link
from actors.crawler.resolvers.plan import Call, Plan
from actors.crawler.settings import CrawlSettings


@dataclass(frozen=True, slots=True)
class Request:
    """A GET to an API; its headers and params may hold keys, so they are never shown."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Request({self.url!r})"


class Site(Protocol):
    """The links of one site: ``pattern`` matches their beginning, and ``resolve`` plans without a request."""

    @property
    def name(self) -> str:
        """What rows and reports call it."""
        ...

    @property
    def pattern(self) -> re.Pattern[str]:
        """Matches the site's URLs from their beginning."""
        ...

    @property
    def examples(self) -> tuple[str, ...]:
        """URLs of every kind that the pattern matches."""
        ...

    def resolve(self, link: Link) -> Plan:
        """Plan what to do with a link that the pattern matches."""
        ...


@runtime_checkable
class ApiSite(Protocol):
    """A site whose API is asked; ``request`` gives None where it has no key for that."""

    @property
    def name(self) -> str:
        """What rows and reports call it."""
        ...

    def request(self, call: Call, settings: CrawlSettings) -> Request | None:
        """Give the request that a call stands for."""
        ...

    def pause(self, headers: Mapping[str, str]) -> float | None:
        """Give the seconds for which an answer's headers ask to be left alone, None where they do not."""
        ...

    def read(self, call: Call | None, body: Any) -> Plan:
        """Read the JSON of an answer, whatever it is, into what to do next."""
        ...
