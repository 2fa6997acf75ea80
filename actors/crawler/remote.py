"""The user's files on other filesystems than this machine's, by URI and through pyarrow: s3://, gs://, abfs://, hdfs://.

Credentials come from the environment, as pyarrow reads them (https://arrow.apache.org/docs/python/filesystems.html).
URIs go into rows, manifests and logs, so one that holds credentials is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from urllib.parse import parse_qsl, quote, unquote

import pyarrow as pa
import pyarrow.fs as pafs

from actors.crawler.locate import printable, unread

_URI = re.compile(r"([a-z][a-z0-9+.-]*)://([^/?]*)/*([^?]*)\??(.*)", re.IGNORECASE | re.DOTALL)
# gs://anonymous@BUCKET asks for no credentials, abfs://CONTAINER@ACCOUNT has none; a port is a password but in hdfs.
_ORIGIN = re.compile(r"s3://[^@:]+|gc?s://(?:anonymous@)?[^@:]+|abfss?://(?:[\w-]+@)?[^@:]+|hdfs://[^@]+")
_PARAMETERS = {"enable_tls", "endpoint_override", "region", "scheme", "tls_ca_file_path"}
_AWS_ERROR = re.compile(r"AWS Error (\w+)")
_DENIED = re.compile(r"denied|access_key|signature|token|credential|unauth|\b40[13]\b", re.IGNORECASE)
_NO_BUCKET = re.compile(r"no_such_bucket|bucket .* not found", re.IGNORECASE)
_S3 = (
    "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment, or a profile in ~/.aws, and AWS_ENDPOINT_URL "
    "where it is not Amazon's"
)
_GCS = (
    "set GOOGLE_APPLICATION_CREDENTIALS in the environment, or write gs://anonymous@BUCKET for a public one"
)
_AZURE = "set AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_CLIENT_SECRET in the environment, or log in with az"
# How each gets its credentials; what is read is what can be told how.
_CREDENTIALS = {
    "s3": _S3, "gs": _GCS, "gcs": _GCS, "abfs": _AZURE, "abfss": _AZURE, "hdfs": "see to a Kerberos ticket (kinit)"
}  # fmt: skip
_LONGEST_TOLD = 300
_GCS_PATIENCE = 30  # seconds; its library would try for a quarter of an hour


class PlaceError(ValueError):
    """A place that cannot be used; the message is for the user and names the way out."""


@dataclass(frozen=True, slots=True)
class Place:
    """A file or folder: ``origin`` is ``scheme://authority``, ``path`` what follows, decoded."""

    origin: str
    path: str
    query: str = ""

    @property
    def uri(self) -> str:
        """The place as a URI that reads back, whatever is in its name."""
        return f"{self.origin}/{quote(self.path)}" + (f"?{self.query}" if self.query else "")

    def below(self, path: str) -> Place:
        """Give a place by its path below this one."""
        return replace(self, path=f"{self.path.rstrip('/')}/{path}" if self.path else path)

    def open(self) -> tuple[pafs.FileSystem, str]:
        """Give the filesystem and the path on it; OSError or ArrowException where it cannot be reached."""
        filesystem, root = _filesystem(self.origin, self.query)
        return filesystem, f"{root.rstrip('/')}/{self.path}".rstrip("/") if self.path else root


def is_remote(text: str) -> bool:
    """Tell a URI from a path."""
    return "://" in text


def place_of(uri: str) -> Place:
    """Read a URI; PlaceError, without repeating them, where it holds credentials."""
    match = _URI.fullmatch(uri)
    scheme, authority, path, query = match.groups() if match else ("", "", "", "")
    if scheme.lower() not in _CREDENTIALS or not authority:
        raise PlaceError(
            f"{unread(uri)} cannot be read: of URIs only {', '.join(_CREDENTIALS)} can; a path of this machine "
            "is written without file://, and what a web server has must be downloaded first"
        )
    origin, way_out = f"{scheme.lower()}://{authority}", _CREDENTIALS[scheme.lower()]
    parameters = dict(parse_qsl(query, keep_blank_values=True))
    if not _ORIGIN.fullmatch(origin) or any("@" in value for value in parameters.values()):
        raise PlaceError(f"{unread(uri)}: a URI must hold no credentials, as it goes into rows; {way_out}")
    if unknown := sorted(parameters.keys() - _PARAMETERS):
        known = ", ".join(sorted(_PARAMETERS))
        raise PlaceError(f"{unread(uri)}: of {known} it may say, not {printable(unknown[0])!r}; {way_out}")
    return Place(origin, unquote(path).rstrip("/"), query)


@lru_cache(maxsize=16)
def _filesystem(origin: str, query: str) -> tuple[pafs.FileSystem, str]:
    """Connections are kept between files: opening a filesystem may ask for a bucket's region."""
    if origin.startswith(("gs:", "gcs:")):
        query = f"{query}&retry_limit_seconds={_GCS_PATIENCE}".lstrip("&")
    filesystem, root = pafs.FileSystem.from_uri(f"{origin}/?{query}".rstrip("?"))
    return filesystem, root


def cause_of(error: Exception) -> str:
    """Give the short name of what went wrong: Amazon's code, else the error's class."""
    code = _AWS_ERROR.search(str(error))
    return code[1] if code else type(error).__name__


def explain(error: OSError | pa.ArrowException, place: Place) -> str:
    """Say what went wrong at a place, and the way out."""
    cause, text = cause_of(error), str(error)
    way_out = _CREDENTIALS[place.origin.partition(":")[0]]
    if isinstance(error, FileNotFoundError):
        return "there is no such place; check its path"
    if _NO_BUCKET.search(text):
        return f"there is no such bucket; check its name, and {way_out}"
    if _DENIED.search(cause if "AWS Error" in text else text):
        return f"access is denied ({cause}); {way_out}"
    if cause == "NETWORK_CONNECTION":
        return "its server does not answer; check the network, and AWS_ENDPOINT_URL where it is not Amazon's"
    return printable(text.splitlines()[0] if text else cause)[:_LONGEST_TOLD]
