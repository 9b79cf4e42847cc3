"""The mails that say that an export can be fetched, and that it was."""

from dataclasses import dataclass
from datetime import UTC, datetime

from backoffice.language.texts import lazy
from backoffice.outbox.mail import Mail

_EXAMPLE = datetime(2027, 11, 25, 9, 30, tzinfo=UTC)


@dataclass(frozen=True)
class ExportReady:
    """Until when it can be fetched and how often; `locked` if only the passphrase opens it."""

    until: datetime
    downloads: int
    locked: bool

    @classmethod
    def example(cls) -> "ExportReady":
        """One that could be."""
        return cls(_EXAMPLE, 3, locked=True)


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
