"""C2PA manifests: what an image's signed provenance claims, read from its bytes and never from the network.

The claim is read, not trusted: who signs may lie, but nobody claims falsely that a model made the picture.
https://spec.c2pa.org
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import BytesIO
from typing import Any, NamedTuple

UNREADABLE = "unreadable"
_LONGEST_NAME = 100
# No request leaves for what a file names, and a signature's worth is not asked for.
_SETTINGS = {
    "verify": {
        "remote_manifest_fetch": False,
        "ocsp_fetch": False,
        "verify_trust": False,
        "verify_after_reading": False,
    }
}


class Claim(NamedTuple):
    """Who made the active manifest, and the digital source types that it, and those it builds on, name."""

    generator: str
    active: frozenset[str]
    ingredients: frozenset[str]


def claim(data: bytes) -> Claim | None:
    """Read the manifest that is embedded in an image; None without one, a generator `unreadable` if it is broken."""
    # A JUMBF superbox labelled c2pa; the library is large, and most images have none.
    if b"jumb" not in data or b"c2pa" not in data:
        return None
    import c2pa

    try:
        context = c2pa.Context(c2pa.Settings.from_dict(_SETTINGS))
        with c2pa.Reader(None, BytesIO(data), context=context) as reader:
            return _claim(json.loads(reader.json()))
    except c2pa.C2paError.ManifestNotFound:
        return None
    # What is no manifest is said in many ways; RecursionError is Python's JSON reader's, and the last two are said
    # where something is of another kind than the standard has there.
    except (c2pa.C2paError, ValueError, RecursionError, AttributeError, TypeError):
        return Claim(UNREADABLE, frozenset(), frozenset())


def _claim(store: Any) -> Claim:
    manifests = store.get("manifests", {})
    active = store.get("active_manifest")
    others = (one for label, one in manifests.items() if label != active)
    mine = manifests.get(active, {})
    return Claim(
        _generator(mine),
        frozenset(_source_types(mine)),
        frozenset(kind for other in others for kind in _source_types(other)),
    )


def _generator(manifest: dict[str, Any]) -> str:
    infos = manifest.get("claim_generator_info") or [{"name": manifest.get("claim_generator") or "unnamed"}]
    named = (f"{info.get('name', '')} {info.get('version') or ''}".strip() for info in infos)
    return ", ".join(named)[:_LONGEST_NAME]


def _source_types(manifest: dict[str, Any]) -> Iterator[str]:
    for assertion in manifest.get("assertions", []):
        if assertion.get("label", "").startswith("c2pa.actions"):
            for action in assertion.get("data", {}).get("actions", []):
                yield str(action.get("digitalSourceType", "")).rpartition("/")[2]
