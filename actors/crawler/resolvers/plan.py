"""What is to be done for a submission or a link, decided without a request."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from actors.crawler.failures import ASK_AGAIN_SECONDS
from models.keys import NO_CANDIDATE
from models.reasons import Reason, Stage
from models.records import Candidate, Outcome

SINGLE = "0"


class Action(StrEnum):
    """What comes next: fetch, ask an API, follow a redirect, ask again later, or nothing.

    ``option`` is what only a setting that is off by default would fetch; ``fatal`` is an answer after which
    the same API need not be asked again (its key is refused), or a question that cannot be read.
    """

    DOWNLOAD = "download"
    API = "api"
    REDIRECT = "redirect"
    RETRY_LATER = "retry_later"
    SKIP = "skip"
    OPTION = "option"
    FATAL = "fatal"


@dataclass(frozen=True, slots=True)
class Part:
    """One image of a submission: its URLs, each a fallback of the one before, or why there is none.

    ``width`` and ``height`` are what the host declares, in pixels; ``locked``: its owner keeps a larger one
    back. ``seconds`` is how long to wait before asking again, None where the reason is final.
    """

    urls: tuple[str, ...] = ()
    media: str = SINGLE
    width: int | None = None
    height: int | None = None
    reason: Reason | None = None
    detail: str = ""
    seconds: float | None = None
    locked: bool = False

    def candidate(self, item: str) -> Candidate:
        """Give the part as a candidate of its submission."""
        # A media id never holds a slash, whatever a host says: keys are split at the last one. JSON may hold
        # lone surrogates, which no file can.
        media = self.media.replace("/", "_").encode("utf-8", "backslashreplace").decode()
        urls = tuple(url for url in self.urls if _is_text(url))
        reason = self.reason or (None if urls else Reason.BAD_URL)
        if reason is None:
            return Candidate(item, media, urls, self.width, self.height)
        outcome = Outcome(reason, Stage.RESOLVE, self.detail, self.seconds)
        return Candidate(item, media, (), self.width, self.height, outcome)


@dataclass(frozen=True, slots=True)
class Call:
    """A question to a host: the ``method`` of its API, the id it is about, and how that is written for people.

    ``owner`` is whose album it is, where the API wants to know; ``page`` counts from 1.
    """

    method: str
    id: str
    text: str
    owner: str | None = None
    page: int = 1


@dataclass(frozen=True, slots=True)
class Plan:
    """The action, and what it needs.

    ``parts`` are the images of a download; for a call they are what is left without the answer. ``reason`` is
    what the submission ends as where nothing is to be had (for a call: without the answer and without parts);
    ``seconds`` is how long to wait before asking again. ``links`` are the plans for the links in a text.
    """

    action: Action
    parts: tuple[Part, ...] = ()
    call: Call | None = None
    reason: Reason | None = None
    detail: str = ""
    seconds: float | None = None
    resolver: str = ""
    links: tuple[Plan, ...] = ()

    @property
    def urls(self) -> tuple[str, ...]:
        """The first URL of each image to download (or that the option would download), in order."""
        if self.action not in (Action.DOWNLOAD, Action.OPTION):
            return ()
        return tuple(part.urls[0] for part in self.parts if part.urls)

    @property
    def fallback(self) -> tuple[str, ...]:
        """The URLs that are tried when the first ones, or the call, give nothing."""
        first = 1 if self.urls else 0
        return tuple(url for part in self.parts for url in part.urls[first:])

    def candidates(self, item: str) -> list[Candidate]:
        """Give the candidates as they are known now; at least one, each media once."""
        parts = self.usable_parts or (self.no_part,)
        found = {one.key: one for one in (part.candidate(item) for part in reversed(parts))}
        return list(found.values())[::-1]

    @property
    def usable_parts(self) -> tuple[Part, ...]:
        """The parts, but for those that only an option would fetch."""
        return () if self.action in (Action.OPTION, Action.FATAL) else self.parts

    @property
    def no_part(self) -> Part:
        """What stands for the plan where it has no parts."""
        seconds = (self.seconds or ASK_AGAIN_SECONDS) if self.action is Action.RETRY_LATER else None
        return Part((), NO_CANDIDATE, None, None, self.reason or Reason.MALFORMED, self.detail, seconds)

    def with_last_resort(self, url: str | None) -> Plan:
        """Give the plan of a single image with one more URL to try when all else fails."""
        if url is None or len(self.parts) != 1 or url in self.parts[0].urls or not self.parts[0].urls:
            return self
        (part,) = self.parts
        return replace(self, parts=(replace(part, urls=(*part.urls, url)),))


def _is_text(url: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in url)


def download(*parts: Part) -> Plan:
    """Fetch these; where no part has a URL, the plan is to skip, or to wait where one may have it later."""
    if any(part.urls for part in parts):
        return Plan(Action.DOWNLOAD, parts)
    waiting = [part for part in parts if part.seconds is not None]
    if waiting:
        seconds = max(part.seconds or 0.0 for part in waiting)
        return Plan(
            Action.RETRY_LATER, parts, reason=waiting[0].reason, detail=waiting[0].detail, seconds=seconds
        )
    reasons = {part.reason for part in parts}
    reason = reasons.pop() if len(reasons) == 1 else Reason.EMPTY_ALBUM
    return Plan(Action.SKIP, parts, reason=reason, detail=parts[0].detail if parts else "no usable image")


def fetch(*urls: str) -> Plan:
    """Fetch one image, from the first of these that has it."""
    return Plan(Action.DOWNLOAD, (Part(tuple(dict.fromkeys(urls))),))


def together(plans: Iterable[Plan]) -> Plan:
    """Fetch all that several links came to; each has the place of its link in its media."""
    parts: list[Part] = []
    for place, plan in enumerate(plans):
        found = plan.usable_parts or (plan.no_part,)
        parts += [replace(part, media=_media(place, part)) for part in found]
    return download(*parts)


def _media(place: int, part: Part) -> str:
    return str(place) if part.media in (SINGLE, NO_CANDIDATE) else f"{place}-{part.media}"


def skip(reason: Reason, detail: str = "") -> Plan:
    """Fetch nothing."""
    return Plan(Action.SKIP, reason=reason, detail=detail)


def ask(call: Call, *urls: str, reason: Reason = Reason.NEEDS_CREDENTIALS, detail: str = "") -> Plan:
    """Ask an API; without its answer fetch one image from ``urls``, or end for ``reason``."""
    parts = (Part(tuple(dict.fromkeys(urls))),) if urls else ()
    return Plan(Action.API, parts, call, reason, detail)


def redirect(url: str, detail: str) -> Plan:
    """Follow a link that leads to another one, which only its host knows."""
    call = Call("redirect", url, f"GET {url}")
    return Plan(Action.REDIRECT, (), call, Reason.NOT_AN_IMAGE_LINK, detail)


def later(reason: Reason, detail: str, seconds: float | None = None) -> Plan:
    """Ask the same again after a while."""
    return Plan(Action.RETRY_LATER, reason=reason, detail=detail, seconds=seconds)


def fatal(reason: Reason, detail: str) -> Plan:
    """Do not ask this again."""
    return Plan(Action.FATAL, reason=reason, detail=detail)
