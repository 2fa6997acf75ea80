"""No secret in what a run says of itself: URLs lose their userinfo, and what the settings hold as a secret its text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, SecretStr

from actors.crawler.locate import printable, without_userinfo

STARS = "**********"


class Mask:
    """Hides the secrets of some settings in any value that JSON can hold."""

    def __init__(self, settings: BaseModel | None = None) -> None:
        self._secrets: list[str] = []
        if settings is not None:
            self.learn(settings)

    def learn(self, settings: BaseModel) -> None:
        """Hide the secrets of these too: those of praw.ini are known later than how to speak."""
        # The longest first: one may be part of another.
        self._secrets = sorted({*self._secrets, *_secrets(settings)}, key=len, reverse=True)

    def __call__(self, value: Any) -> Any:
        """Give the value as it may be shown."""
        match value:
            case str():
                return printable(self.text(value))
            case dict():
                return {name: self(one) for name, one in value.items()}
            case list() | tuple():
                return [self(one) for one in value]
            case _:
                return value

    def text(self, text: str) -> str:
        """Give text without the secrets, whole."""
        for secret in self._secrets:
            text = text.replace(secret, STARS)
        return without_userinfo(text)


def _secrets(settings: BaseModel) -> Iterator[str]:
    for value in dict(settings).values():
        if isinstance(value, BaseModel):
            yield from _secrets(value)
        elif isinstance(value, SecretStr) and value.get_secret_value():
            yield value.get_secret_value()
