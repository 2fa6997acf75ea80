"""The sink: turns a window's judged blocks into files and shards. Writing the verdict shard is the commit."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import ray

from actors.duplicates import Contender, Copy
from actors.manifest import Manifest
from actors.shards import LEDGER, read_verdicts, shards
from actors.storage import Output, to_json
from models.keys import IMAGE_NAME, image_path, image_stem
from models.reasons import Reason, Stage
from models.schema import VERDICTS

_WRITERS = 8
# Reasons that are given after the look for copies: what is a copy of a kept picture is that, whatever else it is.
_AFTER_DUPLICATES = {
    Reason.FITS,
    Reason.UNLIKE_TASTE,
    Reason.BLURRED,
    Reason.NOISY,
    Reason.BLOCKY,
    Reason.UPSCALED,
    Reason.GATE,
    Reason.WATERMARK,
    Reason.BAD_MODEL_OUTPUT,
}

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Judges:
    """Who judged: the encoder (name and fingerprint), the taste's fingerprint and its threshold."""

    encoder: str
    taste: str
    threshold: float


@dataclass(frozen=True, slots=True)
class Committed:
    """What a commit did: rows by reason, kept files, and rows accepted and seen by subreddit.

    ``seconds`` by what took them: ``fetch`` of each image, each of the judge's steps of each block, and ``commit``.
    """

    window: str
    reasons: Counter[str]
    files: tuple[str, ...]
    bytes_fetched: int
    seen_in: Counter[str] = field(default_factory=Counter)
    accepted_in: Counter[str] = field(default_factory=Counter)
    bytes_kept: int = 0
    seconds: dict[str, tuple[float, ...]] = field(default_factory=dict)


class Sink:
    """Commits windows, one at a time and in order.

    ``index`` is the name of the duplicate index's actor. Every call can be repeated: names follow from the manifest
    and the rows, so it writes the same files again.
    """

    def __init__(self, output_uri: str, index: str, judges: Judges) -> None:
        self._output = Output(output_uri)
        # By name: a handle among the arguments may be gone by the time the actor is restarted.
        self._index: Any = ray.get_actor(index)
        self._judges = judges

    def commit(
        self, manifest: Manifest, blocks: Sequence[ray.ObjectRef[pa.Table]], replayed: bool = False
    ) -> Committed:
        """Write image files, embeddings and thumbs, then the verdict shard, in this order.

        ``replayed`` says that a commit of this manifest may have died before: files that it left for these
        candidates, and that no row names, are removed; or set aside where a later window is committed, so that they
        are of a shard that was lost.
        """
        began = time.perf_counter()
        rows = _in_order(manifest, ray.get(list(blocks)))
        self._settle(manifest, rows)
        for row in rows:
            if row["reason"] is Reason.FITS:
                submission = manifest.submissions[row["submission"]].submission
                row["path"] = image_path(submission, _media(row), row["sha256"], row["format"])
        self._write_images(rows)
        self._write_vectors(manifest, rows)
        if replayed:
            self._remove_orphans(manifest, rows)
        self._output.write_table(manifest.shard("verdicts"), _verdicts(rows))
        kept = [(row["key"], row["sha256"], row["phash"]) for row in rows if row["path"]]
        ray.get(self._index.add.remote(kept))
        return _summary(manifest, rows, time.perf_counter() - began)

    def _settle(self, manifest: Manifest, rows: list[Row]) -> None:
        open_rows = [row for row in rows if row["reason"] in _AFTER_DUPLICATES]
        asked = [(row["key"], row["sha256"], row["phash"]) for row in open_rows]
        for row, copy in zip(open_rows, ray.get(self._index.find.remote(asked)), strict=True):
            _end_as_copy(row, copy)
        fits = [_contender(manifest, row) for row in rows if row["reason"] is Reason.FITS]
        losers = ray.get(self._index.settle.remote(fits))
        for row in rows:
            _end_as_copy(row, losers.get(row["key"]))
        for row in rows:
            if row["log_likelihood"] is not None:
                row |= {
                    "encoder": self._judges.encoder,
                    "taste": self._judges.taste,
                    "threshold": self._judges.threshold,
                }

    def _write_images(self, rows: list[Row]) -> None:
        kept = [row for row in rows if row["path"]]
        # An fsync waits for the disk, so several wait together.
        with ThreadPoolExecutor(_WRITERS) as writers:
            list(writers.map(lambda row: self._output.write(row["path"], row["data"]), kept))

    def _write_vectors(self, manifest: Manifest, rows: list[Row]) -> None:
        for table, column in (("embeddings", "embedding"), ("thumbs", "thumb")):
            held = [row for row in rows if row[column] is not None]
            shard = manifest.shard(table)
            if held:
                keys = [row["key"] for row in held]
                self._output.write_table(shard, pa.table({"key": keys, column: _vectors(held, column)}))
            else:
                # A commit that died may have had some.
                self._output.remove(shard)

    def _remove_orphans(self, manifest: Manifest, rows: list[Row]) -> None:
        stems = {_stem(manifest, row) for row in rows}
        found = {
            path
            for folder in {stem.rpartition("/")[0] for stem in stems}
            for path in self._output.names(folder)
            if (image := IMAGE_NAME.fullmatch(path)) and image["stem"] in stems
        }
        orphans = found - {row["path"] for row in rows}
        if not orphans:
            return
        # Commits are in order: of a window before the last one they are originals that were accepted.
        was_judged = any(shard.last > manifest.number for shard in shards(self._output, LEDGER))
        out_of_the_way = self._output.set_aside if was_judged else self._output.remove
        for path in orphans - self._named_elsewhere(manifest, orphans):
            out_of_the_way(path)

    def _named_elsewhere(self, manifest: Manifest, paths: set[str]) -> set[str]:
        # An earlier attempt may have kept another file of a key; and two keys may share a stem (a_b + c, a + b_c).
        named: set[str] = set()
        for shard, table in read_verdicts(self._output, ["path"]):
            if shard.path != manifest.shard("verdicts"):
                named.update(paths.intersection(table["path"].to_pylist()))
        return named


