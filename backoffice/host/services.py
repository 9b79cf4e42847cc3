"""Switching plugins on and off, and setting them."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.permissions import PLUGINS_EDIT
from backoffice.access.policy import require
from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.services import proof
from backoffice.audit.trail import record
from backoffice.changes.keeping import PutBack, keep_changes
from backoffice.host import queries
from backoffice.host.mails import PLUGIN_SWITCHED, PluginSwitched
from backoffice.host.models import PluginState
from backoffice.outbox.services import post
from backoffice.plugin import Plugin
from backoffice.problems import Rejected
from backoffice.storage import functions

SHORTEST_REASON = 10
LONGEST_REASON = 500


def switch_plugin(
    *,
    principal: Principal,
    installed: Sequence[Plugin],
    name: str,
    enabled: bool,
    reason: str | None = None,
) -> None:
    """Switch a plugin on or off in every process, at its next transaction. Nothing that it holds is touched.

    Switching off one that keeps promises needs a reason. Raises `Rejected` for a missing reason, and where
    another plugin that is on requires this one or this one requires another that is off; `NotFound` for one
    that is not installed; `ProofNeeded`.
    """
    plugin = installed_one(installed, name)
    reason = " ".join((reason or "").split())
    with transaction(principal) as tx:
        proof.demand(tx)
        require(tx.principal, PLUGINS_EDIT)
        functions.lock_plugin_toggles(tx)
        on = queries.switched_on(tx, installed)
        if (name in on) == enabled:
            return
        _refuse_what_breaks_others(on, installed, plugin, enabled=enabled)
        if plugin.keeps_promises and not enabled and len(reason) < SHORTEST_REASON:
            raise Rejected(reason="Say why, in a sentence. The other founders read it.")
        if len(reason) > LONGEST_REASON:
            raise Rejected(reason=f"Say it in at most {LONGEST_REASON} letters.")
        _write(tx, plugin, enabled=enabled, reason=None if enabled else reason or None)
        record(tx, "plugins.enable" if enabled else "plugins.disable", plugin=name)
        if plugin.keeps_promises:
            _tell_other_founders(tx, plugin, enabled=enabled, reason=reason or None)


def set_plugin(
    *,
    principal: Principal,
    installed: Sequence[Plugin],
    name: str,
    values: Mapping[str, Any],
    back: PutBack | None = None,
) -> None:
    """Set a plugin. `values` are by field; a field that is missing goes back to its default.

    Raises `Rejected` with a sentence for each field that cannot be so; `NotFound` for a plugin that is not
    installed or has nothing to set; `ProofNeeded`.
    """
    plugin = installed_one(installed, name)
    if plugin.settings is None:
        raise NotFound
    with transaction(principal) as tx:
        proof.demand(tx)
        require(tx.principal, PLUGINS_EDIT)
        functions.lock_plugin_toggles(tx)
        before = queries.settings_of(tx, name, plugin.settings).model_dump(mode="json")
        try:
            chosen = plugin.settings.model_validate(dict(values))
        except ValidationError as error:
            raise Rejected(**_by_field(error)) from None
        # Only what differs: a default that improves later reaches everybody who never touched it.
        _write(tx, plugin, settings=chosen.model_dump(mode="json", exclude_defaults=True))
        state = tx.scalars(select(PluginState).where(PluginState.name == name)).one()
        after = chosen.model_dump(mode="json")
        keep_changes(tx, {state: {field: (before[field], after[field]) for field in after}}, back)
        record(tx, "plugins.set", plugin=name, fields=sorted(chosen.model_dump(exclude_defaults=True)))


def installed_one(installed: Sequence[Plugin], name: str) -> Plugin:
    """The installed plugin of a name. Raises `NotFound`."""
    found = next((plugin for plugin in installed if plugin.name == name), None)
    if found is None:
        raise NotFound
    return found


def _tell_other_founders(tx: Transaction, plugin: Plugin, *, enabled: bool, reason: str | None) -> None:
    said = PluginSwitched(
        plugin=plugin.name,
        title=plugin.title,
        enabled=enabled,
        # By a command on the server nobody is signed in.
        by=tx.principal.name or "Somebody at the server",
        at=clock.now(),
        reason=reason,
    )
    for founder in queries.other_founders(tx):
        post(tx, PLUGIN_SWITCHED, to=founder, parameters=said)


def _refuse_what_breaks_others(
    on: Collection[str], installed: Sequence[Plugin], plugin: Plugin, *, enabled: bool
) -> None:
    titles = {each.name: each.title for each in installed}
    if enabled:
        missing = [titles[needed] for needed in plugin.requires if needed not in on]
        if missing:
            raise Rejected.whole(f"{plugin.title} needs {_listed(missing)}. Switch that on first.")
    else:
        users = [each.title for each in installed if plugin.name in each.requires and each.name in on]
        if users:
            raise Rejected.whole(f"{_listed(users)} needs {plugin.title}. Switch that off first.")


def _write(tx: Transaction, plugin: Plugin, **values: Any) -> None:
    """Insert or update the plugin's row. Two founders at once both count: the version grows by each."""
    changed = {
        **values,
        "changed_at": clock.now(),
        "changed_by": tx.principal.account_id,
    }
    statement = insert(PluginState).values(
        **({"enabled": tx.enabled(plugin.name)} | changed), name=plugin.name, version=1
    )
    tx.execute(
        statement.on_conflict_do_update(
            index_elements=[PluginState.name],
            set_=changed | {"version": PluginState.version + 1},
        )
    )


def _listed(titles: Sequence[str]) -> str:
    return " and ".join(titles)


def _by_field(error: ValidationError) -> dict[str, str]:
    """What is wrong, beside its field; what belongs to none stands for the whole form."""
    found: dict[str, list[str]] = {}
    for each in error.errors():
        field = str(each["loc"][0]) if each["loc"] else ""
        found.setdefault(field, []).append(_sentence(each["msg"]))
    return {field: " ".join(sentences) for field, sentences in found.items()}


def _sentence(message: str) -> str:
    return message.removeprefix("Value error, ").rstrip(".") + "."
