"""What a crawler hands out: ready candidates as one Arrow table, a row each."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from actors.crawler.download import Fetch
from actors.crawler.locate import printable
from models.records import Candidate, Ready
from models.schema import READY

_FACTS = pa.schema([field for field in READY if field.name != "data"])
# From here on a copy costs more than a chunk of its own.
_LARGE = 1 << 18
_LARGEST_SIDE = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Held:
    """A ready candidate with its bytes."""

    ready: Ready
    data: bytes | None = None


def held_from(candidate: Candidate, fetch: Fetch) -> Held:
    """Make a fetched candidate ready; what its picture's header said replaces what its host declared."""
    if fetch.size is not None:
        candidate = replace(candidate, width=fetch.size.width, height=fetch.size.height)
    ready = Ready(
        candidate=candidate,
        outcome=fetch.outcome,
        size=len(fetch.data or b""),
        url=fetch.url,
        final_url=fetch.final_url,
        host=fetch.host,
        http_status=fetch.http_status,
        content_type=fetch.content_type,
        etag=fetch.etag,
        last_modified=fetch.last_modified,
        fetched_at=fetch.fetched_at,
        latency_ms=fetch.latency_ms,
    )
    return Held(ready, fetch.data)


def ready_table(rows: Iterable[Held]) -> pa.Table:
    """Make the table (``models.schema.READY``) of these rows, in their order; ``data`` is null with an outcome."""
    held = list(rows)
    facts = pa.Table.from_pylist([_facts(row) for row in held], schema=_FACTS)
    data = pa.chunked_array(list(_chunks(held)), pa.large_binary())
    return facts.append_column(READY.field("data"), data)


def _chunks(rows: list[Held]) -> Iterator[pa.Array]:
    """Give the bytes in the rows' order: small ones copied together, each large one where it is.

    Arrow fills a new buffer that grows by doubling; for a block of large images that was half of a crawler's time.
    """
    small: list[bytes | None] = []
    for row in rows:
        data = None if row.ready.outcome else row.data
        if data is None or len(data) < _LARGE:
            small.append(data)
            continue
        if small:
            yield pa.array(small, pa.large_binary())
            small = []
        offsets = pa.py_buffer(struct.pack("=qq", 0, len(data)))
        yield pa.Array.from_buffers(pa.large_binary(), 1, [None, offsets, pa.py_buffer(data)])
    if small:
        yield pa.array(small, pa.large_binary())


def _facts(held: Held) -> dict[str, Any]:
    ready, outcome = held.ready, held.ready.outcome
    return {
        "key": ready.key,
        "url": ready.url,
        "final_url": ready.final_url,
        "host": ready.host,
        "http_status": ready.http_status,
        "content_type": ready.content_type,
        "etag": ready.etag,
        "last_modified": ready.last_modified,
        "fetched_at": ready.fetched_at,
        "latency_ms": ready.latency_ms,
        "width": _side(ready.candidate.width),
        "height": _side(ready.candidate.height),
        "reason": outcome.reason.value if outcome else None,
        "stage": outcome.stage.value if outcome else None,
        "detail": printable(outcome.detail) if outcome else None,
    }


def _side(pixels: int | None) -> int | None:
    """Give a declared width or height, unless it is none: hosts declare what they like."""
    return pixels if pixels is not None and 0 < pixels <= _LARGEST_SIDE else None
