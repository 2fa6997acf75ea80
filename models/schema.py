"""The Arrow schemas: what leaves a crawler, what leaves the judge, and the ledger with its meaning.

``VERDICTS`` is the public one: one row per candidate, in ``verdicts/date=…/<window>.parquet``. Each field's
metadata says what it means, its unit, and when it is null; the schema's metadata has ``goldpan.schema``,
its version, which rises when a column changes its meaning or goes away.
"""

from __future__ import annotations

import pyarrow as pa

SCHEMA_VERSION = "1"
SCORES = pa.map_(pa.string(), pa.float32())
UTC_MILLISECONDS = pa.timestamp("ms", tz="UTC")


def _column(
    name: str, kind: pa.DataType, meaning: str, *, null: str | None = None, unit: str = ""
) -> pa.Field:
    notes = {"meaning": meaning, "null": null or "never"} | ({"unit": unit} if unit else {})
    return pa.field(name, kind, nullable=null is not None, metadata=notes)


_NOT_REDDIT = "the source does not tell"
_SIDE = "after EXIF orientation; as stored, if refused before that was read; as declared, if nothing was"
_NOT_ASKED = "nothing was asked for"
_NO_BYTES = "its bytes were not fetched to the end"
_NOT_DECODED = "the bytes were not read as an image"
_NOT_STUDIED = "not accepted by the taste, a side under 32 pixels, or gates.quality.study is off"
_NOT_SCORED = "the verdict fell before the encoder"

_CONTRAST = "largest standard deviation of a colour channel"
_RESOLUTION = "share of its frequencies that the picture uses; enlarged twice, half of that"

