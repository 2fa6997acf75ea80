"""Reading JSON of which every key may be absent, null, or of another type than it should be."""

from __future__ import annotations

import math
from typing import Any


def text_of(thing: Any, key: str) -> str | None:
    """The string at a key, else None."""
    value = thing.get(key) if isinstance(thing, dict) else None
    return value if isinstance(value, str) else None


def mapping_of(thing: Any, key: str) -> dict[str, Any]:
    """The object at a key, else an empty one."""
    value = thing.get(key) if isinstance(thing, dict) else None
    return value if isinstance(value, dict) else {}


def objects_of(thing: Any, key: str) -> list[dict[str, Any]]:
    """The objects in the list at a key; what else is in it is left out."""
    value = thing.get(key) if isinstance(thing, dict) else None
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def number_of(thing: Any, key: str) -> float | None:
    """The finite number at a key, which may be written as a string, else None."""
    value = thing.get(key) if isinstance(thing, dict) else None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def pixels_of(thing: Any, key: str) -> int | None:
    """The positive whole number of pixels at a key, else None."""
    number = number_of(thing, key)
    return int(number) if number is not None and 1 <= number < 1 << 31 else None
