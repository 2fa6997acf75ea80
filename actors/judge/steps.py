"""The judge's steps. Each takes the looks that are still open, and ends those that it decides."""

from __future__ import annotations

import faulthandler
import hashlib
from collections.abc import Callable
from io import BytesIO
from typing import Any, Protocol

import numpy as np
import ray
from PIL import Image

from actors.judge.look import Look
from models import decode, preprocess, watermark
from models.classifier import GateRow
from models.gates import ContentGates, ShapeGates, Synthetic
from models.hashes import perceptual_hash
from models.quality import QualityGates, glance, study
from models.reasons import Reason, Stage
from models.registry import ModelRow
from models.synthetic import origin

THUMB_PIXELS = 224
THUMB_QUALITY = 80
_LARGEST_SIDE = 2**31 - 1
_STDERR = 2

_FAULTS = {
    decode.DecodeFault.NOT_AN_IMAGE: Reason.NOT_AN_IMAGE,
    decode.DecodeFault.UNSUPPORTED: Reason.UNSUPPORTED_FORMAT,
    decode.DecodeFault.TOO_MANY_PIXELS: Reason.TOO_MANY_PIXELS,
    decode.DecodeFault.TRUNCATED: Reason.TRUNCATED,
    decode.DecodeFault.BROKEN: Reason.BROKEN,
}


class Step(Protocol):
    """One step: ends the looks it decides, and leaves the others open; ``name`` is what its time is told under."""

    name: str

    def __call__(self, looks: list[Look]) -> None:
        """Look at these, all of them still open; never empty."""


