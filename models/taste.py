"""A taste: what a folder of liked images says about an image, as a density and a threshold.

An embedding x is projected, z = (x − mean) W, so that the scatter of the liked ones within a component is
white; z is scored by a mixture with one Gaussian of unit covariance a component (``models.density``). In x this is
a mixture whose components share one shrunk covariance, which few liked images suffice for.
"""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from models.calibration import Calibration, Rule
from models.density import Density
from models.mixture import GaussianMixture, Vectors
from models.registry import ModelError, write_atomically

VERSION = 2
_ARRAYS = {
    "mean": (1,),
    "projection": (2,),
    "weights": (1,),
    "means": (2,),
    "precision_choleskys": (2, 3),
    "liked_scores": (1,),
    "unfiltered_scores": (1,),
}
_WAY_OUT = "fit it again with goldpan fit"
# What numpy and zipfile raise on bytes that are no archive of arrays; each was seen under mutation.
UNREADABLE = (
    OSError,
    ValueError,
    TypeError,  # one array, not an archive of them
    EOFError,
    AttributeError,
    KeyError,
    RuntimeError,  # flags that say encrypted, or packed by a method that zipfile has not
    zipfile.BadZipFile,
)


class TasteError(ModelError):
    """A taste cannot be fitted, read or written."""


class EncoderMismatchError(TasteError):
    """A taste was fitted on another encoder than the one that runs."""


