"""Evidence that a model made a picture: what its metadata says of itself. Its absence proves nothing."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple

from models import decode, manifests
from models.reasons import Reason

# https://cv.iptc.org/newscodes/digitalsourcetype
_TRAINED, _COMPOSITE = "trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia"
_TYPE_NAME = re.compile(rb"(?i:digitalsourcetype)[^A-Za-z]{1,3}(?:[^<>]{0,80}/)?$")
_TYPE = re.compile(rb"(?:compositeWithT|t)rainedAlgorithmicMedia")
_BEFORE = 200
# A real file names it a few times; one that repeats it for ever is not read for ever.
_MOST_MENTIONS = 64

_GENERATORS = re.compile(
    r"midjourney|dall.{0,2}e\b|stable[ _-]?diffusion|automatic1111|comfyui|invokeai|novelai|adobe firefly"
    r"|\bideogram\b|leonardo\.ai|bing image creator|chatgpt|(?:^|google )imagen\b|\bflux\.1|fooocus|draw things",
    re.IGNORECASE,
)
# EXIF is read as Latin-1, in which DALL·E has one more character.
# What AUTOMATIC1111 and those after it write, in PNG text or EXIF UserComment.
_PARAMETERS = re.compile(r"\bSteps: \d+, (?:[^\n]{0,200}, )?Sampler: ")
_JOB = re.compile(r"\bJob ID: [0-9a-f]{8}-[0-9a-f]{4}-")
_SOFTWARE = ("Software", "software", "CreatorTool", "Make", "Generator")


class Evidence(StrEnum):
    """What tells that a picture is synthetic; the strongest that is there."""

    IPTC_TRAINED = "iptc_trained"
    IPTC_COMPOSITE = "iptc_composite"
    C2PA_TRAINED = "c2pa_trained"
    C2PA_COMPOSITE = "c2pa_composite"
    COMFYUI_WORKFLOW = "comfyui_workflow"
    GENERATION_PARAMETERS = "generation_parameters"
    MIDJOURNEY_JOB = "midjourney_job"
    GENERATOR_SOFTWARE = "generator_software"

    @property
    def reason(self) -> Reason:
        """The reason of a verdict that rests on it."""
        kind = self.value.partition("_")[0]
        return _REASONS.get(kind, Reason.SYNTHETIC_METADATA)


_REASONS = {"iptc": Reason.SYNTHETIC_SOURCE_TYPE, "c2pa": Reason.SYNTHETIC_MANIFEST}


class Origin(NamedTuple):
    """The evidence, if any, and who made the C2PA manifest, if there is one."""

    evidence: Evidence | None
    manifest: str | None


def origin(data: bytes) -> Origin:
    """Look at what the bytes of an image say of where it comes from; raises nothing for odd metadata."""
    claim = manifests.claim(data)
    evidence = _of_claim(claim) or _of_source_type(data) or _of_texts(decode.texts(data))
    return Origin(evidence, claim.generator if claim else None)


def _of_claim(claim: manifests.Claim | None) -> Evidence | None:
    if claim is None:
        return None
    if _TRAINED in claim.active:
        return Evidence.C2PA_TRAINED
    if _COMPOSITE in claim.active or {_TRAINED, _COMPOSITE} & claim.ingredients:
        return Evidence.C2PA_COMPOSITE
    return None


def _of_source_type(data: bytes) -> Evidence | None:
    # Plain text wherever a format keeps its XMP; a search of the bytes needs no parser that could be bombed.
    place = -1
    for _ in range(_MOST_MENTIONS):
        place = data.find(b"rainedAlgorithmicMedia", place + 1)
        if place < 0:
            break
        start = data.rfind(b"compositeWithT", max(0, place - 14), place)
        start = place - 1 if start < 0 else start
        if _TYPE.match(data, start) and _TYPE_NAME.search(data[max(0, start - _BEFORE) : start]):
            return Evidence.IPTC_TRAINED if start == place - 1 else Evidence.IPTC_COMPOSITE
    return None


def _of_texts(texts: dict[str, str]) -> Evidence | None:
    values = list(texts.values())
    if any('"class_type"' in text for text in values) or ("workflow" in texts and "prompt" in texts):
        return Evidence.COMFYUI_WORKFLOW
    if any(_PARAMETERS.search(text) for text in values) or "invokeai_metadata" in texts:
        return Evidence.GENERATION_PARAMETERS
    if any(_JOB.search(text) for text in values):
        return Evidence.MIDJOURNEY_JOB
    if any(_GENERATORS.search(texts[name]) for name in _SOFTWARE if name in texts):
        return Evidence.GENERATOR_SOFTWARE
    return None
