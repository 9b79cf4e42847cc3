"""The mails that say that an export can be fetched, and that it was."""

from dataclasses import dataclass
from datetime import UTC, datetime

from backoffice.language.texts import lazy
from backoffice.outbox.mail import Mail
from plugins.exports.content.locking import opened_by

_EXAMPLE = datetime(2027, 11, 25, 9, 30, tzinfo=UTC)


@dataclass(frozen=True)
class ExportReady:
    """Until when it can be fetched and how often; `opened_by` is the command for a locked one, else ""."""

    until: datetime
    downloads: int
    opened_by: str

    @classmethod
    def example(cls) -> "ExportReady":
        """One that could be."""
        return cls(_EXAMPLE, 3, opened_by("y3kq7xw2m5tz8p4r"))


@dataclass(frozen=True)
class ExportDownloaded:
    """When it was fetched, and how often it still can be."""

    at: datetime
    left: int

    @classmethod
    def example(cls) -> "ExportDownloaded":
        """One that could be."""
        return cls(_EXAMPLE, 2)


EXPORT_READY = Mail("export-ready", ExportReady, lazy("Export ready"))
EXPORT_DOWNLOADED = Mail("export-downloaded", ExportDownloaded, lazy("Export downloaded"))
MAILS = (EXPORT_READY, EXPORT_DOWNLOADED)
