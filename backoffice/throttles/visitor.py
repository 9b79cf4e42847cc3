"""Who tries something, before anybody knows who it is: from which address, on which device."""

import ipaddress
import re
import secrets
from dataclasses import dataclass
from uuid import UUID

from backoffice.storage import keyring

_WITH_PORT = re.compile(r"(?P<v4>[0-9.]+):[0-9]+|\[(?P<v6>[^\]]+)\](:[0-9]+)?")
CODE = "code"
SCHOOL = "school"
ACCOUNT = "account"


@dataclass(frozen=True)
class Device:
    """A browser at which somebody has signed in before.

    Its `vouchers` are tags of who did and of the codes that let them in, newest last.
    """

    id: str
    vouchers: tuple[str, ...]

    @property
    def tag(self) -> UUID:
        """What is kept of the device: it is found again by its cookie, and no cookie by it."""
        return UUID(bytes=keyring.current().blind_index(self.id, context="device.id"))

    def vouched(self, kind: str) -> str | None:
        """The newest voucher of a kind."""
        return next((each for each in reversed(self.vouchers) if each.startswith(kind)), None)


def new_device() -> Device:
    """A browser at which nobody has signed in yet."""
    return Device(secrets.token_urlsafe(12), ())


@dataclass(frozen=True)
class Visitor:
    """Where a request comes from. `tablet` is the digest of what it presents as a tablet of a class."""

    address: str | None = None
    device: Device | None = None
    tablet: bytes | None = None

    @property
    def network(self) -> str:
        """What one connection to the internet is known by: an IPv4 address, or the /64 of an IPv6 one."""
        ip = self._ip
        return "unknown" if ip is None else _network(ip, 64)

    @property
    def site(self) -> str | None:
        """The /48 of an IPv6 address, which one customer may have the whole of; none of IPv4."""
        ip = self._ip
        return _network(ip, 48) if isinstance(ip, ipaddress.IPv6Address) else None

    @property
    def _ip(self) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
        # Some proxies write the port as well.
        found = _WITH_PORT.fullmatch(self.address or "")
        try:
            ip = ipaddress.ip_address((found and (found["v4"] or found["v6"])) or self.address or "")
        except ValueError:
            return None
        return (ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None) or ip


def _network(ip: ipaddress.IPv4Address | ipaddress.IPv6Address, length: int) -> str:
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    return str(ipaddress.ip_network((ip, length), strict=False))


def voucher(kind: str, subject: object) -> str:
    """The tag of an account, a school or a code on a device: its kind and 16 hex digits."""
    tag = keyring.current().blind_index(str(subject), context=f"device.{kind}")
    return f"{kind}-{tag[:8].hex()}"
