from __future__ import annotations

import socket
from ipaddress import ip_address
from typing import Any

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from actors.crawler.fetch import Fetcher
from actors.crawler.guard import Guard, GuardedResolver, PrivateAddressError, is_public, literal
from actors.crawler.settings import CrawlSettings
from models.reasons import Reason
from tests.actors.crawler.server import QUICK, ImageServer, image, in_loop, redirect

NOT_PUBLIC = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.0.1", "169.254.169.254",
    "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1",
    "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "::", "::1", "::7f00:1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::",
    "2002:a00:1::1", "2001:0:0a00:1::1", "fc00::1", "fd12:3456::1", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1",
    "2001:db8::1", "100::1", "4000::1",
]  # fmt: skip
PUBLIC = [
    "1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.1", "151.101.1.140", "172.15.0.1", "172.32.0.1",
    "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1",
]  # fmt: skip


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_special_addresses_are_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_the_internet_is_public(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.1.", "127.0.0.1"),
        ("127.1", "127.0.0.1"),
        ("0x7f.1", "127.0.0.1"),
        ("0X7F000001", "127.0.0.1"),
        ("017700000001", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("0251.0376.0251.0376", "169.254.169.254"),
        ("0", "0.0.0.0"),
        ("[::1]", "::1"),
        ("::ffff:7f00:1", "::ffff:7f00:1"),
    ],
)
def test_every_notation_of_an_address_is_read(host: str, address: str) -> None:
    assert literal(host) == ip_address(address)


@pytest.mark.parametrize("host", ["i.redd.it", "1.2.3.4.5", "0x7g", "127.0.0.1.nip.io", "999.1.1.1", ""])
def test_names_are_no_addresses(host: str) -> None:
    assert literal(host) is None


def test_an_entry_allows_its_host_on_its_port_only() -> None:
    guard = Guard(["LocalHost:8080", "nas.lan", "[::1]:9000", "::2", "127.1:80", "10.0.0.5"])
    assert guard.allows("localhost", 8080)
    assert guard.allows("localhost.", 8080)
    assert guard.allows("nas.lan", 1)
    assert guard.allows("::1", 9000)
    assert guard.allows("::2", 5)
    assert guard.allows("127.0.0.1", 80)
    assert guard.allows("10.0.0.5", 443)
    assert not guard.allows("localhost", 8081)
    assert not guard.allows("127.0.0.1", 8080)
    assert not guard.allows("evil-nas.lan", 1)


@pytest.mark.parametrize(
    "entry", ["", "http://localhost", "localhost:0", "localhost:70000", "a b", "u@h", "localhost:x"]
)
def test_an_entry_that_is_none_says_what_it_takes(entry: str) -> None:
    with pytest.raises(ValueError, match="HOST:PORT"):
        Guard([entry])


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "2130706433", "::1", "169.254.169.254"])
def test_literal_private_hosts_are_refused(host: str) -> None:
    with pytest.raises(PrivateAddressError):
        Guard().check_literal(host, 80)


