"""Which addresses may be called: somebody else names them, so they must not lead into our own network.

What a name stands for is only known when it is called (`calling`): this judges what is written, that judges
where it leads.
"""

import ipaddress
import re
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

LONGEST = 2000
HTTP, HTTPS = 80, 443
_WRITTEN = re.compile(r"[!-~]+")
_NAME = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.?")
# Behind these stand addresses of version 4, which count as themselves.
_INTERNET, _UNIQUE_LOCAL = ipaddress.IPv6Network("2000::/3"), ipaddress.IPv6Network("fc00::/7")
_KEYS_OF_A_CLOUD = ipaddress.IPv6Network("fd00:ec2::/32")
_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")


class Unsafe(ValueError):
    """An address that is not called."""


@dataclass(frozen=True)
class Target:
    """An address, taken apart."""

    host: str
    port: int
    path: str
    is_secure: bool

    @property
    def named(self) -> str:
        """The host as a request names it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (HTTPS if self.is_secure else HTTP) else f"{host}:{self.port}"


def target_of(address: str, *, private: bool) -> Target:
    """An https address on port 443, in its parts. Raises `Unsafe`.

    `private` lets other ports pass, and http to this machine itself.
    """
    if len(address) > LONGEST or not _WRITTEN.fullmatch(address) or "\\" in address:
        raise Unsafe
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise Unsafe from None
    is_secure = parts.scheme == "https"
    if not (is_secure or (private and parts.scheme == "http")) or "@" in parts.netloc or parts.fragment:
        raise Unsafe
    standard = HTTPS if is_secure else HTTP
    port = standard if port is None else port
    if not port or (port != HTTPS and not private):
        raise Unsafe
    # Before any name is looked up: the system reads 2130706433, 0x7f.1 and 0177.0.0.1 as addresses, too.
    known = _literal(host)
    if known is None and (not _NAME.fullmatch(host) or (not private and host.rstrip(".") == "localhost")):
        raise Unsafe
    if known is not None and not may_be_called(known, private=private, is_secure=is_secure):
        raise Unsafe
    query = f"?{parts.query}" if parts.query else ""
    return Target(host, port, f"{parts.path or '/'}{query}", is_secure)


def may_be_called(found: IPAddress, *, private: bool, is_secure: bool = True) -> bool:
    """Whether an address of the network is called: one of the internet, or with `private` of this network.

    Never one of a link, where machines in a cloud are told their keys; without encryption only this machine.
    """
    found = _behind(found)
    if found.is_multicast or found.is_unspecified or found.is_link_local:
        return False
    if not is_secure:
        return private and found.is_loopback
    if isinstance(found, ipaddress.IPv6Address) and found not in _INTERNET:
        # Of others some stand for addresses of version 4 inside, in ways that each network chooses.
        return private and (found.is_loopback or (found in _UNIQUE_LOCAL and found not in _KEYS_OF_A_CLOUD))
    return found.is_global or (private and (found.is_private or found.is_loopback))


def _behind(found: IPAddress) -> IPAddress:
    if isinstance(found, ipaddress.IPv6Address):
        if found in _TRANSLATED:
            return ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        return found.ipv4_mapped or found.sixtofour or found
    return found


def _literal(host: str) -> IPAddress | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except OSError:
        return None
