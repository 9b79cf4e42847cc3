"""What can be said of a suspicious mail without opening it: who it says it is from, where its links lead.

Whoever sends it wants to do harm. So little of it is read, what takes long to understand is not, and whatever
goes wrong with one part leaves the others. All that comes of it is text.
"""

import re
from contextlib import suppress
from dataclasses import dataclass
from email.header import decode_header
from email.message import Message
from email.parser import BytesHeaderParser
from email.policy import compat32
from urllib.parse import urlsplit

from backoffice.outbox import incoming
from backoffice.outbox.incoming import LONGEST_HEADER, READ
from backoffice.wording import clean

MOST_LINKS, MOST_NAMES, LONGEST_LINE, LONGEST_TEXT = 50, 50, 300, 4_000
_MOST_WITHIN = 3
_LINK = re.compile(r"https?://[^\s\"'<>)\]]{1,2000}", re.IGNORECASE)
_HEADERS = ("From", "Reply-To", "Return-Path", "To", "Subject", "Date")
# What decodes in a time that grows with its length, and to nothing but letters.
_CHARSETS = frozenset({"utf-8", "us-ascii", "iso-8859-1", "iso-8859-15", "windows-1252"})


@dataclass(frozen=True)
class Looked:
    """A mail, as far as it was read. `letters` are the headers of it and of mails within it, the outer first.

    `hosts` are where its links lead, each once, and `further` how many more there are. `is_cut`: there is
    more text than is shown.
    """

    letters: tuple[tuple[tuple[str, str], ...], ...]
    hosts: tuple[str, ...]
    further: int
    attachments: tuple[str, ...]
    text: str
    is_cut: bool


def look_into(content: bytes) -> Looked | None:
    """What a file says that is to be a mail; None for one that is none."""
    try:
        return _look_into(content[:READ])
    except Exception:  # noqa: BLE001 - it is made to break whoever reads it
        return None


def _look_into(content: bytes) -> Looked | None:
    outer = BytesHeaderParser(policy=compat32).parsebytes(content)
    parts = list(incoming.parts(content))
    # The first part is the whole mail; another one with a sender is a mail within it.
    letters = [_headers(outer), *(_headers(part) for part in parts[1:] if part["From"] is not None)]
    if not letters[0]:
        return None
    text = "\n".join(filter(None, map(_text, parts)))
    hosts = list(filter(None, dict.fromkeys(map(_host, _LINK.findall(text)))))
    lines = "\n".join(filter(None, map(clean, text.splitlines())))
    return Looked(
        tuple(filter(None, letters))[: 1 + _MOST_WITHIN],
        tuple(hosts[:MOST_LINKS]),
        len(hosts[MOST_LINKS:]),
        tuple(filter(None, map(_name, parts)))[:MOST_NAMES],
        lines[:LONGEST_TEXT],
        len(lines) > LONGEST_TEXT or len(content) == READ,
    )


def _headers(letter: Message) -> tuple[tuple[str, str], ...]:
    found = ((name, _decoded(letter[name])) for name in _HEADERS if letter[name] is not None)
    return tuple((name, value) for name, value in found if value)


def _decoded(value: object) -> str:
    """A header in letters, as far as it can be read."""
    said = str(value)[:LONGEST_HEADER]
    with suppress(Exception):
        said = "".join(
            _in_letters(each, charset or "") if isinstance(each, bytes) else each
            for each, charset in decode_header(said)
        )
    return clean(said.encode("utf-8", "replace").decode())[:LONGEST_LINE]


def _text(part: Message) -> str:
    if part.get_content_maintype() != "text" or part.get_filename():
        return ""
    content = part.get_payload(decode=True)
    return _in_letters(content, part.get_content_charset() or "") if isinstance(content, bytes) else ""


def _in_letters(content: bytes, charset: str) -> str:
    known = charset.lower() if charset.lower() in _CHARSETS else "iso-8859-1"
    return content.decode(known, "replace")


def _name(part: Message) -> str:
    return _decoded(part.get_filename() or "")


def _host(link: str) -> str:
    with suppress(ValueError):
        return clean(urlsplit(link).hostname or "")[:LONGEST_LINE]
    return ""