@dataclass(frozen=True, slots=True, eq=False)
class Taste:
    """An encoder's name and fingerprint, a density of its embeddings and a threshold.

    ``rule`` says what the threshold was chosen for; ``calibration`` has what it lets through; ``fitted`` are the
    facts of the fit, JSON: how many images, the sizes chosen, and what else was tried.
    """

    encoder: str
    encoder_fingerprint: str
    density: Density
    threshold: float
    rule: str
    calibration: Calibration
    fitted: dict[str, Any]

    @property
    def liked(self) -> int:
        """The number of liked images: those it was fitted on, and those that only calibrated it."""
        return self.calibration.liked_count

    @property
    def keep(self) -> float:
        """The share of held-out liked images that the threshold lets through."""
        return self.calibration.kept_liked(self.threshold)

    def at(self, rule: Rule, calibration: Calibration | None = None) -> Taste:
        """Return the same taste with a threshold chosen anew, on its own calibration or on another."""
        calibrated = calibration or self.calibration
        threshold, told = rule.choose(calibrated)
        return replace(self, threshold=threshold, rule=told, calibration=calibrated)

    def score(self, embeddings: npt.NDArray[np.floating[Any]]) -> Vectors:
        """Return the log-likelihood, float64 [n], of embeddings [n, d], rounded to float16 as they are stored.

        A row that is not finite scores NaN, and NaN reaches no threshold: ``score >= threshold`` is False.
        """
        return self._scored(embeddings, None)

    def judge(self, embeddings: npt.NDArray[np.floating[Any]]) -> tuple[Vectors, npt.NDArray[np.bool_]]:
        """Return log-likelihoods and which are accepted, as ``accepts`` tells of ``score``, and sooner.

        With full covariances the scores are float32's where these are plainly above or below the threshold.
        """
        scores = self._scored(embeddings, self.threshold)
        return scores, self.accepts(scores)

    def _scored(self, embeddings: npt.NDArray[np.floating[Any]], side: float | None) -> Vectors:
        width = len(self.density.mean)
        if embeddings.ndim != 2 or embeddings.shape[1] != width:
            raise TasteError(f"this taste scores embeddings [n, {width}], not {embeddings.shape}")
        rounded = as_stored(embeddings)
        scores = np.full(len(rounded), np.nan)
        finite = np.isfinite(rounded).all(axis=1)
        scores[finite] = self.density.score(rounded[finite], side)
        return scores

    def accepts(self, scores: Vectors) -> npt.NDArray[np.bool_]:
        """Return which scores reach the threshold, bool [n]; NaN never does."""
        return np.asarray(scores >= self.threshold)

    @property
    def fingerprint(self) -> str:
        """The sha256, 64 hex digits, of all that decides: another threshold is another taste."""
        decides = {
            "version": VERSION,
            "encoder_fingerprint": self.encoder_fingerprint,
            "threshold": self.threshold,
            "log_jacobian": self.density.log_jacobian,
            "density": _digest(self._arrays(deciding=True)),
        }
        return sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()

    def check_encoder(self, fingerprint: str) -> None:
        """Raise EncoderMismatchError unless the encoder that runs is the one the taste was fitted on."""
        if fingerprint != self.encoder_fingerprint:
            raise EncoderMismatchError(
                f"this taste was fitted on {self.encoder} ({self.encoder_fingerprint[:12]}), and the encoder "
                f"that runs is {fingerprint[:12]}; choose that encoder, or fit the taste again on this one"
            )

    def _arrays(self, *, deciding: bool = False) -> dict[str, Vectors]:
        mixture = self.density.mixture
        arrays = {
            "mean": self.density.mean,
            "projection": self.density.projection,
            "weights": mixture.weights,
            "means": mixture.means,
            "precision_choleskys": mixture.precision_choleskys,
        }
        scores = {"liked_scores": self.calibration.liked, "unfiltered_scores": self.calibration.unfiltered}
        return arrays if deciding else arrays | scores

    def _card(self) -> dict[str, Any]:
        return {
            "version": VERSION,
            "fingerprint": self.fingerprint,
            "encoder": self.encoder,
            "encoder_fingerprint": self.encoder_fingerprint,
            "threshold": self.threshold,
            "rule": self.rule,
            "keep": self.keep,
            "keep_unfiltered": self.calibration.kept_unfiltered(self.threshold),
            "liked": self.calibration.liked_count,
            "unfiltered": self.calibration.unfiltered_count,
            "unfiltered_source": self.calibration.source,
            "fitted": self.fitted,
            "log_jacobian": self.density.log_jacobian,
            "arrays": _digest(self._arrays()),
            "thresholds": self.calibration.table(),
            "histogram": self.calibration.histogram(),
        }

    def save(self, folder: Path) -> None:
        """Write ``taste.npz`` and the card ``taste.json``; the card's threshold may be edited by hand."""
        try:
            write_atomically(folder / "taste.npz", _packed(self._arrays()))
            write_atomically(
                folder / "taste.json", orjson.dumps(self._card(), option=orjson.OPT_INDENT_2) + b"\n"
            )
        except OSError as error:
            raise TasteError(f"{folder} cannot be written: {error.strerror}; name another folder") from error

    @classmethod
    def load(cls, folder: Path) -> Taste:
        """Read what ``save`` wrote; TasteError says what is wrong with it."""
        try:
            card, arrays = (folder / "taste.json").read_bytes(), (folder / "taste.npz").read_bytes()
        except OSError as error:
            raise TasteError(f"{folder} holds no taste ({error.strerror}); {_WAY_OUT}") from error
        return _unpacked(card, arrays, str(folder))

    def to_bytes(self) -> bytes:
        """Return the taste as one piece, for another process or node."""
        card = np.frombuffer(orjson.dumps(self._card()), np.uint8)
        return _packed({**self._arrays(), "card": card})

    @classmethod
    def from_bytes(cls, data: bytes) -> Taste:
        """Read what ``to_bytes`` gave; TasteError says what is wrong with it."""
        card = _read_arrays(data, "these bytes").get("card")
        if card is None:
            raise TasteError("these bytes hold no taste's card; send what to_bytes gave")
        return _unpacked(card.tobytes(), data, "these bytes")


def as_stored(embeddings: npt.NDArray[np.floating[Any]]) -> Vectors:
    """Return embeddings as the float16 values that are stored and scored, in float64."""
    with np.errstate(over="ignore"):
        return embeddings.astype(np.float16).astype(np.float64)


