"""What founders are told about the parts of the system."""

from dataclasses import dataclass
from datetime import UTC, datetime

from backoffice.language.texts import lazy
from backoffice.outbox.mail import Mail


@dataclass(frozen=True)
class PluginSwitched:
    """That a part which keeps promises was switched: which, by whom, when, and why if it was said."""

    plugin: str
    title: str
    enabled: bool
    by: str
    at: datetime
    reason: str | None

    @classmethod
    def example(cls) -> "PluginSwitched":
        """One that was switched off."""
        return cls(
            plugin="trust",
            title="Trust",
            enabled=False,
            by="Robin Quillfeather",
            at=datetime(2026, 11, 25, 9, 30, tzinfo=UTC),
            reason="The checks are too slow <today>; back on after the repair.",
        )


PLUGIN_SWITCHED = Mail("plugin-switched", PluginSwitched, lazy("Plugin switched"))
