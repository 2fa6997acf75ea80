"""An S3 of our own: moto's server on the loopback address, where every test has a bucket."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

import pytest
import requests


@dataclass(frozen=True)
class Bucket:
    """A bucket of its own for a test, and the server that has it."""

    endpoint: str
    name: str

    @property
    def uri(self) -> str:
        return f"s3://{self.name}"

    def put(self, key: str, data: bytes = b"x") -> None:
        requests.put(f"{self.endpoint}/{self.name}/{quote(key)}", data=data, timeout=10).raise_for_status()

    def let_in_only_who_is_known(self) -> None:
        requests.post(f"{self.endpoint}/moto-api/reset-auth", data="0", timeout=10).raise_for_status()

    def let_in_everybody(self) -> None:
        requests.post(f"{self.endpoint}/moto-api/reset-auth", data="inf", timeout=10).raise_for_status()


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def bucket(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """A bucket that pyarrow reaches as it reaches Amazon's: all it knows is in the environment."""
    for name, value in {
        "AWS_ENDPOINT_URL": s3_server,
        "AWS_ACCESS_KEY_ID": "anybody",
        "AWS_SECRET_ACCESS_KEY": "hush",
        "AWS_EC2_METADATA_DISABLED": "true",
        "no_proxy": "127.0.0.1",
    }.items():
        monkeypatch.setenv(name, value)
    made = Bucket(s3_server, f"bucket-{secrets.token_hex(6)}")
    requests.put(f"{s3_server}/{made.name}", timeout=10).raise_for_status()
    yield made
    made.let_in_everybody()