class Inspect:
    """Header, shape gates, origin, hashes, one decode to the encoder's square and the thumb. All on the CPU."""

    name = "inspect"

    def __init__(
        self,
        shape: ShapeGates,
        encoder: ModelRow,
        *,
        thumbs: bool,
        seconds: float,
        gates: ContentGates | None = None,
    ) -> None:
        self._shape, self._encoder, self._thumbs, self._seconds = shape, encoder, thumbs, seconds
        self._gates = gates or ContentGates()

    def __call__(self, looks: list[Look]) -> None:
        """Inspect each; what cannot be decoded ends as failed."""
        for look in looks:
            at_the_edge(look, Stage.INSPECT, self._inspect, self._seconds)

    def _inspect(self, look: Look) -> None:
        data = bytes(look.data or b"")
        look.row |= {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        if not data:
            look.end(Reason.EMPTY, Stage.INSPECT)
            return
        header = decode.header(data)
        width, height = _side(header.width), _side(header.height)
        look.row |= {"format": header.format, "width": width, "height": height}
        if reason := self._shape.reason(header.width, header.height):
            look.end(reason, Stage.INSPECT)
            return
        made = origin(data)
        look.row |= {"synthetic": made.evidence, "c2pa": made.manifest}
        if made.evidence is not None and self._gates.synthetic is Synthetic.REJECT:
            look.end(made.evidence.reason, Stage.INSPECT, made.evidence)
            return
        self._picture(look, data)

    def _picture(self, look: Look, data: bytes) -> None:
        shortest = preprocess.shortest_side(self._encoder)
        image = decode.open_rgb(data, shortest=shortest, max_pixels=self._shape.max_pixels)
        look.row["phash"] = f"{perceptual_hash(image):016x}"
        look.pixels = preprocess.resize(image, self._encoder)
        if self._thumbs:
            look.row["thumb"] = _thumb(image)
        measures = glance(image)
        look.row |= measures
        if fault := self._gates.quality.reason(measures):
            look.end(fault[0], Stage.INSPECT, fault[1])


class KnownDuplicates:
    """Ends what is a copy of an image that is kept already, before a model sees it."""

    name = "duplicates"

    def __init__(self, index: Any) -> None:
        self._index = index

    def __call__(self, looks: list[Look]) -> None:
        """Ask the duplicate index about all of them in one call."""
        asked = [(look.row["key"], look.row["sha256"], look.row["phash"]) for look in looks]
        for look, copy in zip(looks, ray.get(self._index.find.remote(asked)), strict=True):
            if copy is not None:
                look.end(copy.reason, Stage.DUPLICATES, copy.of)


class Encode:
    """Gives each an embedding, from the encoder actors."""

    name = "encode"

    def __init__(self, encoders: list[Any]) -> None:
        self._encoders = encoders

    def __call__(self, looks: list[Look]) -> None:
        """Encode all of them, a share in each encoder; the squares go there by reference and are let go."""
        pixels = np.stack([look.pixels for look in looks if look.pixels is not None])
        shares = np.array_split(pixels, min(len(self._encoders), len(looks)))
        encoding = [
            encoder.__call__.remote(share) for encoder, share in zip(self._encoders, shares, strict=False)
        ]
        for look, embedding in zip(looks, np.concatenate(ray.get(encoding)), strict=True):
            look.pixels, look.embedding = None, embedding


class Score:
    """Ends what is unlike the taste."""

    name = "score"

    def __init__(self, scorers: list[Any]) -> None:
        self._scorers = scorers

    def __call__(self, looks: list[Look]) -> None:
        """Score all of them in one call; what is not a number was never accepted, and has its own reason."""
        embeddings = np.stack([look.embedding for look in looks if look.embedding is not None])
        scores, accepted = ray.get(any_of(self._scorers, looks).__call__.remote(embeddings))
        for look, score, fits in zip(looks, scores, accepted, strict=True):
            if not np.isfinite(score):
                look.embedding = None
                look.end(Reason.BAD_MODEL_OUTPUT, Stage.SCORE, "the log-likelihood is not a number")
                continue
            look.row["log_likelihood"] = float(score)
            if not fits:
                look.end(Reason.UNLIKE_TASTE, Stage.SCORE)


class Study:
    """Ends what is of bad quality in full resolution; the few that come here are decoded again, in grey."""

    name = "quality"

    def __init__(self, gates: QualityGates, max_pixels: int, *, seconds: float) -> None:
        self._gates, self._max_pixels, self._seconds = gates, max_pixels, seconds

    def __call__(self, looks: list[Look]) -> None:
        """Study each."""
        for look in looks:
            at_the_edge(look, Stage.QUALITY, self._study, self._seconds)

    def _study(self, look: Look) -> None:
        measures = study(decode.open_luma(bytes(look.data or b""), max_pixels=self._max_pixels))
        look.row |= measures
        if fault := self._gates.reason(measures):
            look.end(fault[0], Stage.QUALITY, fault[1])


class AskGates:
    """Ends what a classifier of the user's refuses; each gate sees what the one before it left open."""

    name = "gates"

    def __init__(self, gates: list[tuple[GateRow, list[Any]]], max_pixels: int, *, seconds: float) -> None:
        self._gates, self._max_pixels, self._seconds = gates, max_pixels, seconds

    def __call__(self, looks: list[Look]) -> None:
        """Ask one gate after the other, each about all that are still open."""
        for row, actors in self._gates:
            if still_open := [look for look in looks if look.reason is None]:
                self._ask(row, actors, still_open)

    def _ask(self, row: GateRow, actors: list[Any], looks: list[Look]) -> None:
        model = row.model_row()
        for look in looks:
            at_the_edge(look, Stage.GATES, lambda look: self._square(look, model), self._seconds)
        looks = [look for look in looks if look.pixels is not None]
        if not looks:
            return
        squares = np.stack([look.pixels for look in looks if look.pixels is not None])
        found = ray.get(any_of(actors, looks).__call__.remote(squares))
        for look, score in zip(looks, found, strict=True):
            look.pixels = None
            if not np.isfinite(score):
                look.end(Reason.BAD_MODEL_OUTPUT, Stage.GATES, f"{row.name}: the score is not a number")
                continue
            look.row["gates"] = [*(look.row.get("gates") or []), (row.name, float(score))]
            if not row.keeps(float(score)):
                look.end(Reason.GATE, Stage.GATES, f"{row.name} {score:.3g}")

    def _square(self, look: Look, model: ModelRow) -> None:
        shortest = preprocess.shortest_side(model)
        image = decode.open_rgb(bytes(look.data or b""), shortest=shortest, max_pixels=self._max_pixels)
        look.pixels = preprocess.resize(image, model)


class LookForMarks:
    """Ends what carries a watermark; the few that come here are decoded again, at the detector's size."""

    name = "watermark"

    def __init__(self, detectors: list[Any], threshold: float, max_pixels: int, *, seconds: float) -> None:
        self._detectors, self._threshold, self._max_pixels = detectors, threshold, max_pixels
        self._seconds = seconds

    def __call__(self, looks: list[Look]) -> None:
        """Look at all of them in one call."""
        for look in looks:
            at_the_edge(look, Stage.WATERMARK, self._square, self._seconds)
        looks = [look for look in looks if look.pixels is not None]
        if not looks:
            return
        squares = np.stack([look.pixels for look in looks if look.pixels is not None])
        found = ray.get(any_of(self._detectors, looks).__call__.remote(squares))
        for look, probability in zip(looks, found, strict=True):
            if not np.isfinite(probability):
                look.end(Reason.BAD_MODEL_OUTPUT, Stage.WATERMARK, "the probability is not a number")
                continue
            look.pixels = None
            look.row["watermark"] = float(probability)
            if probability > self._threshold:
                look.end(Reason.WATERMARK, Stage.WATERMARK)

    def _square(self, look: Look) -> None:
        # Twice the detector's size: coarser JPEG scales blur the marks it looks for.
        image = decode.open_rgb(
            bytes(look.data or b""), shortest=2 * watermark.SIZE, max_pixels=self._max_pixels
        )
        look.pixels = watermark.prepare(image)


def at_the_edge(look: Look, stage: Stage, work: Callable[[Look], None], seconds: float) -> None:
    """Do some work on a look; what goes wrong with the image is its reason.

    A decoder that takes longer than ``seconds`` ends its process. From there it goes as with one that crashes: nothing
    else stops a loop in C.
    """
    faulthandler.dump_traceback_later(seconds, exit=True, file=_STDERR)
    try:
        work(look)
    except decode.DecodeError as error:
        look.end(_FAULTS[error.fault], stage, error.detail)
    except Exception as error:  # noqa: BLE001 - the worker's edge: an odd image is a row, never the end of a run
        look.end(Reason.BROKEN, stage, type(error).__name__)
    finally:
        faulthandler.cancel_dump_traceback_later()


def _side(pixels: int) -> int | None:
    # A header may claim more than the column holds; the gates see the claim, the row does not.
    return pixels if pixels <= _LARGEST_SIDE else None


def _thumb(image: Image.Image) -> bytes:
    small = image.copy()
    small.thumbnail((THUMB_PIXELS, THUMB_PIXELS), reducing_gap=2.0)
    buffer = BytesIO()
    small.save(buffer, "JPEG", quality=THUMB_QUALITY)
    return buffer.getvalue()


def any_of(actors: list[Any], looks: list[Look]) -> Any:
    """Choose a replica by content, not by chance: the same block asks the same one when it is judged again."""
    return actors[int(looks[0].row["sha256"][:8], 16) % len(actors)]
