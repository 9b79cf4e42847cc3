"""Who tries something, before anybody knows who it is: from which address, on which device."""

import ipaddress
from dataclasses import dataclass

from backoffice.storage import keyring

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

    def vouched(self, kind: str) -> str | None:
        """The newest voucher of a kind."""
        return next((each for each in reversed(self.vouchers) if each.startswith(kind)), None)


@dataclass(frozen=True)
class Visitor:
    """Where a request comes from."""

    address: str | None = None
    device: Device | None = None

    @property
    def network(self) -> str:
        """What one connection to the internet is known by: an IPv4 address, or the /64 of an IPv6 one."""
        try:
            ip = ipaddress.ip_address(self.address or "")
        except ValueError:
            return "unknown"
        if isinstance(ip, ipaddress.IPv6Address):
            return str(ip.ipv4_mapped or ipaddress.ip_network((ip, 64), strict=False))
        return str(ip)


def voucher(kind: str, subject: object) -> str:
    """The tag of an account, a school or a code on a device: its kind and 16 hex digits."""
    tag = keyring.current().blind_index(str(subject), context=f"device.{kind}")
    return f"{kind}-{tag[:8].hex()}"
