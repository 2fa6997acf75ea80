"""Arrow values as plain JSON, of whatever type: numbers as numbers, text as text, the rest as text that tells all."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import islice, pairwise
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds

_DECIMALS = {"s": 0, "ms": 3, "us": 6, "ns": 9}


def plain_values(array: pa.Array) -> list[Any]:
    """Give an array's values as plain JSON.

    Dates, times and durations are ISO 8601 (UTC where they have a time zone), decimals and UUIDs text; bytes that
    are no text become ``{"base64": …}``, maps lists of pairs, and what JSON has no number for ``"NaN"`` and the like.
    """
    kind = array.type
    if isinstance(kind, pa.BaseExtensionType) and not isinstance(kind, pa.UuidType):
        return plain_values(array.storage)
    if kinds.is_dictionary(kind):
        return plain_values(array.dictionary_decode())
    if kinds.is_struct(kind):
        return _objects(array)
    if kinds.is_map(kind):
        return _maps(array)
    if kinds.is_nested(kind) and not kinds.is_union(kind):
        return _lists(array)
    held, read = _leaves(array)
    return [None if value is None else read(value) for value in held.to_pylist()]


def writable(text: str) -> str:
    """Escape what UTF-8 cannot hold: JSON may have lone surrogates, and undecodable bytes come as such."""
    return text.encode("utf-8", "backslashreplace").decode()


def distinct(names: Sequence[str]) -> list[str]:
    """Tell names apart that are there several times: ``a``, ``a_2``; a column without one is ``column_3``."""
    found: dict[str, None] = {}
    for place, name in enumerate(names, 1):
        new = stem = writable(name.strip()) or f"column_{place}"
        number = 1
        while new in found:
            number += 1
            new = f"{stem}_{number}"
        found[new] = None
    return list(found)


def _leaves(array: pa.Array) -> tuple[pa.Array, Callable[[Any], Any]]:  # noqa: PLR0911 - a table of types
    """Give an array that Python can read without loss, and how to read each of its values."""
    kind = array.type
    if kinds.is_boolean(kind) or kinds.is_integer(kind):
        return array, lambda value: value
    if kinds.is_floating(kind):
        return array, _number
    if kinds.is_string(kind) or kinds.is_large_string(kind) or kinds.is_string_view(kind):
        return array.cast(pa.large_binary()), _text  # a file may hold bytes that are no UTF-8
    if kinds.is_binary(kind) or kinds.is_large_binary(kind) or kinds.is_fixed_size_binary(kind):
        return array.cast(pa.large_binary()), _bytes
    if kinds.is_decimal(kind):
        return array, lambda value: f"{value:f}"
    if kinds.is_duration(kind):
        places = -_DECIMALS[kind.unit]
        return array.cast(pa.int64()), lambda value: f"PT{Decimal(value).scaleb(places):f}S"
    if kinds.is_timestamp(kind):
        zone = "Z" if kind.tz else ""
        return array.cast(pa.timestamp(kind.unit)).cast(pa.string()), lambda value: _moment(value) + zone
    if kinds.is_date(kind) or kinds.is_time(kind):
        return array.cast(pa.string()), str
    return array, str


def _number(value: float) -> float | str:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _text(value: bytes) -> str:
    return value.decode("utf-8", "backslashreplace")


def _bytes(value: bytes) -> str | dict[str, str]:
    """Old writers do not mark their text as such."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        text = "\0"
    return {"base64": base64.b64encode(value).decode()} if "\0" in text else text


def _moment(text: str) -> str:
    return text.replace(" ", "T", 1) if text[:1].isdigit() else text  # Arrow says what is out of its range


def _objects(array: pa.Array) -> list[Any]:
    names = distinct([field.name for field in array.type])
    columns = [plain_values(column) for column in array.flatten()]
    rows = zip(*columns, strict=True) if columns else [()] * len(array)
    found = (dict(zip(names, row, strict=True)) for row in rows)
    return [one if valid else None for one, valid in zip(found, _valid(array), strict=True)]


def _lists(array: pa.Array) -> list[Any]:
    values = iter(plain_values(array.flatten()))
    lengths = pc.list_value_length(array).to_pylist()
    return [None if length is None else list(islice(values, length)) for length in lengths]


def _maps(array: pa.Array) -> list[Any]:
    entries = zip(plain_values(array.keys), plain_values(array.items), strict=True)
    pairs = [list(pair) for pair in entries]
    spans = pairwise(array.offsets.to_pylist())
    return [
        pairs[start:end] if valid else None for (start, end), valid in zip(spans, _valid(array), strict=True)
    ]


def _valid(array: pa.Array) -> list[bool]:
    found: list[bool] = array.is_valid().to_pylist()
    return found
