"""What a report says about the delivery of a mail of ours (RFC 3464), read within bounds.

Only its envelope is looked at: which mail, what was done, with which status. Other servers' sentences hold
names and addresses and are not read.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser
from email.policy import compat32

from backoffice.outbox import incoming
from backoffice.outbox.incoming import LONGEST_HEADER, READ
from backoffice.storage.public_id import PATTERN

# What is said to whom, the report for machines, and the mail. Ours have one recipient; a list behind it few.
_MOST_PARTS, _MOST_RECIPIENTS = 5, 10
_MESSAGE_ID = re.compile(rf"\s*<({PATTERN})@[^<>@\s]{{1,255}}>\s*")
_STATUS = re.compile(r"\s*([245]\.[0-9]{1,3}\.[0-9]{1,3})\b")
FAILED = "failed"


@dataclass(frozen=True)
class Report:
    """Which mail it is about, by its public identifier, and the status with which it came back for good."""

    public_id: str
    status: str | None


def read(content: bytes) -> Report | None:
    """What a message says about a mail that could be ours; None for one that is no such report."""
    try:
        return _read(content[:READ])
    except Exception:  # noqa: BLE001 - it may be made to break whoever reads it
        return None


def _read(content: bytes) -> Report | None:
    whole = next(incoming.parts(content), None)
    if whole is None or whole.get_content_type() != "multipart/report":
        return None
    # Not those of a report that is part of the mail: what came back may have been one itself.
    parts = _within(whole)
    if len(parts) > _MOST_PARTS:
        return None
    told = next((_within(part) for part in parts if part.get_content_type() == "message/delivery-status"), ())
    public_id = _of_mail(parts) or _of_envelope(told)
    recipients = [block for block in told if block["Action"] is not None]
    if public_id is None or not 0 < len(recipients) <= _MOST_RECIPIENTS:
        return None
    return Report(public_id, _for_good(recipients))


def _for_good(recipients: Sequence[Message]) -> str | None:
    """The status if it came back from all of them: where a list took it, it has reached somebody.

    What failed is not tried again, be its status that of a passing trouble that lasted too long (RFC 3464,
    2.3.3).
    """
    statuses = [_STATUS.match(_short(block["Status"])) for block in recipients]
    if any(_short(block["Action"]).strip().lower() != FAILED for block in recipients):
        return None
    said = [found[1] for found in statuses if found is not None and found[1][0] != "2"]
    return said[0] if len(said) == len(recipients) else None


def _within(part: Message) -> Sequence[Message]:
    found = part.get_payload()
    return [each for each in found if isinstance(each, Message)] if isinstance(found, list) else []


def _of_mail(parts: Sequence[Message]) -> str | None:
    """By the Message-ID of the mail that came back, whole or as its headers."""
    found = (_MESSAGE_ID.fullmatch(_short(mail["Message-ID"])) for mail in _returned(parts))
    return next((each[1] for each in found if each is not None), None)


def _returned(parts: Sequence[Message]) -> Iterator[Message]:
    for part in parts:
        match part.get_content_type():
            case "message/rfc822":
                yield from _within(part)[:1]
            case "text/rfc822-headers":
                headers = part.get_payload(decode=True)
                if isinstance(headers, bytes):
                    yield HeaderParser(policy=compat32).parsestr(headers.decode("latin-1"))


def _of_envelope(told: Sequence[Message]) -> str | None:
    """By what we told the mail server to call it (RFC 3461), where servers on the way know that."""
    found = (re.fullmatch(rf"\s*({PATTERN})\s*", _short(block["Original-Envelope-Id"])) for block in told[:1])
    return next((each[1] for each in found if each is not None), None)


def _short(value: object) -> str:
    return "" if value is None else str(value)[:LONGEST_HEADER]
