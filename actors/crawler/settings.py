"""What a crawler may do: who it says it is, how hard it asks, and what it may never touch."""

from __future__ import annotations

import re
from enum import StrEnum

from pydantic import BaseModel, ByteSize, ConfigDict, Field, SecretStr, field_validator

from actors.crawler.guard import Guard
from actors.crawler.locate import BadUrlError, HostMap, clean, without_userinfo
from models.gates import ShapeGates

MEBIBYTE = 1 << 20
_ENTRY = re.compile(r"(?:\*\.)?[\w:.-]+")


class Over18(StrEnum):
    """What to do with submissions that are marked NSFW."""

    SKIP = "skip"
    KEEP = "keep"
    ONLY = "only"


class HostBudget(BaseModel):
    """How many connections one host gets from the whole cluster, and how many requests a second."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    connections: int = Field(4, ge=1)
    per_second: float = Field(4.0, gt=0)


# Image hosts are built to be asked often; a page or an API is not. Limits: the APIs' own documents. ``*.suffix``
# stands for all hosts below it, which share one budget: farm1 to farm9 are one network.
HOST_BUDGETS = {
    "i.redd.it": HostBudget(connections=16, per_second=40),
    "preview.redd.it": HostBudget(connections=16, per_second=40),
    "external-preview.redd.it": HostBudget(connections=16, per_second=40),
    "i.imgur.com": HostBudget(connections=8, per_second=20),
    "*.staticflickr.com": HostBudget(connections=8, per_second=20),
    "*.static.flickr.com": HostBudget(connections=8, per_second=20),
    "api.imgur.com": HostBudget(connections=2, per_second=2),
    "api.flickr.com": HostBudget(connections=2, per_second=1),
}


class Deferral(BaseModel):
    """When a candidate is asked for again whose host is busy, or whose post is still being processed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tries: int = Field(3, ge=0, description="how often it is put off; then its outcome stands")
    seconds: float = Field(
        20.0, gt=0, description="the first wait, doubled each time; more if the host says so"
    )
    longest: float = Field(3600.0, gt=0, description="a wait is never longer")

    def wait(self, tries: int, retry_after: float) -> float:
        """Give the seconds to wait before the next try, after so many."""
        return min(self.longest, max(retry_after, self.seconds * 2.0 ** min(tries, 30)))


class RedditAccess(BaseModel):
    """How PRAW reaches Reddit; the credentials come from the environment or praw.ini, never from flags."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    client_id: SecretStr | None = None
    client_secret: SecretStr | None = None
    username: str | None = None
    password: SecretStr | None = None
    reddit_url: str | None = Field(None, description="another server that speaks Reddit's API")


class CrawlSettings(BaseModel):
    """Everything a crawler and a listing need to know. Times are in seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    user_agent: str = "linux:goldpan:0.1.0 (by /u/goldpan-miner)"
    over_18: Over18 = Over18.SKIP
    shape: ShapeGates = ShapeGates()
    max_bytes: ByteSize = Field(ByteSize(64 * MEBIBYTE), description="largest download")
    ahead_bytes: ByteSize = Field(ByteSize(256 * MEBIBYTE), description="bytes fetched ahead, a crawler")
    connect_timeout: float = Field(10, gt=0)
    idle_timeout: float = Field(20, gt=0)
    total_timeout: float = Field(120, gt=0)
    patience: float = Field(5, gt=0, description="after this a slow image is left to a later window")
    tries: int = Field(3, ge=1, description="requests for one URL, when its errors may pass")
    defer: Deferral = Deferral()
    circuit_failures: int = Field(10, ge=1, description="a host's failures in a row that open its circuit")
    circuit_seconds: float = Field(30, gt=0, description="first time it stays open; doubles each time")
    longest_hold: float = Field(120, gt=0, description="a candidate's longest wait for a host on hold")
    max_redirects: int = Field(5, ge=0)
    robots: bool = Field(True, description="heed X-Robots-Tag")
    selftext_links: bool = Field(False, description="follow the links in the text of posts")
    probe_links: bool = Field(False, description="ask for the type of links that no name tells")
    allow_private: tuple[str, ...] = Field((), description="HOST or HOST:PORT that may be a private address")
    host_map: dict[str, str] = Field({}, description="host to the base URL that answers for it")
    host_budgets: dict[str, HostBudget] = Field({}, description="overrides and adds to the table")
    default_budget: HostBudget = HostBudget()
    imgur_client_id: SecretStr | None = None
    flickr_api_key: SecretStr | None = None
    reddit: RedditAccess = RedditAccess()
    arctic_url: str = Field(
        "https://arctic-shift.photon-reddit.com", description="the archive, or one like it"
    )

    @field_validator("allow_private")
    @classmethod
    def _hosts(cls, entries: tuple[str, ...]) -> tuple[str, ...]:
        Guard(entries)
        return entries

    @field_validator("host_map")
    @classmethod
    def _bases(cls, places: dict[str, str]) -> dict[str, str]:
        for host, base in places.items():
            if not host or "/" in host or "@" in host:
                raise ValueError(f"{without_userinfo(host)!r} is no host; write it as i.redd.it")
            try:
                HostMap({host: base})
            except BadUrlError as error:
                text = without_userinfo(base)
                raise ValueError(
                    f"{host} leads to {text!r}, which is no URL; write it as http://127.0.0.1:8080"
                ) from error
        return places

    @field_validator("arctic_url")
    @classmethod
    def _archive(cls, url: str) -> str:
        try:
            clean(url)
        except BadUrlError as error:
            raise ValueError(f"{without_userinfo(url)!r} is no URL; write it as https://host") from error
        return url

    @field_validator("host_budgets")
    @classmethod
    def _entries(cls, budgets: dict[str, HostBudget]) -> dict[str, HostBudget]:
        for name in budgets:
            if not _ENTRY.fullmatch(name):
                shown = without_userinfo(name)
                raise ValueError(
                    f"{shown!r} is no host; write it as i.redd.it, or *.staticflickr.com for all below"
                )
        return {name.lower(): budget for name, budget in budgets.items()}

    def budget(self, host: str) -> HostBudget:
        """Give the budget of a host: the user's, else the table's, else the default."""
        return self.budget_entry(host)[1]

    def budget_entry(self, host: str) -> tuple[str, HostBudget]:
        """Give a host's budget, and whose it is: the host, or the ``*.suffix`` whose hosts share it."""
        labels = host.split(".")
        names = (host, *(".".join(("*", *labels[at:])) for at in range(1, len(labels))))
        for table in (self.host_budgets, HOST_BUDGETS):
            for name in names:
                if name in table:
                    return name, table[name]
        return host, self.default_budget
