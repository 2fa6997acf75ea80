"""Which addresses may be connected to: public ones, and those the user allows by name.

The check sits where aiohttp turns a name into addresses, so what is checked is what is connected to: a name
that answers differently the second time (DNS rebinding) or a redirect gains nothing.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

Address = IPv4Address | IPv6Address

_GLOBAL_UNICAST = IPv6Network("2000::/3")  # RFC 4291, 2.5.4: all that IANA gives out
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: the last 32 bits are the IPv4 address that is reached
_RELAYS = IPv4Network("192.88.99.0/24")  # RFC 7526: once the way into 6to4, now reserved
_IPV4_COMPATIBLE = IPv6Network("::/96")  # RFC 4291, section 2.5.5.1
_ENTRY = re.compile(r"(?:\[(?P<ip6>[^\]]+)\]|(?P<host>[^:\s/@]+))(?::(?P<port>\d{1,5}))?")
# A crawl asks the same hosts over and over.
_HOSTS_REMEMBERED = 1024
_NUMERIC = re.compile(r"(?:0x[0-9a-f]+|\d+)(?:\.(?:0x[0-9a-f]+|\d+)){0,3}", re.IGNORECASE)


class PrivateAddressError(Exception):
    """A host is, or its name leads to, an address that is not public and not allowed by name."""


def is_public(address: Address) -> bool:
    """Tell whether an address belongs to the public internet.

    Not public: loopback, private, link-local, shared (RFC 6598), multicast, reserved and unspecified
    addresses (IANA's special-purpose registries), and IPv6 addresses that carry such an IPv4 address.
    """
    inner = _inside(address) if isinstance(address, IPv6Address) else ()
    if any(not is_public(each) for each in inner):
        return False
    if inner:
        return True
    if address in _RELAYS or (isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST):
        return False
    # Python calls multicast global.
    return address.is_global and not address.is_multicast


def _inside(address: IPv6Address) -> tuple[IPv4Address, ...]:
    """Give the IPv4 addresses that a connection to this IPv6 address may end at."""
    if address.ipv4_mapped:
        return (address.ipv4_mapped,)
    if address.sixtofour:
        return (address.sixtofour,)
    if address.teredo:
        return address.teredo
    if address in _NAT64 or (address in _IPV4_COMPATIBLE and int(address) > 1):
        return (IPv4Address(int(address) & 0xFFFFFFFF),)
    return ()


@lru_cache(_HOSTS_REMEMBERED)
def literal(host: str) -> Address | None:
    """Read a host that is an address, in any notation a system's resolver would take for one, else None."""
    host = host.strip("[]").rstrip(".")
    try:
        return ip_address(host)
    except ValueError:
        pass
    if not _NUMERIC.fullmatch(host):
        return None
    try:  # 127.1, 0x7f.1, 017700000001, 2130706433
        return IPv4Address(socket.inet_aton(host))
    except OSError:
        return None


class Guard:
    """Decides on hosts and addresses; built from ``--allow-private HOST[:PORT]`` entries.

    An entry allows exactly the host that is written in the URL, on that port or, without one, on any; a name
    elsewhere that leads to the same address is not allowed by it. ValueError for an entry that is neither.
    """

    def __init__(self, allow_private: Iterable[str] = ()) -> None:
        self._allowed = frozenset(_entry(text) for text in allow_private)

    def allows(self, host: str, port: int) -> bool:
        """Tell whether the user allows this host on this port whatever its address is."""
        name = _name(host)
        return (name, port) in self._allowed or (name, None) in self._allowed

    def check_literal(self, host: str, port: int) -> None:
        """Raise PrivateAddressError where the host is itself an address that may not be connected to."""
        address = literal(host)
        if address is not None and not is_public(address) and not self.allows(host, port):
            raise PrivateAddressError

    def admitted(self, host: str, port: int, found: list[ResolveResult]) -> list[ResolveResult]:
        """Keep of a name's addresses those that may be connected to; PrivateAddressError when none is left."""
        if self.allows(host, port):
            return found
        public = [result for result in found if is_public(ip_address(result["host"]))]
        if found and not public:
            raise PrivateAddressError
        return public


def _entry(text: str) -> tuple[str, int | None]:
    bare = literal(text) if text.count(":") > 1 and "[" not in text else None
    if bare is not None:
        return str(bare), None
    match = _ENTRY.fullmatch(text.strip())
    port = int(match["port"]) if match and match["port"] else None
    if match is None or (port is not None and not 0 < port < 65536):
        raise ValueError(f"--allow-private takes HOST or HOST:PORT, for example localhost:8080; not {text!r}")
    return _name(match["ip6"] or match["host"]), port


def _name(host: str) -> str:
    address = literal(host)
    return str(address) if address is not None else host.rstrip(".").lower()


class GuardedResolver(AbstractResolver):
    """Resolves names as the system does, and hands on only addresses the guard admits."""

    def __init__(self, guard: Guard, resolver: AbstractResolver | None = None) -> None:
        self._guard = guard
        self._resolver = resolver or ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Resolve; OSError where the name has no address, PrivateAddressError where it has no admitted one."""
        return self._guard.admitted(host, port, await self._resolver.resolve(host, port, family))

    async def close(self) -> None:
        """Close the system's resolver."""
        await self._resolver.close()
