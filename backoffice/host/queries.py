"""What founders have decided about the plugins, beside what is installed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from pydantic import ValidationError
from sqlalchemy import select

from backoffice.access.policy import visible
from backoffice.access.transaction import Transaction
from backoffice.host.models import PluginState
from backoffice.plugin import Plugin, PluginSettings
from backoffice.privacy.inventory import held_in, title_of
from backoffice.storage import functions, keyring
from backoffice.storage.columns import Class, Keep
from backoffice.storage.keyring import KeyPurpose

S = TypeVar("S", bound=PluginSettings)
SEEN = 32


def switched_on(tx: Transaction, installed: Sequence[Plugin]) -> set[str]:
    """The plugins that are on at this moment, not as the transaction found them when it began."""
    switched = {row.name: row.enabled for row in functions.plugin_toggles(tx.connection())}
    return {each.name for each in installed if switched.get(each.name, each.enabled_at_first)}


@dataclass(frozen=True)
class Standing:
    """An installed plugin and how it stands. `state` is None until somebody switches or sets it."""

    plugin: Plugin
    enabled: bool
    state: PluginState | None


def standings(tx: Transaction, installed: Sequence[Plugin]) -> list[Standing]:
    """The installed plugins in their order, as the principal may see what was decided about them."""
    states = {state.name: state for state in tx.scalars(visible(tx.principal, select(PluginState)))}
    return [Standing(plugin, tx.enabled(plugin.name), states.get(plugin.name)) for plugin in installed]


@dataclass(frozen=True)
class SwitchedOff:
    """A plugin on which promises stand, and since when it is off."""

    plugin: Plugin
    since: datetime | None


def promises_off(tx: Transaction, installed: Sequence[Plugin]) -> list[SwitchedOff]:
    """The plugins on which promises stand and that are off. No secret: everybody may ask."""
    switched = {row.name: row.switched_at for row in functions.plugin_toggles(tx.connection())}
    return [
        SwitchedOff(plugin, switched.get(plugin.name))
        for plugin in installed
        if plugin.keeps_promises and not tx.enabled(plugin.name)
    ]


@dataclass(frozen=True)
class TableHolding:
    """One table of a plugin: about how many rows it has, and what of it is personal."""

    title: str
    rows: int | None
    columns: int
    personal: int
    keeps: tuple[Keep, ...]


def holdings(tx: Transaction, plugin: Plugin) -> list[TableHolding]:
    """What a plugin holds, table by table. Rows are estimates of the database, for founders only."""
    if plugin.tables is None:
        return []
    rows = functions.estimated_rows(tx, schema=plugin.schema)
    holds = {
        table: [held for column in table.columns if (held := held_in(column))]
        for table in plugin.tables.tables.values()
    }
    return [
        TableHolding(
            title=title_of(table),
            rows=rows.get(table.name),
            columns=len(found),
            personal=sum(held.kind in {Class.PERSONAL, Class.NETWORK_ADDRESS} for held in found),
            keeps=tuple(keep for keep in Keep if any(held.keep is keep for held in found)),
        )
        for table, found in sorted(holds.items(), key=lambda each: each[0].name)
    ]


def stored_settings(tx: Transaction, plugin: str) -> dict[str, Any]:
    """The values that somebody has set, by field; what is not here is at its default."""
    sealed = functions.plugin_settings(tx.connection(), plugin=plugin)
    if sealed is None:
        return {}
    opened: dict[str, Any] = json.loads(keyring.current().open(sealed, context="plugin_state.settings"))
    return opened


def seen(stored: Mapping[str, Any]) -> str:
    """What tells how a plugin was set when a form was opened, and says nothing of the values."""
    canonical = json.dumps(stored, sort_keys=True, separators=(",", ":")).encode()
    return keyring.current().digest(KeyPurpose.INDEX, b"plugin settings" + canonical).hex()[:SEEN]


def settings_of(tx: Transaction, plugin: str, model: type[S]) -> S:
    """How the plugin is set. A stored value that the model no longer takes is as if it had not been set."""
    return understood(model, stored_settings(tx, plugin))


def understood(model: type[S], stored: Mapping[str, Any]) -> S:
    """Stored values as settings; one that the model no longer takes is at its default."""
    try:
        return model.model_validate(stored)
    except ValidationError as error:
        wrong = {detail["loc"][0] for detail in error.errors() if detail["loc"]}
        kept = {name: value for name, value in stored.items() if name not in wrong}
    try:
        return model.model_validate(kept)
    except ValidationError:
        # Each may be and all together not: as if nothing had been set.
        return model()
