"""How long rosters keep what they need for a while. Founders may shorten it, and never lengthen it."""

from datetime import timedelta

from pydantic import Field

from backoffice.access.transaction import Transaction
from backoffice.host.queries import settings_of
from backoffice.language.texts import lazy
from backoffice.plugin import PluginSettings


class RostersSettings(PluginSettings):
    """What can be set, with its defaults."""

    upload_hours: int = Field(
        24,
        ge=1,
        le=24,
        title=lazy("Uploads wait at most"),
        description=lazy("An upload that could not be brought in by then is deleted."),
        json_schema_extra={"unit": "hours"},
    )
    names_days: int = Field(
        30,
        ge=1,
        le=30,
        title=lazy("Reports show names for"),
        description=lazy(
            "Of administrators and of teachers to invite. Afterwards the report keeps numbers only."
        ),
        json_schema_extra={"unit": "days"},
    )

    @property
    def uploads_kept(self) -> timedelta:
        """How long an upload may wait."""
        return timedelta(hours=self.upload_hours)

    @property
    def names_kept(self) -> timedelta:
        """How long a report names people."""
        return timedelta(days=self.names_days)


def current(tx: Transaction) -> RostersSettings:
    """How rosters are set."""
    return settings_of(tx, "rosters", RostersSettings)
