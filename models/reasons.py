"""The closed enums of what can become of a candidate.

::

    Verdict
    ├── accepted    the original file is kept
    │   └── fits                 likely under the taste, and passed every gate
    ├── rejected    an image was looked at, or measured, and is not wanted
    │   ├── too_small            fewer pixels than --min-pixels, declared or real
    │   ├── too_wide             width / height over --max-wide
    │   ├── too_tall             height / width over --max-tall
    │   ├── synthetic_source_type  its IPTC digital source type says that a model made it, or a part of it
    │   ├── synthetic_manifest     its C2PA manifest says so
    │   ├── synthetic_metadata     a generator left its parameters, or its name, in the metadata
    │   ├── flat                 one plain colour: less contrast than gates.quality.min_contrast
    │   ├── underexposed         more black pixels than gates.quality.max_dark
    │   ├── overexposed          more white pixels than gates.quality.max_bright
    │   ├── bordered             more in plain bars than gates.quality.max_border
    │   ├── blurred              less sharp than gates.quality.min_sharpness
    │   ├── noisy                more noise than gates.quality.max_noise
    │   ├── blocky               more of a JPEG's blocks than gates.quality.max_blockiness
    │   ├── upscaled             less of its resolution used than gates.quality.min_resolution
    │   ├── duplicate            the same bytes as an image that is kept
    │   ├── near_duplicate       the same picture as an image that is kept, by perceptual hash
    │   ├── unlike_taste         log-likelihood under the threshold (or not a number)
    │   ├── gate                 a classifier of gates.models scores it outside of its limits
    │   └── watermark            a visible mark, by the detector
    ├── skipped     nothing was fetched: no image to be had, or not to be had by our rules
    │   ├── self_post            text without an inline image
    │   ├── removed              removed or deleted on Reddit
    │   ├── over_18              marked NSFW, and --over-18 is skip
    │   ├── not_over_18          not marked NSFW, and --over-18 is only
    │   ├── video                a video, or an animation that is delivered as one
    │   ├── crosspost_of         its parent submission is known, and has the rows
    │   ├── not_an_image_link    a link to a page or file that no resolver knows as an image
    │   ├── empty_album          an album or gallery without a usable image
    │   ├── needs_credentials    its host answers only to an API key that is not set
    │   ├── resolved_later       --retry found its images, which have rows of their own
    │   ├── locked_original      its owner shows it small, and keeps the size that is wanted back
    │   ├── opted_out            its host asks not to be used for this (X-Robots-Tag)
    │   └── malformed            a submission or line that cannot be read as one
    └── failed      an image should be there, and could not be had
        ├── bad_url              not a URL that can be fetched
        ├── private_address      the host is, or redirects to, an address that is not public
        ├── dns                  the host's name does not resolve
        ├── connection           refused, reset, or closed in the middle
        ├── tls                  the host's certificate or handshake is not valid
        ├── timeout              connect, idle or total time is over the cap
        ├── redirects            too many redirects, or one that leads nowhere
        ├── not_found            404 or 410
        ├── removed_at_host      the host's "removed" placeholder
        ├── forbidden            401, 403 or 451
        ├── rate_limited         429 to the last try
        ├── server_error         5xx to the last try
        ├── http_error           any other status that is not a success
        ├── api_error            a host's API answered what cannot be used
        ├── not_ready            still processing at its host after the last try
        ├── too_large            more bytes than the cap
        ├── too_many_pixels      more pixels than the cap
        ├── empty                no bytes
        ├── not_an_image         the bytes are not an image (HTML, text, video, …)
        ├── unsupported_format   an image in a format this build cannot decode
        ├── truncated            the image ends before its last pixel
        ├── broken               the decoder gives up
        ├── unreadable           a file of the user's that cannot be opened
        ├── bad_model_output     a model answered what is not a number
        └── crashed_worker       it killed its worker three times
"""

from __future__ import annotations

from enum import StrEnum


