"""Mails as the demo keeps them: files in a folder, read back for its pages."""

import email
import email.policy
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

from backoffice.storage.public_id import is_public_id

MOST = 100


@dataclass(frozen=True)
class MailFile:
    """A mail of the demo, as its reader's program would understand it."""

    public_id: str
    recipient: str
    sender: str
    subject: str
    at: datetime
    text: str
    html: str


def newest(folder: Path) -> list[MailFile]:
    """The newest mails of the folder, the last written first."""
    files = [file for file in folder.glob("*.eml") if is_public_id(file.stem)]
    files.sort(key=lambda file: (file.stat().st_mtime_ns, file.stem), reverse=True)
    return [_read(file) for file in files[:MOST]]


def one(folder: Path, public_id: str) -> MailFile | None:
    """The mail of this identifier, if there is one."""
    path = folder / f"{public_id}.eml"
    return _read(path) if is_public_id(public_id) and path.is_file() else None


def _read(path: Path) -> MailFile:
    mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    return MailFile(
        public_id=path.stem,
        recipient=str(mail["To"]),
        sender=str(mail["From"]),
        subject=str(mail["Subject"]),
        at=datetime.fromtimestamp(path.stat().st_mtime, UTC),
        text=_part(mail, "plain"),
        html=_part(mail, "html"),
    )


def _part(mail: EmailMessage, subtype: str) -> str:
    part = mail.get_body((subtype,))
    return str(part.get_content()).replace("\r\n", "\n") if part is not None else ""
