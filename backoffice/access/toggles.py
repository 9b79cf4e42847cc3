"""Which plugins are switched on, as a transaction sees it.

Enabled is data: a founder's toggle takes effect in every process at its next transaction. Each transaction
compares one number with the one that this process read last, and reads the toggles again when it differs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection

from backoffice.storage import functions


@dataclass(frozen=True)
class _Known:
    """What this process knows. `defaults` says what holds for a plugin that nobody has switched yet."""

    defaults: Mapping[str, bool] = field(default_factory=dict)
    version: int | None = None
    switched: Mapping[str, bool] = field(default_factory=dict)


_known = _Known()


def install(defaults: Mapping[str, bool]) -> None:
    """Make these the installed plugins of the process, each with what holds until somebody switches it."""
    global _known  # noqa: PLW0603 - a process has one set of plugins
    _known = _Known(dict(defaults))


def is_on(connection: Connection, plugin: str, *, version: int | None = None) -> bool:
    """Whether the plugin is installed and switched on in this transaction.

    `version` is the number that came with the principal; without one it is asked for.
    """
    global _known  # noqa: PLW0603
    known = _known
    if plugin not in known.defaults:
        return False
    current = functions.plugin_version(connection) if version is None else version
    if current != known.version:
        # Version and toggles change together: other threads come through here at the same time.
        toggles = {row.name: row.enabled for row in functions.plugin_toggles(connection)}
        known = _known = _Known(known.defaults, current, toggles)
    return known.switched.get(plugin, known.defaults[plugin])