class Verdict(StrEnum):
    """What became of a candidate."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    SKIPPED = "skipped"
    FAILED = "failed"


class Stage(StrEnum):
    """Where on the way of an image its verdict fell."""

    RESOLVE = "resolve"
    FETCH = "fetch"
    INSPECT = "inspect"
    DUPLICATES = "duplicates"
    SCORE = "score"
    QUALITY = "quality"
    GATES = "gates"
    WATERMARK = "watermark"
    SINK = "sink"


class Reason(StrEnum):
    """Why a candidate has its verdict; each reason belongs to one verdict (see the tree above)."""

    FITS = "fits"

    TOO_SMALL = "too_small"
    TOO_WIDE = "too_wide"
    TOO_TALL = "too_tall"
    SYNTHETIC_SOURCE_TYPE = "synthetic_source_type"
    SYNTHETIC_MANIFEST = "synthetic_manifest"
    SYNTHETIC_METADATA = "synthetic_metadata"
    FLAT = "flat"
    UNDEREXPOSED = "underexposed"
    OVEREXPOSED = "overexposed"
    BORDERED = "bordered"
    BLURRED = "blurred"
    NOISY = "noisy"
    BLOCKY = "blocky"
    UPSCALED = "upscaled"
    DUPLICATE = "duplicate"
    NEAR_DUPLICATE = "near_duplicate"
    UNLIKE_TASTE = "unlike_taste"
    GATE = "gate"
    WATERMARK = "watermark"

    SELF_POST = "self_post"
    REMOVED = "removed"
    OVER_18 = "over_18"
    NOT_OVER_18 = "not_over_18"
    VIDEO = "video"
    CROSSPOST_OF = "crosspost_of"
    NOT_AN_IMAGE_LINK = "not_an_image_link"
    EMPTY_ALBUM = "empty_album"
    NEEDS_CREDENTIALS = "needs_credentials"
    RESOLVED_LATER = "resolved_later"
    LOCKED_ORIGINAL = "locked_original"
    OPTED_OUT = "opted_out"
    MALFORMED = "malformed"

    BAD_URL = "bad_url"
    PRIVATE_ADDRESS = "private_address"
    DNS = "dns"
    CONNECTION = "connection"
    TLS = "tls"
    TIMEOUT = "timeout"
    REDIRECTS = "redirects"
    NOT_FOUND = "not_found"
    REMOVED_AT_HOST = "removed_at_host"
    FORBIDDEN = "forbidden"
    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    HTTP_ERROR = "http_error"
    API_ERROR = "api_error"
    NOT_READY = "not_ready"
    TOO_LARGE = "too_large"
    TOO_MANY_PIXELS = "too_many_pixels"
    EMPTY = "empty"
    NOT_AN_IMAGE = "not_an_image"
    UNSUPPORTED_FORMAT = "unsupported_format"
    TRUNCATED = "truncated"
    BROKEN = "broken"
    UNREADABLE = "unreadable"
    BAD_MODEL_OUTPUT = "bad_model_output"
    CRASHED_WORKER = "crashed_worker"

    @property
    def verdict(self) -> Verdict:
        """The one verdict this reason belongs to."""
        return _VERDICTS.get(self, Verdict.FAILED)


_VERDICTS = {
    Reason.FITS: Verdict.ACCEPTED,
    Reason.TOO_SMALL: Verdict.REJECTED,
    Reason.TOO_WIDE: Verdict.REJECTED,
    Reason.TOO_TALL: Verdict.REJECTED,
    Reason.SYNTHETIC_SOURCE_TYPE: Verdict.REJECTED,
    Reason.SYNTHETIC_MANIFEST: Verdict.REJECTED,
    Reason.SYNTHETIC_METADATA: Verdict.REJECTED,
    Reason.FLAT: Verdict.REJECTED,
    Reason.UNDEREXPOSED: Verdict.REJECTED,
    Reason.OVEREXPOSED: Verdict.REJECTED,
    Reason.BORDERED: Verdict.REJECTED,
    Reason.BLURRED: Verdict.REJECTED,
    Reason.NOISY: Verdict.REJECTED,
    Reason.BLOCKY: Verdict.REJECTED,
    Reason.UPSCALED: Verdict.REJECTED,
    Reason.DUPLICATE: Verdict.REJECTED,
    Reason.NEAR_DUPLICATE: Verdict.REJECTED,
    Reason.UNLIKE_TASTE: Verdict.REJECTED,
    Reason.GATE: Verdict.REJECTED,
    Reason.WATERMARK: Verdict.REJECTED,
    Reason.SELF_POST: Verdict.SKIPPED,
    Reason.REMOVED: Verdict.SKIPPED,
    Reason.OVER_18: Verdict.SKIPPED,
    Reason.NOT_OVER_18: Verdict.SKIPPED,
    Reason.VIDEO: Verdict.SKIPPED,
    Reason.CROSSPOST_OF: Verdict.SKIPPED,
    Reason.NOT_AN_IMAGE_LINK: Verdict.SKIPPED,
    Reason.EMPTY_ALBUM: Verdict.SKIPPED,
    Reason.NEEDS_CREDENTIALS: Verdict.SKIPPED,
    Reason.RESOLVED_LATER: Verdict.SKIPPED,
    Reason.LOCKED_ORIGINAL: Verdict.SKIPPED,
    Reason.OPTED_OUT: Verdict.SKIPPED,
    Reason.MALFORMED: Verdict.SKIPPED,
}