def _packed(arrays: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def _digest(arrays: dict[str, Vectors]) -> str:
    digest = sha256()
    for name, array in arrays.items():
        digest.update(f"{name}{array.shape}".encode())
        digest.update(array.astype("<f8").tobytes())
    return digest.hexdigest()


def _unpacked(card_data: bytes, array_data: bytes, where: str) -> Taste:
    card = _read_card(card_data, where)
    arrays = _checked(_read_arrays(array_data, where), where)
    if card.get("arrays") != _digest(arrays):
        raise TasteError(f"the card and the arrays of {where} are not of one taste; {_WAY_OUT}")
    try:
        mixture = GaussianMixture(arrays["weights"], arrays["means"], arrays["precision_choleskys"])
        density = Density(arrays["mean"], arrays["projection"], float(card["log_jacobian"]), mixture)
        taste = Taste(
            encoder=str(card["encoder"]),
            encoder_fingerprint=str(card["encoder_fingerprint"]),
            density=density,
            threshold=float(card["threshold"]),
            rule=str(card["rule"]),
            calibration=Calibration(
                liked=arrays["liked_scores"],
                liked_count=int(card["liked"]),
                unfiltered=arrays["unfiltered_scores"],
                unfiltered_count=int(card["unfiltered"]),
                source=str(card["unfiltered_source"]),
            ),
            fitted=dict(card["fitted"]),
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise TasteError(f"the card of {where} lacks or misstates {error}; {_WAY_OUT}") from error
    if not np.isfinite([taste.threshold, density.log_jacobian]).all():
        raise TasteError(f"the threshold of {where} is not a number; {_WAY_OUT}")
    return taste


def _read_card(data: bytes, where: str) -> dict[str, Any]:
    try:
        card = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise TasteError(f"the card of {where} is not JSON ({error}); {_WAY_OUT}") from error
    if not isinstance(card, dict) or card.get("version") != VERSION:
        version = card.get("version") if isinstance(card, dict) else None
        raise TasteError(f"{where} is a taste of version {version}, this goldpan reads {VERSION}; {_WAY_OUT}")
    return card


def _read_arrays(data: bytes, where: str) -> dict[str, npt.NDArray[Any]]:
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except UNREADABLE as error:
        raise TasteError(f"the arrays of {where} cannot be read ({error}); {_WAY_OUT}") from error


def _checked(arrays: dict[str, npt.NDArray[Any]], where: str) -> dict[str, Vectors]:
    for name, dimensions in _ARRAYS.items():
        array = arrays.get(name)
        if array is None or array.ndim not in dimensions or array.dtype != np.float64:
            raise TasteError(f"{where} lacks the float64 array {name}; {_WAY_OUT}")
        if not np.isfinite(array).all():
            raise TasteError(f"{name} of {where} holds numbers that are not finite; {_WAY_OUT}")
    d, p = arrays["projection"].shape
    k, choleskys = len(arrays["weights"]), arrays["precision_choleskys"]
    shapes = {"mean": (d,), "means": (k, p), "precision_choleskys": (k, *[p] * (choleskys.ndim - 1))}
    for name, shape in shapes.items():
        if arrays[name].shape != shape:
            raise TasteError(f"{name} of {where} is {arrays[name].shape}, not {shape}; {_WAY_OUT}")
    scales = choleskys if choleskys.ndim == 2 else np.diagonal(choleskys, axis1=1, axis2=2)
    if not k or (arrays["weights"] <= 0).any() or (scales <= 0).any():
        raise TasteError(
            f"the mixture of {where} has weights or precisions that are not positive; {_WAY_OUT}"
        )
    if not len(arrays["liked_scores"]):
        raise TasteError(f"{where} has no scores of liked images; {_WAY_OUT}")
    return {name: arrays[name] for name in _ARRAYS}
