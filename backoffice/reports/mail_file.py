"""What can be said of a suspicious mail without opening it: who it says it is from, where its links lead.

Nothing of it is shown but as text, and no link of it can be followed from here.
"""

import re
from dataclasses import dataclass
from email import policy
from email.errors import MessageError
from email.message import EmailMessage
from email.parser import BytesParser
from urllib.parse import urlsplit

MOST_LINKS, LONGEST_LINE, LONGEST_TEXT = 50, 300, 4_000
_LINK = re.compile(r"https?://[^\s\"'<>)\]]{1,2000}", re.IGNORECASE)
# Deep enough for a mail that was forwarded within another one.
_HEADERS = ("From", "Reply-To", "Return-Path", "To", "Subject", "Date", "Authentication-Results")


@dataclass(frozen=True)
class Looked:
    """A mail, as far as it can be read. `hosts` are where its links lead, each once."""

    headers: tuple[tuple[str, str], ...]
    hosts: tuple[str, ...]
    attachments: tuple[str, ...]
    text: str


def look_into(content: bytes) -> Looked | None:
    """What a file says that is to be a mail; None for one that is none."""
    try:
        mail = BytesParser(_class=EmailMessage, policy=policy.default).parsebytes(content)
        headers = tuple((name, _short(mail.get(name))) for name in _HEADERS if mail.get(name))
        texts = [_text(part) for part in mail.walk() if part.get_content_maintype() == "text"]
        attached = tuple(_short(part.get_filename() or "") for part in mail.iter_attachments())
    except (MessageError, LookupError, ValueError, AttributeError, TypeError, KeyError):
        return None
    if not headers:
        return None
    whole = "\n".join(texts)
    hosts = dict.fromkeys(_host(link) for link in _LINK.findall(whole))
    return Looked(
        headers,
        tuple(filter(None, hosts))[:MOST_LINKS],
        tuple(filter(None, attached))[:MOST_LINKS],
        whole[:LONGEST_TEXT],
    )


def _text(part: EmailMessage) -> str:
    content = part.get_content()
    return content if isinstance(content, str) else ""


def _short(value: object) -> str:
    return " ".join(str(value).split())[:LONGEST_LINE]


def _host(link: str) -> str:
    try:
        return urlsplit(link).hostname or ""
    except ValueError:
        return ""