VERDICTS = pa.schema(
    [
        _column("key", pa.string(), "<item>/<media>; unique among current rows"),
        _column("run", pa.string(), "the run that wrote this row: runs/<run>.json"),
        _column("window", pa.string(), "the window the row was committed in"),
        _column("attempt", pa.int16(), "1, and one more for each re-try that was asked for"),
        _column("source", pa.string(), "the SOURCE argument it came from"),
        _column("submission", pa.string(), "the item: Reddit fullname, url:<sha256> or folder:<path>"),
        _column("candidates", pa.int32(), "number of candidates of the submission"),
        _column("subreddit", pa.string(), "subreddit, without r/", null=_NOT_REDDIT),
        _column("author", pa.string(), "Reddit user", null="deleted, or the source does not tell"),
        _column("title", pa.string(), "the submission's title", null=_NOT_REDDIT),
        _column("permalink", pa.string(), "URL of the submission at its site", null=_NOT_REDDIT),
        _column("created", UTC_MILLISECONDS, "when the submission was made", null=_NOT_REDDIT, unit="UTC"),
        _column("over_18", pa.bool_(), "marked NSFW", null=_NOT_REDDIT),
        _column("reddit_score", pa.int32(), "up- minus downvotes when seen", null=_NOT_REDDIT),
        _column("extra", pa.string(), "JSON object: a URL list's other columns", null="the source has none"),
        _column("url", pa.string(), "the URL that was asked for, or the file's path", null=_NOT_ASKED),
        _column("final_url", pa.string(), "the URL after redirects", null=_NOT_ASKED),
        _column("host", pa.string(), "host of `url`", null=_NOT_ASKED),
        _column("http_status", pa.int16(), "the last answer's status", null="no answer"),
        _column("content_type", pa.string(), "as the host says, not as the bytes are", null="not said"),
        _column("etag", pa.string(), "the host's tag for this version, as it says it", null="not said"),
        _column("last_modified", pa.string(), "when the image changed, as the host says it", null="not said"),
        _column("bytes", pa.int64(), "length of the original", null=_NO_BYTES, unit="bytes"),
        _column("sha256", pa.string(), "of the original bytes, hexadecimal", null=_NO_BYTES),
        _column("format", pa.string(), "Pillow's name for the content's format", null=_NOT_DECODED),
        _column("width", pa.int32(), _SIDE, null="not known", unit="pixels"),
        _column("height", pa.int32(), _SIDE, null="not known", unit="pixels"),
        _column("phash", pa.string(), "64-bit perceptual hash, 16 hexadecimal digits", null=_NOT_DECODED),
        _column("encoder", pa.string(), "the encoder's name and fingerprint", null=_NOT_SCORED),
        _column("taste", pa.string(), "the taste's fingerprint", null=_NOT_SCORED),
        _column("threshold", pa.float64(), "log-likelihood needed", null=_NOT_SCORED, unit="nats"),
        _column("log_likelihood", pa.float64(), "under the taste's mixture", null=_NOT_SCORED, unit="nats"),
        _column("watermark", pa.float32(), "probability of a visible mark", null="not looked for"),
        _column("synthetic", pa.string(), "evidence that a model made it; models/synthetic.py", null="none"),
        _column("c2pa", pa.string(), "who made its C2PA manifest; `unreadable` if broken", null="none"),
        _column("contrast", pa.float32(), _CONTRAST, null=_NOT_DECODED, unit="grey levels"),
        _column("dark", pa.float32(), "share of pixels with a luma of 5 or less", null=_NOT_DECODED),
        _column("bright", pa.float32(), "share of pixels with a luma of 250 or more", null=_NOT_DECODED),
        _column("border", pa.float32(), "share of the area in plain bars at the edges", null=_NOT_DECODED),
        _column("sharpness", pa.float32(), "second over first difference, sharper tiles", null=_NOT_STUDIED),
        _column("noise", pa.float32(), "of the calmest patches", null=_NOT_STUDIED, unit="grey levels"),
        _column("blockiness", pa.float32(), "extra steepness across an 8-pixel grid", null=_NOT_STUDIED),
        _column("resolution", pa.float32(), _RESOLUTION, null=_NOT_STUDIED),
        _column(
            "gates", SCORES, "the scores that the classifiers of gates.models gave", null="none was asked"
        ),
        _column("verdict", pa.string(), "accepted, rejected, skipped or failed"),
        _column("reason", pa.string(), "why; a closed enum, models/reasons.py"),
        _column("stage", pa.string(), "the last stage it came to: where the verdict fell"),
        _column(
            "detail",
            pa.string(),
            "more on the reason: the kept duplicate's key, an error's class",
            null="none",
        ),
        _column("path", pa.string(), "the kept file, relative to the output", null="not accepted"),
        _column("fetched_at", UTC_MILLISECONDS, "when the last byte arrived", null=_NO_BYTES, unit="UTC"),
        _column("latency_ms", pa.float32(), "first request to last byte", null=_NO_BYTES, unit="ms"),
    ],
    metadata={"goldpan.schema": SCHEMA_VERSION},
)

# What a crawler hands out: one row per ready candidate. Binary data is large: 2 GiB offsets overflow.
READY = pa.schema(
    [
        ("key", pa.string()),
        ("url", pa.string()),
        ("final_url", pa.string()),
        ("host", pa.string()),
        ("http_status", pa.int16()),
        ("content_type", pa.string()),
        ("etag", pa.string()),
        ("last_modified", pa.string()),
        ("fetched_at", pa.float64()),
        ("latency_ms", pa.float32()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("reason", pa.string()),
        ("stage", pa.string()),
        ("detail", pa.string()),
        ("data", pa.large_binary()),
    ]
)

# Of a picture's quality (models.quality), the first half on every one that is decoded.
MEASURES = ("contrast", "dark", "bright", "border", "sharpness", "noise", "blockiness", "resolution")

# What leaves the judge: READY with what was found out; `data` only where the image is about to be accepted.
JUDGED = pa.schema(
    [
        *READY,
        ("bytes", pa.int64()),
        ("sha256", pa.string()),
        ("format", pa.string()),
        ("phash", pa.string()),
        ("log_likelihood", pa.float64()),
        ("watermark", pa.float32()),
        ("synthetic", pa.string()),
        ("c2pa", pa.string()),
        *((name, pa.float32()) for name in MEASURES),
        ("gates", SCORES),
        ("embedding", pa.binary()),
        ("thumb", pa.binary()),
        # What each step of the judge took for the block, on its first row: no verdict's, and not kept.
        ("step_seconds", SCORES),
    ]
)