def _in_order(manifest: Manifest, blocks: Sequence[pa.Table]) -> list[Row]:
    found: dict[str, Row] = {}
    for block in blocks:
        for row, data in zip(block.drop_columns(["data"]).to_pylist(), block["data"], strict=True):
            found[row["key"]] = row | {"data": data.as_buffer() if data.is_valid else None}
    missing = [candidate.key for candidate in manifest.candidates if candidate.key not in found]
    if missing or len(found) != len(manifest.candidates):
        raise RuntimeError(f"window {manifest.window}: {len(found)} rows, without {missing[:5]}")
    return [_ledger_row(manifest, found[candidate.key]) for candidate in manifest.candidates]


def _ledger_row(manifest: Manifest, row: Row) -> Row:
    seen = manifest.submissions[row["key"].rpartition("/")[0]]
    submission = seen.submission
    # A failure that is replayed is not fetched again: what was learned of it is in the manifest.
    learned = manifest.facts.get(row["key"], {})
    row = row | {name: value for name, value in learned.items() if row[name] is None}
    known = row | {
        "run": manifest.run,
        "window": manifest.window,
        "attempt": manifest.attempts.get(row["key"], 1),
        "source": submission.source,
        "submission": submission.item,
        "candidates": seen.candidates,
        "subreddit": submission.subreddit,
        "author": submission.author,
        "title": submission.title,
        "permalink": submission.permalink,
        "created": _moment(submission.created),
        "over_18": submission.over_18,
        "reddit_score": submission.reddit_score,
        "extra": None if submission.extra is None else to_json(submission.extra).decode(),
        "reason": Reason(row["reason"]),
        "detail": row["detail"] or None,
        "fetched_at": _moment(row["fetched_at"]),
        "encoder": None,
        "taste": None,
        "threshold": None,
        "path": None,
    }
    return {name: _utf8(value) for name, value in known.items()}


def _utf8(value: Any) -> Any:
    # Titles and file names may hold lone surrogates, which Arrow cannot.
    return value.encode("utf-8", "backslashreplace").decode() if type(value) is str else value


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _media(row: Row) -> str:
    media: str = row["key"].rpartition("/")[2]
    return media


def _stem(manifest: Manifest, row: Row) -> str:
    submission = manifest.submissions[row["submission"]].submission
    return image_stem(submission, _media(row))


def _contender(manifest: Manifest, row: Row) -> Contender:
    submission = manifest.submissions[row["submission"]].submission
    created = float("inf") if submission.created is None else submission.created
    return Contender(row["key"], row["sha256"], row["phash"], row["width"] * row["height"], created)


def _end_as_copy(row: Row, copy: Copy | None) -> None:
    if copy is not None:
        row |= {"reason": copy.reason, "stage": Stage.DUPLICATES.value, "detail": copy.of, "data": None}


def _vectors(rows: list[Row], column: str) -> pa.Array:
    values = [row[column] for row in rows]
    if column == "thumb":
        return pa.array(values, pa.binary())
    flat = pa.Array.from_buffers(
        pa.float16(), sum(map(len, values)) // 2, [None, pa.py_buffer(b"".join(values))]
    )
    return pa.FixedSizeListArray.from_arrays(flat, len(values[0]) // 2)


def _verdicts(rows: list[Row]) -> pa.Table:
    public = [row | {"verdict": row["reason"].verdict.value, "reason": row["reason"].value} for row in rows]
    return pa.Table.from_pylist(public, schema=VERDICTS)


def _summary(manifest: Manifest, rows: list[Row], seconds: float) -> Committed:
    kept = [row for row in rows if row["path"]]
    return Committed(
        window=manifest.window,
        reasons=Counter(row["reason"].value for row in rows),
        files=tuple(row["path"] for row in kept),
        bytes_fetched=sum(row["bytes"] or 0 for row in rows),
        seen_in=Counter(row["subreddit"] or "_" for row in rows),
        accepted_in=Counter(row["subreddit"] or "_" for row in kept),
        bytes_kept=sum(row["bytes"] or 0 for row in kept),
        seconds=_seconds(rows) | {"commit": (seconds,)},
    )


def _seconds(rows: list[Row]) -> dict[str, tuple[float, ...]]:
    found: dict[str, list[float]] = {}
    for row in rows:
        if row["latency_ms"] is not None:
            found.setdefault("fetch", []).append(row["latency_ms"] / 1000)
        for step, seconds in row["step_seconds"] or ():
            found.setdefault(step, []).append(seconds)
    return {what: tuple(each) for what, each in found.items()}
