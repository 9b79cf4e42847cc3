"""A mail as it travels: headers and two parts, by the standards (RFC 5322, 2045, 2046, 3834)."""

from binascii import b2a_qp
from collections.abc import Iterator
from datetime import datetime
from email.headerregistry import Address
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from functools import cache
from typing import Any


def message(
    *,
    public_id: str,
    sender: str,
    recipient: str,
    subject: str,
    text: str,
    html: str,
    at: datetime,
) -> bytes:
    """The whole mail, lines ended as on the wire.

    The same mail has the same Message-ID whenever it is sent, so that a reader's program recognises a second
    copy. Raises `ValueError` for a line break in a header or an address that is none.
    """
    domain = parseaddr(sender)[1].rpartition("@")[2]
    # No line of a part can be the border: an encoded one holds no "=" but before two digits.
    border = f"=_{public_id}"
    head = (
        _header("Date", format_datetime(at)),
        _header("Message-ID", f"<{public_id}@{domain}>"),
        _from(sender),
        _header("To", Address(addr_spec=recipient)),
        _header("Subject", subject),
        # No machine is to answer: neither an absence note nor another program of this kind.
        b"Auto-Submitted: auto-generated\r\nX-Auto-Response-Suppress: All\r\nMIME-Version: 1.0\r\n",
        b'Content-Type: multipart/alternative; boundary="%b"\r\n' % border.encode(),
    )
    return b"".join((*head, *_parts(border.encode(), {"plain": text, "html": html})))


def _header(name: str, value: Any) -> bytes:
    """A header as the library writes it, which refuses line breaks. Parts it would encode letter by letter."""
    return SMTP.fold_binary(*SMTP.header_store_parse(name, value))


@cache
def _from(sender: str) -> bytes:
    name, address = parseaddr(sender)
    return _header("From", Address(name, addr_spec=address))


def _parts(border: bytes, texts: dict[str, str]) -> Iterator[bytes]:
    for subtype, text in texts.items():
        yield b"\r\n--%b\r\nContent-Type: text/%b; charset=utf-8\r\n" % (border, subtype.encode())
        yield b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
        # A lone carriage return becomes a line end too: quoted-printable knows no other line ends.
        lines = "\r\n".join(text.splitlines())
        yield b2a_qp(lines.encode(), istext=True)
    yield b"\r\n--%b--\r\n" % border
