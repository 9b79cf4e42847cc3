"""How long exports can be fetched, and how many are made at once. Founders may tighten it, and no more."""

from datetime import timedelta

from pydantic import Field

from backoffice.access.transaction import Transaction
from backoffice.host.queries import settings_of
from backoffice.language.texts import lazy
from backoffice.plugin import PluginSettings


class ExportsSettings(PluginSettings):
    """What can be set, with its defaults."""

    hours: int = Field(
        72,
        ge=1,
        le=72,
        title=lazy("An export can be fetched for"),
        description=lazy("Then its file is destroyed."),
        json_schema_extra={"unit": "hours"},
    )
    downloads: int = Field(
        3,
        ge=1,
        le=3,
        title=lazy("Downloads of an export"),
        description=lazy("After the last one its file is destroyed."),
    )
    of_a_person: int = Field(
        2,
        ge=1,
        le=10,
        title=lazy("Exports of a person at once"),
        description=lazy("Others wait for their turn."),
    )
    of_a_school: int = Field(
        5,
        ge=1,
        le=50,
        title=lazy("Exports of a school at once"),
        description=lazy("Others wait for their turn."),
    )

    @property
    def kept(self) -> timedelta:
        """How long a file is there."""
        return timedelta(hours=self.hours)


def current(tx: Transaction) -> ExportsSettings:
    """How exports are set."""
    return settings_of(tx, "exports", ExportsSettings)
