"""A mail as it travels: headers and two parts, by the standards (RFC 5322, 2045, 2046, 3834).

It is written once, with its cause; what belongs to the way out (from whom, to whom) is put before it when
it is sent. The library writes what could carry a line break; parts it would encode letter by letter, which
takes ten times as long.
"""

import re
from binascii import b2a_qp
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from email.header import Header
from email.headerregistry import Address
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from functools import cache, lru_cache
from unicodedata import normalize

_END = "\r\n"
# What mail servers take without special arrangement; nothing in it can end a header.
_LOCAL_PART = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}")
_DOMAIN = re.compile(rb"[A-Za-z0-9.-]{1,253}")


def message(*, subject: str, text: str, html: str, border: str, at: datetime) -> bytes:
    """The mail without from whom and to whom, lines ended as on the wire.

    `border` parts the two parts. Raises `ValueError` for a line break in the subject.
    """
    # No line of a part can be the border: an encoded one holds no "=" but before two digits.
    border = f"=_{border}"
    head = (
        _said("Date", format_datetime(at)),
        _said("Subject", subject),
        # No machine is to answer: neither an absence note nor another program of this kind.
        b"Auto-Submitted: auto-generated\r\nX-Auto-Response-Suppress: All\r\nMIME-Version: 1.0\r\n",
        b'Content-Type: multipart/alternative; boundary="%b"\r\n' % border.encode(),
    )
    return b"".join((*head, *_parts(border.encode(), {"plain": text, "html": html})))


def envelope(*, public_id: str, sender: str, recipient: str) -> tuple[str, bytes]:
    """The bare address that a mail goes to, and the headers to put before the message.

    The same mail has the same Message-ID whenever it is sent, so that a reader's program recognises a second
    copy. Raises `ValueError` for what is no address.
    """
    address = deliverable(recipient)
    from_, domain = _from(sender)
    return address, b"%bMessage-ID: <%b@%b>\r\nTo: %b\r\n" % (
        from_,
        public_id.encode(),
        domain,
        address.encode(),
    )


def deliverable(address: str) -> str:
    """The address as mail servers take it, its domain in ASCII. Raises `ValueError`.

    What stands before the @ has to be in ASCII already: few servers take anything else (RFC 6531).
    """
    local, _, domain = address.rpartition("@")
    encoded = _in_ascii(domain)
    if not (_LOCAL_PART.fullmatch(local) and _DOMAIN.fullmatch(encoded)):
        raise ValueError("This is no address that mail can be sent to.")
    return f"{local}@{encoded.decode()}"


def domain_of(address: str) -> str:
    """The domain by which mails are counted, one name for all ways to write it; what is none, as it is."""
    domain = address.rpartition("@")[2].strip()
    with suppress(ValueError):
        domain = _in_ascii(domain).decode()
    return domain.casefold()


def _in_ascii(domain: str) -> bytes:
    if domain.isascii():
        return domain.encode()
    encoded = domain.encode("idna")
    # The library knows the rules of 2003, which make another domain of a few letters: strasse of straße.
    if encoded.decode("idna").lower() != normalize("NFKC", domain).lower():
        raise ValueError("This domain is written differently on the wire.")
    return encoded


@cache
def _from(sender: str) -> tuple[bytes, bytes]:
    name, address = parseaddr(sender)
    return _header("From", Address(name, addr_spec=address)), address.rpartition("@")[2].encode()


# One mail for many people has the same headers in each.
@lru_cache(maxsize=32)
def _said(name: str, value: str) -> bytes:
    if "=?" in value and not {"\r", "\n"} & set(value):
        # The library would take it for its own encoding and undo it, and write the line break that is in it.
        return f"{name}: {Header(value, 'utf-8', header_name=name).encode(linesep=_END)}{_END}".encode()
    return _header(name, value)


def _header(name: str, value: str | Address) -> bytes:
    return SMTP.fold_binary(*SMTP.header_store_parse(name, value))


def _parts(border: bytes, texts: dict[str, str]) -> Iterator[bytes]:
    for subtype, text in texts.items():
        yield b"\r\n--%b\r\nContent-Type: text/%b; charset=utf-8\r\n" % (border, subtype.encode())
        yield b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
        # A lone carriage return becomes a line end too: quoted-printable knows no other line ends.
        yield b2a_qp("\r\n".join(text.splitlines()).encode(), istext=True)
    yield b"\r\n--%b--\r\n" % border
