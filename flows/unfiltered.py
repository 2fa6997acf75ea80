"""An unfiltered sample's scores, from a folder of images or from what a finished run has embedded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from actors.encoder import Encoder
from actors.shards import LEDGER, read_beside, read_verdicts
from actors.storage import Output
from flows.exits import PreflightError
from flows.liked import Tally, distinct, embed, image_files
from models.mixture import Vectors
from models.taste import EncoderMismatchError, Taste

Embeddings = npt.NDArray[np.float16]


def is_output(place: str) -> bool:
    """Tell whether `goldpan mine` has committed something there."""
    return ("://" in place or Path(place).is_dir()) and bool(Output(place).names(LEDGER, ".parquet"))


def scores_of_output(taste: Taste, out: str) -> Vectors:
    """Score all that a run has embedded, by the latest attempt; PreflightError where it holds nothing."""
    batches = [scores for _, scores in scored(Output(out), taste)]
    if not batches:
        raise PreflightError(f"{out}: nothing was scored there. Name another output, or a folder of images")
    return np.concatenate(batches)


def scores_of_folder(taste: Taste, folder: str, encoder: Encoder, threads: int) -> tuple[Vectors, Tally]:
    """Embed and score every image of a folder, a few at a time; the same contents count once."""
    tally = Tally()
    files = list(distinct(image_files([Path(folder)])).values())
    batches = [taste.score(batch) for batch in embed(files, encoder, threads, tally)]
    if not batches:
        raise PreflightError(f"{folder}: no image there can be decoded. Name another folder")
    return np.concatenate(batches), tally


def scored(
    output: Output, taste: Taste, columns: Sequence[str] = ()
) -> Iterator[tuple[list[dict[str, Any]], Vectors]]:
    """Give, window by window, the verdict rows that have an embedding and their scores under the taste, float64 [n]."""
    for rows, vectors in embedded(output, taste, columns):
        yield rows, taste.score(vectors)


def embedded(
    output: Output, taste: Taste, columns: Sequence[str] = ()
) -> Iterator[tuple[list[dict[str, Any]], Embeddings]]:
    """Give, window by window, the verdict rows that have an embedding and these, float16 [n, d].

    A candidate that was retried comes once, as its latest attempt left it. EncoderMismatchError where the output
    was embedded by another encoder.
    """
    latest = _latest(output)
    for shard, window in read_verdicts(output, sorted({"key", "attempt", "encoder", *columns})):
        _check_encoder(window, taste, output)
        table = read_beside(output, "embeddings", shard.windows)
        if table is None:
            continue
        place = {key: at for at, key in enumerate(table["key"].to_pylist())}
        rows = [
            row
            for row in window.to_pylist()
            if row["key"] in place
            and row["encoder"] is not None  # compacted, the vector of an attempt stands beside those after it
            and latest.get(row["key"], row["attempt"]) == row["attempt"]
        ]
        if rows:
            yield rows, _vectors(table)[[place[row["key"]] for row in rows]]


def _latest(output: Output) -> dict[str, int]:
    """The latest attempt of each candidate that was tried more than once."""
    latest: dict[str, int] = {}
    for _, table in read_verdicts(output, ["key", "attempt"]):
        for key, attempt in zip(*(table[name].to_pylist() for name in ("key", "attempt")), strict=True):
            if attempt > 1:
                latest[key] = max(attempt, latest.get(key, 0))
    return latest


def _check_encoder(window: pa.Table, taste: Taste, output: Output) -> None:
    for encoder in set(window["encoder"].to_pylist()) - {None}:
        name, _, fingerprint = encoder.partition("@")
        if not taste.encoder_fingerprint.startswith(fingerprint):
            raise EncoderMismatchError(
                f"{output.shown} was embedded by {name} ({fingerprint[:12]}), and this taste is for {taste.encoder} "
                f"({taste.encoder_fingerprint[:12]}); fit one with --encoder {name}, or name another output"
            )


def _vectors(table: pa.Table) -> Embeddings:
    flat = table["embedding"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return np.asarray(flat, np.float16).reshape(table.num_rows, -1)