class Zone(AbstractResolver):
    """A name server whose answers change, as an attacker's do."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=each, port=port, family=family, proto=0, flags=0)
            for each in self.answers.pop(0)
        ]

    async def close(self) -> None:
        pass


@in_loop
async def test_a_name_that_turns_private_is_refused_when_it_does() -> None:
    resolver = GuardedResolver(Guard(), Zone(["8.8.8.8"], ["127.0.0.1"], ["10.0.0.1", "1.1.1.1", "::1"]))
    assert [each["host"] for each in await resolver.resolve("rebind.example", 80)] == ["8.8.8.8"]
    with pytest.raises(PrivateAddressError):
        await resolver.resolve("rebind.example", 80)
    assert [each["host"] for each in await resolver.resolve("rebind.example", 80)] == ["1.1.1.1"]


@in_loop
async def test_a_name_the_user_allows_may_be_private_on_that_port() -> None:
    resolver = GuardedResolver(Guard(["nas.lan:8080"]), Zone(["10.0.0.1"], ["10.0.0.1"]))
    assert [each["host"] for each in await resolver.resolve("nas.lan", 8080)] == ["10.0.0.1"]
    with pytest.raises(PrivateAddressError):
        await resolver.resolve("nas.lan", 22)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1/x", Reason.PRIVATE_ADDRESS),
        ("http://127.0.0.1./x", Reason.PRIVATE_ADDRESS),
        ("HTTPS://127.0.0.1/x", Reason.PRIVATE_ADDRESS),
        ("http://[::1]/x", Reason.PRIVATE_ADDRESS),
        ("http://[::]/x", Reason.PRIVATE_ADDRESS),
        ("http://0.0.0.0/x", Reason.PRIVATE_ADDRESS),
        ("http://0/x", Reason.PRIVATE_ADDRESS),
        ("http://0x7f.1/x", Reason.PRIVATE_ADDRESS),
        ("http://0177.0.0.1/x", Reason.PRIVATE_ADDRESS),
        ("http://2130706433/x", Reason.PRIVATE_ADDRESS),
        ("http://169.254.43518/x", Reason.PRIVATE_ADDRESS),
        ("http://[::ffff:10.0.0.1]/x", Reason.PRIVATE_ADDRESS),
        ("http://[::ffff:0:127.0.0.1]/x", Reason.PRIVATE_ADDRESS),
        ("http://[64:ff9b::7f00:1]/x", Reason.PRIVATE_ADDRESS),
        ("http://[2002:7f00:1::]/x", Reason.PRIVATE_ADDRESS),
        ("http://localhost/x", Reason.PRIVATE_ADDRESS),
        ("http://LOCALHOST/x", Reason.PRIVATE_ADDRESS),
        ("http://ⓛocalhost/x", Reason.PRIVATE_ADDRESS),
        ("http://１２７.0.0.1/x", Reason.PRIVATE_ADDRESS),
        ("http://①②⑦.⓪.⓪.①/x", Reason.PRIVATE_ADDRESS),
        ("http://127。0。0。1/x", Reason.PRIVATE_ADDRESS),
        ("http://public@127.0.0.1/x", Reason.PRIVATE_ADDRESS),
        ("http://i.redd.it:80@127.0.0.1/x", Reason.PRIVATE_ADDRESS),
        ("http://127.0.0.1@name.invalid/x", Reason.DNS),
        ("http://name.invalid#@127.0.0.1/x", Reason.DNS),
        ("http://127.0.0.1\\@name.invalid/x", Reason.BAD_URL),
        ("http://%31%32%37.0.0.1/x", Reason.BAD_URL),
        ("http://127.0.0.1%00.name.invalid/x", Reason.BAD_URL),
        ("http://[fe80::1%25lo]/x", Reason.BAD_URL),
        ("http://[::1%lo]/x", Reason.BAD_URL),
        ("http://127.0.0.1:0/x", Reason.BAD_URL),
        ("http://127.0.0.1:99999/x", Reason.BAD_URL),
        ("http:/127.0.0.1/x", Reason.BAD_URL),
        ("//127.0.0.1/x", Reason.BAD_URL),
        ("http://xn--/x", Reason.BAD_URL),
        ("http://a..b/x", Reason.BAD_URL),
        ("ftp://127.0.0.1/x", Reason.BAD_URL),
        ("data:image/png;base64,AAAA", Reason.BAD_URL),
        ("file:///etc/passwd", Reason.BAD_URL),
        ("/etc/passwd", Reason.BAD_URL),
        ("http://me:secret@/", Reason.BAD_URL),
        ("http://name.invalid/x", Reason.DNS),
    ],
)
@in_loop
async def test_what_is_never_connected_to(url: str, expected: Reason) -> None:
    async with Fetcher(CrawlSettings(), backoff=QUICK) as fetcher:
        fetch = await fetcher.get([url])
    assert fetch.outcome is not None and fetch.outcome.reason is expected
    assert "secret" not in repr(fetch)


@in_loop
async def test_a_name_with_none_but_private_addresses_is_never_connected_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def answer(host: str, port: int, *_: object, **__: object) -> list[tuple[Any, ...]]:
        asked.append(host)
        addresses = ("10.0.0.1", "127.0.0.1", "169.254.169.254")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in addresses]

    async with ImageServer({"/x": redirect("http://rebind.test/x"), "/y": image()}) as server:
        monkeypatch.setattr(socket, "getaddrinfo", answer)
        async with Fetcher(server.settings(), backoff=QUICK) as fetcher:
            for url in (f"http://rebind.test:{server.port}/y", server.url("/x")):
                fetch = await fetcher.get([url])
                assert fetch.outcome is not None and fetch.outcome.reason is Reason.PRIVATE_ADDRESS
    assert asked == ["rebind.test"] * 2
    assert server.hits == {"/x": 1}
